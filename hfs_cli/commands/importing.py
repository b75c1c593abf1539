"""`hfs sessions import`: bring conversations in."""

from __future__ import annotations

from pathlib import Path

import click

from hfs_cli.config import load_config
from hfs_cli.errors import UsageError


@click.command(name="import")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--dry-run", is_flag=True, help="Only say what would come in.")
def command(*, files: tuple[Path, ...], dry_run: bool) -> None:
    """Bring in conversations: all of a file, or nothing of it.

    FILE is what `hfs sessions export --format json` (or jsonl) wrote. What is there already
    is left as it is, so the same file can be imported again.

    \b
      hfs sessions import backup.jsonl --dry-run
    """
    from hfs_cli.exchange.reading import read_conversations
    from hfs_cli.store.sessions import SessionStore

    with SessionStore(load_config().database) as store:
        for file in files:
            try:
                done = store.put(read_conversations(file), dry_run=dry_run)
            except OSError as error:
                raise UsageError(f"cannot read {file}: {error.strerror}") from error
            would = "would come in" if dry_run else "imported"
            there = f", {done.present} there already" if done.present else ""
            click.echo(f"{done.sessions} sessions, {done.messages} messages {would}{there}")
