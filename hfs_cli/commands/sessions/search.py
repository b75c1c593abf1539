"""`hfs sessions search`: find messages and sessions by their words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import click

from hfs_cli.config import load_config
from hfs_cli.groups import owner_options, whole_number
from hfs_cli.moments import parse_since

if TYPE_CHECKING:
    from hfs_cli.messages import Role


@click.command(name="search")
@click.argument("words", metavar="WORDS...", nargs=-1, required=True)
@click.option("--fts", is_flag=True, help="WORDS are an FTS5 query: AND, OR, NOT, NEAR, word*.")
@click.option(
    "--role",
    type=click.Choice(["user", "assistant", "system", "tool"]),
    help="Only messages of this role.",
)
@click.option("-m", "--model", metavar="MODEL", help="Only replies of this model.")
@click.option("--since", metavar="WHEN", help="Written since 30d, 12h, or a date.")
@click.option("--until", metavar="WHEN", help="Written before 30d, 12h ago, or a date.")
@click.option("-S", "--session", "ref", metavar="REF", help="Only in this session.")
@click.option(
    "--limit",
    type=whole_number(1),
    metavar="N",
    default=20,
    show_default=True,
    help="At most this many.",
)
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
@owner_options(looks=True)
def search_sessions(  # noqa: PLR0913  (one for each option)
    *,
    words: tuple[str, ...],
    fts: bool,
    role: str | None,
    model: str | None,
    since: str | None,
    until: str | None,
    ref: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Find the messages, and the sessions by name, that hold all WORDS; the best first.

    Words in double quotes stay together; accents and case do not matter.
    Off a terminal: one hit a line, tab-separated session id, message number, role, time,
    session name, snippet; of --all-owners whose it is, too.

    \b
      hfs sessions search wal checkpoint
      hfs sessions search '"write-ahead log"' --role user --since 30d
    """
    begin, end = parse_since(since), parse_since(until)
    from hfs_cli.conversations import SearchFilter
    from hfs_cli.store.store import open_store

    config = load_config()
    with open_store(config) as store:
        asked = SearchFilter(
            role=cast("Role | None", role),
            model=model,
            since=begin,
            until=end,
            session_id=store.resolve(ref).id if ref else None,
        )
        hits = store.search(" ".join(words), asked, limit=limit, raw=fts)
    from hfs_cli.render.lists.search import show_hits

    show_hits(hits, as_json=as_json, now=datetime.now(UTC), owners=config.all_owners)
