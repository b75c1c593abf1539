"""`hfs sessions search`: find messages and sessions by their words."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import click

from hfs_cli import notices
from hfs_cli.config import load_config
from hfs_cli.groups import owner_options, whole_number
from hfs_cli.moments import parse_since

if TYPE_CHECKING:
    from hfs_cli.messages import Role

_ON_A_TERMINAL = 20


@click.command(name="search")
@click.argument("words", metavar="WORD...", nargs=-1, required=True)
@click.option("--fts", is_flag=True, help="The words are an FTS5 query: AND, OR, NOT, NEAR, x*.")
@click.option(
    "--role",
    type=click.Choice(["user", "assistant", "system", "tool"]),
    help="Only messages of this role.",
)
@click.option("-m", "--model", metavar="MODEL", help="Only replies of this model.")
@click.option("--since", metavar="WHEN", help="Only from the last 30d or 12h, or since a date.")
@click.option("--until", metavar="WHEN", help="Only from before 30d or 12h ago, or before a date.")
@click.option("-S", "--session", "ref", metavar="REF", help="Search only session REF.")
@click.option(
    "--limit",
    type=whole_number(1),
    metavar="N",
    help="Show at most N; on a terminal 20 by default.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
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
    limit: int | None,
    as_json: bool,
) -> None:
    """Find messages, and sessions by name, that contain every WORD; the best first.

    Words in double quotes stay together; accents and case do not matter. On a terminal the
    best 20; in a pipe all, one per line, tab-separated: session id, message number, role, time,
    session name, snippet, and with --all-owners the owner.

    \b
      hfs sessions search wal checkpoint
      hfs sessions search '"write-ahead log"' --role user --since 30d
    """
    begin, end = parse_since(since), parse_since(until)
    cut = limit is None and not as_json and notices.is_terminal(sys.stdout)
    most = _ON_A_TERMINAL + 1 if cut else limit or sys.maxsize
    from hfs_cli.conversations import SearchFilter
    from hfs_cli.store.store import open_store

    config = load_config()
    with open_store(config) as store:
        asked = SearchFilter(
            role=cast("Role | None", role),
            model=model,
            since=begin,
            until=end,
            session_id=None if ref is None else store.resolve(ref).id,
        )
        hits = store.search(" ".join(words), asked, limit=most, raw=fts)
    from hfs_cli.render.lists.search import show_hits

    more = cut and len(hits) == most
    if more:
        hits.pop()
    show_hits(hits, as_json=as_json, now=datetime.now(UTC), owners=config.all_owners)
    if more:
        notices.notice(f"the best {_ON_A_TERMINAL}: --limit N shows more")
