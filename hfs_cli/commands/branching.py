"""`hfs sessions fork|rewind|undo|tree`: go another way without losing the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hfs_cli import notices
from hfs_cli.config import load_config

if TYPE_CHECKING:
    from hfs_cli.messages import Session


@click.command(name="fork")
@click.argument("ref", default="@last")
@click.option("--at", type=click.IntRange(min=1), metavar="N", help="Share the first N messages.")
@click.option("-n", "--name", metavar="NAME", help="Name of the fork.")
def fork(*, ref: str, at: int | None, name: str | None) -> None:
    """Begin a new session with the messages of REF (all of them, or the first N).

    The messages are shared, not copied. Prints the new session's id.

    \b
      hfs sessions fork "release notes" --at 4 --name "release notes, short"
    """
    from hfs_cli.store.sessions import SessionStore

    with SessionStore(load_config().database) as store:
        forked = store.fork(store.resolve(ref).id, at=at, name=name)
    _told(forked, "forked")


@click.command(name="rewind")
@click.argument("ref", default="@last")
@click.option("--to", required=True, metavar="N|CHECKPOINT", help="The last message to keep.")
def rewind(*, ref: str, to: str) -> None:
    """Let session REF continue from an earlier point.

    What followed stays as a branch: `hfs sessions tree` shows it, `hfs resume` continues
    it. Prints the branch's id.

    \b
      hfs sessions rewind --to 4
      hfs sessions rewind "release notes" --to "first draft"
    """
    from hfs_cli.store.sessions import SessionStore

    with SessionStore(load_config().database) as store:
        branch = store.rewind(store.resolve(ref).id, to)
    _told(branch, "set aside")


@click.command(name="undo")
@click.argument("ref", default="@last")
@click.option("-n", "--turns", type=click.IntRange(min=1), default=1, show_default=True)
def undo(*, ref: str, turns: int) -> None:
    """Take back the last turns of session REF.

    They stay as a branch, as with rewind. Prints the branch's id.
    """
    from hfs_cli.store.sessions import SessionStore

    with SessionStore(load_config().database) as store:
        branch = store.undo(store.resolve(ref).id, turns)
    _told(branch, "set aside")


@click.command(name="tree")
@click.argument("ref", default="@last")
@click.option("--json", "as_json", is_flag=True, help="A JSON array, the oldest first.")
def tree(*, ref: str, as_json: bool) -> None:
    """Draw the family of session REF: forks, and what was set aside."""
    from hfs_cli.store.sessions import SessionStore

    with SessionStore(load_config().database) as store:
        session = store.resolve(ref)
        family = store.family(session.id)
    from hfs_cli.render.family import show_tree

    show_tree(family, current_id=session.id, as_json=as_json)


def _told(session: Session, what: str) -> None:
    """The id is the answer; the rest is for a person."""
    click.echo(session.id)
    notices.notice(f"{what}: session {session.id} · {session.name} · {session.messages} messages")
