"""`hfs sessions prune`: let old sessions go."""

from __future__ import annotations

import click

from hfs_cli.commands.delete import remove
from hfs_cli.config import load_config
from hfs_cli.moments import parse_age


@click.command(name="prune")
@click.option("--older-than", "age", required=True, metavar="AGE", help="90m, 12h, 30d or 2w.")
@click.option(
    "--keep",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Keep the N last used sessions, however old.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def prune_sessions(*, age: str, keep: int, dry_run: bool, yes: bool) -> None:
    """Delete sessions not used for AGE, and what was set aside that long ago.

    Unlike `hfs delete --older-than` it also clears the branches that rewind, undo and retry
    have left in sessions that stay.

    \b
      hfs sessions prune --older-than 26w --keep 100 --dry-run
    """
    moment = parse_age(age)
    from hfs_cli.store.store import SessionStore

    with SessionStore(load_config().database) as store:
        remove(store, store.prunable(moment, keep=keep), dry_run=dry_run, yes=yes)
