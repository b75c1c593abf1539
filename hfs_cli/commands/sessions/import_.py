"""`hfs sessions import`: bring conversations in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import click

from hfs_cli.config import load_config
from hfs_cli.errors import UsageError
from hfs_cli.wording import plural

if TYPE_CHECKING:
    from hfs_cli.conversations import Conversation


@click.command(name="import")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--dry-run", is_flag=True, help="Only say what would come in.")
def import_sessions(*, files: tuple[Path, ...], dry_run: bool) -> None:
    """Bring in conversations: all of a FILE, or nothing of it.

    FILE is what `hfs sessions export --format json` (or jsonl) wrote, or another program's
    history: conversations.json of ChatGPT or Claude, the logs.db of llm, a session of aichat
    (.yaml) or a chat of shell_gpt. What is there already is left as it is, so a file can be
    imported again. - is standard input.

    \b
      hfs sessions import backup.jsonl --dry-run
      hfs sessions import "$(llm logs path)"
      ssh host hfs sessions export --all --format jsonl | hfs sessions import -
    """
    from hfs_cli.store.store import open_store

    with open_store(load_config()) as store:
        for file in files:
            try:
                with _piped(file) as piped:
                    done = store.put(_conversations(file, piped), dry_run=dry_run)
            except OSError as error:
                raise UsageError(f"cannot read {file}: {error.strerror}") from error
            would = "would come in" if dry_run else "imported"
            there = f", {done.present} there already" if done.present else ""
            came = f"{plural(done.sessions, 'session')}, {plural(done.messages, 'message')}"
            click.echo(f"{came} {would}{there}")


@contextmanager
def _piped(file: Path) -> Iterator[BinaryIO | None]:
    """All that comes out of a pipe, kept aside; None for a file.

    A pipe may be slow, and the database is locked while conversations go into it.
    """
    from tempfile import TemporaryFile

    given = file == Path("-")
    if given and sys.stdin is None:
        raise UsageError("- asks for standard input, and it is closed")
    if not given and not file.is_fifo():
        yield None
        return
    from hfs_cli.exchange.detect import MAX_DOCUMENT
    from hfs_cli.files import open_file

    with TemporaryFile() as whole:
        stream = open(sys.stdin.fileno(), "rb", closefd=False) if given else None  # noqa: SIM115
        with stream or open_file(file, pipes=True) as source:
            # A line without end (`/dev/zero`) is neither of the forms that can be read.
            line = 0
            while block := source.read(1 << 20):
                whole.write(block)
                line = 0 if b"\n" in block else line + len(block)
                if line > MAX_DOCUMENT:
                    raise UsageError(f"{file} has a line of over {MAX_DOCUMENT // 10**6} MB")
        whole.seek(0)
        yield cast("BinaryIO", whole)  # a wrapper of one where files are not POSIX's


def _conversations(file: Path, piped: BinaryIO | None) -> Iterator[Conversation]:
    """What is in a file or a pipe; databases are the store's to read."""
    from hfs_cli.exchange.detect import is_database, read_conversations

    if piped is not None:
        return read_conversations(Path("standard input") if file == Path("-") else file, piped)
    if is_database(file):
        from hfs_cli.exchange.sources import llm

        return llm.conversations(file)
    return read_conversations(file)
