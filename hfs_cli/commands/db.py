"""`hfs db`: the database as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hfs_cli import notices
from hfs_cli.config import load_config
from hfs_cli.errors import StoreError, UsageError
from hfs_cli.groups import Group
from hfs_cli.wording import plural

if TYPE_CHECKING:
    from hfs_cli.conversations import Conversation


@click.group(name="db", cls=Group)
def db() -> None:
    """Find, copy, check and shrink the database."""


@db.command(name="path")
def print_database_path() -> None:
    """Print where the database is, or would be."""
    click.echo(load_config().shown_database)


@db.command(name="backup")
@click.argument("file", type=click.Path(path_type=Path))
def back_up_database(*, file: Path) -> None:
    """Copy the database to a new FILE, even while others write to it.

    The copy is checked first: a damaged database leaves no FILE, and the exit code is 8.
    """
    from hfs_cli.store.store import open_store

    with open_store(load_config()) as store:
        store.back_up(file)
    notices.notice(f"written: {file}")


@db.command(name="copy")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
def copy_database(*, source: str, target: str) -> None:
    """Copy all sessions of one database into another.

    Each is a SQLite file or postgresql://HOST/NAME. Everything of a session is copied: branches
    and what was set aside, checkpoints, attachments, calls of tools, times. Others may go on
    chatting in both, and TO shows nothing before all of it is there.

    Run it again to copy what is new since, or after it was killed. What else is in TO stays.

    \b
      hfs db copy "$(hfs db path)" postgresql://db.example.com/hfs
    """
    from hfs_cli.render.lists.imported import show_imported
    from hfs_cli.render.progress import progress
    from hfs_cli.sanitize import sanitize_line
    from hfs_cli.store.store import open_store

    config = load_config()
    places = _place(source), _place(target)
    if places[0] == places[1]:
        raise UsageError("FROM and TO are the same database: name another")
    with open_store(config, places[0]) as giver, open_store(config, places[1]) as taker:
        if not giver.exists():
            raise StoreError(f"there is no database at {source}: hfs db path prints where yours is")
        with (
            progress("copying sessions", giver.count_kept(), counted=True) as advance,
            closing(giver.conversations()) as conversations,
        ):
            done = taker.put(
                _counted(conversations, advance),
                restore=True,
                waiting=lambda: notices.notice("waiting for an import into TO to end"),
            )
    click.echo(f"copied from {sanitize_line(source)} to {sanitize_line(target)}:")
    show_imported(done)


def _place(text: str) -> Path | str:
    """Read the place of a database from the command line."""
    from hfs_cli.config.database import has_password

    if "://" not in text:
        try:
            return Path(text).expanduser().absolute()
        except (OSError, RuntimeError) as error:  # no current directory, no such user
            raise UsageError(f"{text} leads nowhere: give an absolute path") from error
    if not text.startswith(("postgresql://", "postgres://")):
        raise UsageError(f"{text.partition('://')[0]}:// is not a database: use postgresql://")
    try:
        secret = has_password(text)
    except ValueError:  # its message may contain the password
        raise UsageError(
            "FROM or TO is not the address of a database: use postgresql://HOST/NAME"
        ) from None
    if secret:
        raise UsageError(
            "every user of this machine can read the arguments of a command: leave the password"
            " out, and set PGPASSWORD, or a line of ~/.pgpass"
        )
    return text


def _counted(
    conversations: Iterable[Conversation], advance: Callable[[int], None]
) -> Iterator[Conversation]:
    for conversation in conversations:
        yield conversation
        advance(1)


@db.command(name="check")
def check_database() -> None:
    """Check the whole database. Prints what is wrong; exits 8 if anything is.

    Files that others can read do not count as damage: a warning says how to make them private.
    """
    from hfs_cli.store.store import open_store

    with open_store(load_config()) as store:
        problems = store.check()
        exposed = store.exposed()
    from hfs_cli.sanitize import sanitize_line

    for file in exposed:
        notices.warn(file)
    for problem in problems:
        click.echo(sanitize_line(problem))
    if problems:
        raise StoreError(f"{plural(len(problems), 'problem')} found in the database")
    notices.notice("nothing wrong")


@db.command(name="vacuum")
def vacuum_database() -> None:
    """Give back to the disk the space of deleted sessions. Prints the bytes gained."""
    from hfs_cli.render.output import print_made
    from hfs_cli.store.store import open_store
    from hfs_cli.wording import data_size

    with open_store(load_config()) as store:
        gained = store.vacuum(lambda: notices.notice("waiting for an import to end"))
    print_made(f"{gained} bytes", f"given back to the disk: {data_size(gained)}")
