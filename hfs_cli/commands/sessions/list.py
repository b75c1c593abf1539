"""`hfs sessions list`: the sessions, the newest activity first."""

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
    help="Show at most N; on a terminal 20 by default.",
)
@click.option(
    "--all", "everything", is_flag=True, help="Show all, even those that never had a reply."
)
@click.option(
    "--since", metavar="WHEN", help="Only those used in the last 30d or 12h, or since a date."
)
@click.option("-m", "--model", metavar="MODEL", help="Only sessions of this model.")
@click.option("--query", metavar="TEXT", help="Only names that contain TEXT.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@click.option("--ids", is_flag=True, help="Print only ids, one per line.")
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
    """List sessions, the newest activity first.

    That is the time of the last reply or resume. What was imported stands at the times of its
    own history, and a session that never had a reply where it was last asked. -c and @last go by
    what was used here: ● marks the session that -c continues, wherever it stands.

    On a terminal the newest 20, or all that match if a filter, --ids or --json is given. In a
    pipe all of them, one per line, tab-separated: id, name, model, messages, last use,
    "partial" if the last reply broke off, and with --all-owners the owner.
    """
    if as_json and ids:
        raise UsageError("--json and --ids exclude each other: keep one")
    config = load_config()
    moment = parse_since(since)
    asked = everything or ids or as_json or since or model or query
    on_terminal = notices.is_terminal(sys.stdout)
    shown = limit
    if limit is None and not asked and on_terminal:
        shown = _ON_A_TERMINAL
    from hfs_cli.store.store import open_store

    with open_store(config) as store:
        found = store.list_recent(
            limit=shown, since=moment, model=model, query=query, unanswered=everything
        )
        if ids:
            click.echo("".join(f"{session.id}\n" for session in found), nl=False)
            return
        # With all owners, the last used one need not be the one that -c continues.
        current = store.last_used() if on_terminal and not config.all_owners else None
        total = len(found)
        if on_terminal and not everything and total == shown:
            total = store.count(since=moment, model=model, query=query)
        from hfs_cli.render.lists.sessions import show_sessions

        show_sessions(
            found,
            as_json=as_json,
            current_id=current and current.id,
            total=total,
            now=datetime.now(UTC),
            owners=config.all_owners,
        )
