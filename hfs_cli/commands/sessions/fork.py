"""`hfs sessions fork`: begin a session with the messages of another."""

from __future__ import annotations

import click

from hfs_cli.compose.session import opened_session
from hfs_cli.groups import owner_options, whole_number
from hfs_cli.wording import plural


@click.command(name="fork")
@click.argument("ref", required=False)
@click.option("--at", type=whole_number(1), metavar="N", help="Share the first N messages.")
@click.option("-n", "--name", metavar="NAME", help="Name of the fork.")
@owner_options()
def fork_session(*, ref: str | None, at: int | None, name: str | None) -> None:
    """Begin a new session with the messages of REF (all of them, or the first N).

    The messages are shared, not copied. In a pipe, prints the new session's id.

    \b
      hfs sessions fork "release notes" --at 4 --name "release notes, short"
    """
    with opened_session(ref) as (store, session):
        forked = store.fork(session.id, at=at, name=name)
    from hfs_cli.render.output import print_made

    shared = f'{plural(forked.messages, "message")} of "{session.name}"'
    print_made(str(forked.id), f"{forked.label} begins with {shared}: hfs resume {forked.id}")
