"""`hfs db`: the database as a file."""

from __future__ import annotations

from pathlib import Path

import click

from hfs_cli import notices
from hfs_cli.config import load_config
from hfs_cli.errors import StoreError
from hfs_cli.groups import Group
from hfs_cli.wording import plural


@click.group(name="db", cls=Group)
def db() -> None:
    """Find, copy, check and shrink the database."""


@db.command(name="path")
def print_database_path() -> None:
    """Print where the database is, or would be."""
    click.echo(load_config().database)


@db.command(name="backup")
@click.argument("file", type=click.Path(path_type=Path))
def back_up_database(*, file: Path) -> None:
    """Copy the database to a new FILE, also while others write to it.

    The copy is looked over first: there is no FILE of a damaged database, and it exits 8.
    """
    from hfs_cli.store.store import open_store

    with open_store(load_config()) as store:
        store.back_up(file)
    notices.notice(f"written: {file}")


@db.command(name="check")
def check_database() -> None:
    """Look the whole database over. Prints what is wrong; exits 8 if anything is.

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
    """Give the room that deleted sessions took back to the disk. Prints the bytes gained."""
    from hfs_cli.render.output import print_made
    from hfs_cli.store.store import open_store
    from hfs_cli.wording import data_size

    with open_store(load_config()) as store:
        gained = store.vacuum(lambda: notices.notice("waiting for an import to end"))
    print_made(f"{gained} bytes", f"given back to the disk: {data_size(gained)}")
