"""Add up replies by day, model or session."""

from __future__ import annotations

from datetime import datetime
from math import isfinite
from typing import Literal

from peewee import SQL, Case, fn

from hfs_cli.conversations import Tally
from hfs_cli.store import sessions
from hfs_cli.store.engine import BadRow, ByOwners, Connection
from hfs_cli.store.rows import to_microseconds
from hfs_cli.store.tables import MessageRow, SessionRow

Heading = Literal["day", "model", "session"]


def tallies(db: Connection, by: Heading, *, since: datetime | None = None) -> list[Tally]:
    """The replies of each day, model or session added up, separately for each model.

    Args:
        since: Only replies that began at or after this moment.
    """
    key = {
        # By the user's own time zone: its midnight decides what was spent today.
        "day": db.local_day(MessageRow.created_at),
        "model": fn.COALESCE(MessageRow.model, ""),
        # Several owners may each have a session of one name.
        "session": ByOwners(
            SessionRow.name, every=SessionRow.owner.concat(": ").concat(SessionRow.name)
        ),
    }[by]
    counts = (MessageRow.input_tokens, MessageRow.output_tokens, MessageRow.cached_tokens)
    query = (
        MessageRow.select(
            key,
            MessageRow.model,
            # A turn with tools counts once, though each of its steps has tokens.
            fn.COALESCE(fn.SUM(Case(None, [(MessageRow.step == 0, 1)], 0)), 0),
            # Not as whole numbers: an engine may refuse a sum that is larger than its integers.
            *(fn.COALESCE(fn.SUM(count.cast("DOUBLE PRECISION")), 0) for count in counts),
            fn.AVG(MessageRow.first_token_s),
        )
        .where(MessageRow.role == "assistant", sessions.is_of_shown(MessageRow.session_id))
        # By their places: where the values of a query are numbered, the same expression written
        # twice is another one to the engine.
        .group_by(SQL("1"), SQL("2"))
        .order_by(SQL("1"), SQL("2"))
    )
    if by == "session":
        # A reply that branches share is kept, and counted, once.
        query = query.join(SessionRow, on=SessionRow.id == MessageRow.session_id)
    if since is not None:
        query = query.where(MessageRow.created_at >= to_microseconds(since))
    found = list(db.execute(query))
    if not all(isinstance(row[0], str) for row in found):
        raise BadRow(f"a reply whose {by} is not text, or not in the calendar")
    if not all(isfinite(total) for row in found for total in row[3:6]):
        raise BadRow("a reply whose tokens have no end")
    return [
        Tally(key, model, turns, int(tokens_in), int(tokens_out), int(cached), first_token_s)
        for key, model, turns, tokens_in, tokens_out, cached, first_token_s in found
    ]
