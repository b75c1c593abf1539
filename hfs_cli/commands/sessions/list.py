"""`hfs sessions list`: the sessions, the last used first."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from hfs_cli import notices
from hfs_cli.config import load_config
from hfs_cli.errors import UsageError
from hfs_cli.groups import owner_options, whole_number
from hfs_cli.moments import parse_since

_ON_A_TERMINAL = 20


@click.command(name="list")
@click.option(
    "--limit",
    type=whole_number(1),
    metavar="N",
    help="At most this many; on a terminal 20 by default.",
)
@click.option(
    "--all", "everything", is_flag=True, help="Every session, also those that never had a reply."
)
@click.option("--since", metavar="WHEN", help="Used since 30d, 12h, or a date.")
@click.option("-m", "--model", metavar="MODEL", help="Only sessions of this model.")
@click.option("--query", metavar="TEXT", help="Only names that contain TEXT.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
@click.option("--ids", is_flag=True, help="Only ids, one a line.")
@owner_options(looks=True)
def list_sessions(
    *,
    limit: int | None,
    everything: bool,
    since: str | None,
    model: str | None,
    query: str | None,
    as_json: bool,
    ids: bool,
) -> None:
    """List sessions, the last used first.

    On a terminal the newest 20; all that fit where a filter, --ids or --json is given, and off
    a terminal, one a line: id, name, model, messages and last use between tabs; and of
    --all-owners whose it is, behind all others.
    """
    if as_json and ids:
        raise UsageError("--json and --ids exclude each other: keep one")
    config = load_config()
    moment = parse_since(since)
    asked = everything or ids or as_json or since or model or query
    if limit is None and not asked and notices.is_terminal(sys.stdout):
        limit = _ON_A_TERMINAL
    from hfs_cli.store.store import open_store

    with open_store(config) as store:
        found = store.list_recent(
            limit=limit, since=moment, model=model, query=query, unanswered=everything
        )
        if ids:
            click.echo("".join(f"{session.id}\n" for session in found), nl=False)
            return
        from hfs_cli.render.lists.sessions import show_sessions

        show_sessions(
            found,
            as_json=as_json,
            # Of everybody's the first need not be what -c continues.
            current_id=found[0].id if found and found[0].listed and not config.all_owners else None,
            total=store.count(since=moment, model=model, query=query),
            now=datetime.now(UTC),
            owners=config.all_owners,
        )
