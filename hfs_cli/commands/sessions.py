"""`hfs sessions`: look at what is kept."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from hfs_cli.commands.delete import moment_ago
from hfs_cli.commands.groups import LazyGroup
from hfs_cli.config import load_config
from hfs_cli.errors import UsageError

_COMMANDS = {
    "list": "sessions:list_sessions",
    "show": "sessions:show",
    "search": "searching",
    "tree": "branching:tree",
    "fork": "branching:fork",
    "rewind": "branching:rewind",
    "undo": "branching:undo",
    "retry": "retrying",
    "export": "exporting",
    "import": "importing",
    "stats": "statistics",
    "prune": "pruning",
}


@click.group(name="sessions", cls=LazyGroup, places=_COMMANDS)
def command() -> None:
    """List, show and search the kept sessions; branch them and move them."""


def since_moment(text: str | None) -> datetime | None:
    """Read ``--since``: an age (30d, 12h) or a date (2026-11-22, UTC).

    Raises:
        UsageError: It is neither.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return moment_ago(text, also=", or a date such as 2026-11-22")
    return moment if moment.tzinfo else moment.astimezone()


@click.command(name="list")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
@click.option("--all", "everything", is_flag=True, help="Every session, not the newest few.")
@click.option("--since", metavar="WHEN", help="Used since 30d, 12h, or a date.")
@click.option("-m", "--model", metavar="MODEL", help="Only sessions of this model.")
@click.option("--query", metavar="TEXT", help="Only names that contain TEXT.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
@click.option("--ids", is_flag=True, help="Only ids, one a line.")
def list_sessions(
    *,
    limit: int,
    everything: bool,
    since: str | None,
    model: str | None,
    query: str | None,
    as_json: bool,
    ids: bool,
) -> None:
    """List sessions, the last used first.

    Off a terminal: one session a line, tab-separated id, name, model, messages, last use.
    """
    if as_json and ids:
        raise UsageError("--json and --ids exclude each other: keep one")
    config = load_config()
    moment = since_moment(since)
    from hfs_cli.store.sessions import SessionStore

    with SessionStore(config.database) as store:
        found = store.list_recent(
            limit=None if everything else limit, since=moment, model=model, query=query
        )
        if ids:
            click.echo("".join(f"{session.id}\n" for session in found), nl=False)
            return
        from hfs_cli.render.sessions import show_sessions

        show_sessions(
            found,
            as_json=as_json,
            current_id=found[0].id if found else None,
            total=store.count(since=since_moment(since), model=model, query=query),
            now=datetime.now(UTC),
        )


@click.command(name="show")
@click.argument("ref", default="@last")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
)
@click.option("--json", "output_format", flag_value="json", help="Short for --format json.")
def show(*, ref: str, output_format: str) -> None:
    """Show the transcript of a session (the last used one by default)."""
    from hfs_cli.store.sessions import SessionStore

    with SessionStore(load_config().database) as store:
        session = store.resolve(ref)
        messages = store.transcript(session.id)
        checkpoints = store.checkpoints_of(session.id)
    from hfs_cli.render.transcript import print_transcript

    print_transcript(session, messages, format=output_format, checkpoints=checkpoints)
