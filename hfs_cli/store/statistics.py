"""Add up replies by day, model or session."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from peewee import SqliteDatabase

from hfs_cli.store.rows import to_microseconds
from hfs_cli.store.transcripts import fetch

if TYPE_CHECKING:
    from hfs_cli.conversations import Tally

Heading = Literal["day", "model", "session"]

# A day is the user's own: where midnight is decides what was spent today.
_KEYS = {
    "day": "date(m.created_at / 1000000, 'unixepoch', 'localtime')",
    "model": "coalesce(m.model, '')",
    "session": "s.name",
}


def tallies(db: SqliteDatabase, by: Heading, since: datetime | None) -> list[Tally]:
    """Replies added up under each heading and model.

    Args:
        by: The heading.
        since: Only replies begun at or after this moment.
    """
    # A reply that a branch shares is kept, and counted, once.
    join = "JOIN session s ON s.id = m.session_id" if by == "session" else ""
    recent = "" if since is None else "AND m.created_at >= ?"
    found = fetch(
        db,
        f"""SELECT {_KEYS[by]} AS key, m.model, count(*) AS turns,
            coalesce(sum(m.input_tokens), 0) AS input_tokens,
            coalesce(sum(m.output_tokens), 0) AS output_tokens,
            coalesce(sum(m.cached_tokens), 0) AS cached_tokens,
            avg(m.first_token_s) AS first_token_s
        FROM message m {join} WHERE m.role = 'assistant' {recent}
        GROUP BY key, m.model ORDER BY key, m.model""",
        () if since is None else (to_microseconds(since),),
    )
    from hfs_cli.conversations import Tally

    return [Tally(**row) for row in found]
