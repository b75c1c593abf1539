"""`hfs delete`: remove sessions for good."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hfs_cli import notices
from hfs_cli.config import load_config
from hfs_cli.errors import UsageError
from hfs_cli.groups import owner_options, whole_number
from hfs_cli.moments import parse_age
from hfs_cli.sanitize import sanitize_line
from hfs_cli.wording import plural

if TYPE_CHECKING:
    from hfs_cli.messages import Session

_MOST_NAMED = 10


@click.command(name="delete")
@click.argument("refs", metavar="[REF]...", nargs=-1)
@click.option("--older-than", metavar="AGE", help="Sessions not used for 90m, 12h, 30d or 2w.")
@click.option("--all", "everything", is_flag=True, help="Every session.")
@click.option(
    "--keep",
    type=whole_number(0),
    metavar="N",
    help="With --older-than or --all: keep the first N of `hfs sessions list`.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be deleted.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@owner_options()
def delete_sessions(
    refs: tuple[str, ...],
    *,
    older_than: str | None,
    everything: bool,
    keep: int | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Delete sessions and all that belongs to them.

    What rewind, undo and retry set aside is deleted with its session; --older-than also
    deletes what was set aside that long ago in sessions that stay. Asks on a terminal;
    elsewhere --yes is needed.

    \b
      hfs delete 12 "release notes"
      hfs delete --older-than 26w --keep 100 --dry-run
    """
    if sum([bool(refs), older_than is not None, everything]) != 1:
        raise UsageError("name sessions, or give --older-than AGE or --all: exactly one of these")
    if refs and keep is not None:
        raise UsageError("--keep goes with --older-than AGE or --all")
    from hfs_cli.store.store import open_store

    with open_store(load_config()) as store:
        doomed: list[Session]
        if refs:
            # All are found before any is deleted, so that one bad REF deletes nothing.
            doomed = list({session.id: session for session in map(store.resolve, refs)}.values())
        elif older_than is not None:
            doomed = store.older_than(parse_age(older_than), keep=keep or 0)
        else:
            spared = {session.id for session in store.list_recent(limit=keep or 0)}
            every = store.list_recent(limit=None, unanswered=True)
            doomed = [session for session in every if session.id not in spared]
        if dry_run:
            # What was set aside is deleted too, and listed nowhere else.
            for session in (*doomed, *store.going_with(session.id for session in doomed)):
                click.echo(f"{session.id}\t{sanitize_line(session.name)}")
        elif doomed and not yes and not _confirmed(doomed):
            notices.notice("nothing deleted")
        else:
            count = store.delete(session.id for session in doomed)
            notices.notice(f"{plural(count, 'session')} deleted")


def _confirmed(doomed: Sequence[Session]) -> bool:
    """Ask on a terminal; elsewhere refuse instead of waiting."""
    if sys.stdin is None or not sys.stdin.isatty() or not notices.stderr_is_terminal():
        raise UsageError("there is no terminal to ask on: add --yes to delete")
    from hfs_cli.groups.question import answered_yes

    for session in doomed[:_MOST_NAMED]:
        notices.say(f"  {session.id}  {sanitize_line(session.name)}")
    if len(doomed) > _MOST_NAMED:
        notices.say(f"  … and {len(doomed) - _MOST_NAMED} more")
    them = "this session" if len(doomed) == 1 else f"these {len(doomed)} sessions"
    return answered_yes(f"Delete {them} for good?")
