"""`hfs sessions fork`: begin a session with the messages of another."""

from __future__ import annotations

import click

from hfs_cli import notices
from hfs_cli.compose.session import meant_session
from hfs_cli.config import load_config
from hfs_cli.groups import Count
from hfs_cli.wording import plural


@click.command(name="fork")
@click.argument("ref", required=False)
@click.option("--at", type=Count(1), metavar="N", help="Share the first N messages.")
@click.option("-n", "--name", metavar="NAME", help="Name of the fork.")
def fork_session(*, ref: str | None, at: int | None, name: str | None) -> None:
    """Begin a new session with the messages of REF (all of them, or the first N).

    The messages are shared, not copied. Prints the new session's id.

    \b
      hfs sessions fork "release notes" --at 4 --name "release notes, short"
    """
    from hfs_cli.store.store import open_store

    config = load_config()
    with open_store(config) as store:
        forked = store.fork(meant_session(store, config, ref).id, at=at, name=name)
    click.echo(forked.id)
    notices.notice(f"forked: {forked.label} · {plural(forked.messages, 'message')}")
