"""`hfs sessions fork`: begin a session with the messages of another."""

from __future__ import annotations

import click

from hfs_cli import notices
from hfs_cli.config import load_config
from hfs_cli.wording import plural


@click.command(name="fork")
@click.argument("ref", default="@last")
@click.option("--at", type=click.IntRange(min=1), metavar="N", help="Share the first N messages.")
@click.option("-n", "--name", metavar="NAME", help="Name of the fork.")
def fork_session(*, ref: str, at: int | None, name: str | None) -> None:
    """Begin a new session with the messages of REF (all of them, or the first N).

    The messages are shared, not copied. Prints the new session's id.

    \b
      hfs sessions fork "release notes" --at 4 --name "release notes, short"
    """
    from hfs_cli.store.store import SessionStore

    with SessionStore(load_config().database) as store:
        forked = store.fork(store.resolve(ref).id, at=at, name=name)
    click.echo(forked.id)
    notices.notice(f"forked: {forked.label} · {plural(forked.messages, 'message')}")
