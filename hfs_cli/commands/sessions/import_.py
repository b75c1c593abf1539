"""`hfs sessions import`: bring conversations in."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

import click

from hfs_cli import notices
from hfs_cli.config import load_config
from hfs_cli.errors import IncompleteReplyError, NotFoundError, UsageError
from hfs_cli.exchange.sources import SOURCES
from hfs_cli.groups import owner_options
from hfs_cli.wording import plural

if TYPE_CHECKING:
    from hfs_cli.conversations import Imported
    from hfs_cli.exchange.detect import Source
    from hfs_cli.store.store import SessionStore

_NO_FORMAT = "in no format that can be imported"


@click.command(name="import")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--dry-run", is_flag=True, help="Only say what would come in.")
@click.option(
    "--from",
    "source",
    metavar="NAME",
    type=click.Choice(tuple(SOURCES)),
    help=f"Whose history it is, found out otherwise: {', '.join(SOURCES)}.",
)
@click.option("--skip-broken", is_flag=True, help="Pass over conversations that are damaged.")
@click.option("--restore", is_flag=True, help="Bring back what was deleted here, too.")
@owner_options()
def import_sessions(
    *, files: tuple[Path, ...], dry_run: bool, source: str | None, skip_broken: bool, restore: bool
) -> None:
    """Bring in what is new of conversations: all of a FILE, or nothing of it.

    FILE is what `hfs sessions export --format json` (or jsonl) wrote, or another program's
    history: the export of ChatGPT or Claude (the ZIP, or a conversations.json of it), the logs.db
    of llm, a session (.yaml) or the messages.md of aichat, a chat of shell_gpt, the directory of
    mods. docs/import.md has a format of lines that any other can be brought into. Branches come as
    branches: see `hfs sessions tree`. - is standard input; of a directory all files are read that
    hold a history.

    What is there already gains what followed; where it has gone another way, what arrives becomes
    a branch of it. What was renamed or deleted here stays so (--restore brings it back).

    Others may go on chatting meanwhile, and nothing is shown before all of a file has come. With
    --skip-broken a conversation that is damaged is named and passed over, and the exit code is 7.

    \b
      hfs sessions import backup.jsonl --dry-run
      hfs sessions import "$(llm logs path)"
      hfs sessions import ~/.claude/projects ~/.codex/sessions ~/.gemini/tmp
      ssh host hfs sessions export --all --since 2d --format jsonl | hfs sessions import -
    """
    from hfs_cli.files import refusing
    from hfs_cli.store.store import open_store

    broken = 0
    unread: list[str] = []
    with open_store(load_config()) as store:
        for file in files:
            with refusing(UsageError, f"cannot read {file}"):
                how = _How(source, dry_run, skip_broken, restore)
                for done in _import(store, file, how, unread.append):
                    broken += done.broken
    if broken:
        raise IncompleteReplyError(f"{plural(broken, 'conversation')} could not be imported")
    if unread:
        raise IncompleteReplyError(f"{len(unread)} of the files and directories could not be read")


class _How(NamedTuple):
    """What was asked for, of every file."""

    source: str | None
    dry_run: bool
    skip_broken: bool
    restore: bool


def _import(
    store: SessionStore, file: Path, how: _How, unread: Callable[[str], None]
) -> Iterator[Imported]:
    """Import a file, or all files of a directory that hold a history.

    Args:
        store: Where to.
        file: The file, or the directory.
        how: What was asked for.
        unread: Told of what in a directory cannot be read; it is passed over, with a warning.
    """
    from hfs_cli.exchange.detect import files_in
    from hfs_cli.sanitize import sanitize_line

    def not_read(error: OSError) -> None:
        notices.warn(f"cannot read {error.filename}: {error.strerror}")
        unread(str(error.filename))

    is_directory = file.is_dir()
    whole = _Whole()
    for one in files_in(file, not_read) if is_directory else [file]:
        with ExitStack() as opened:
            try:
                found = opened.enter_context(_opened(one, how.source))
            except UsageError as error:
                if not is_directory:
                    raise
                if isinstance(error.__cause__, OSError):
                    not_read(error.__cause__)
                else:
                    compressed = "compressed" in error.message
                    whole.unknown["compressed" if compressed else _NO_FORMAT] += 1
                continue
            done = store.put(
                found,
                in_order=found.in_order,
                dry_run=how.dry_run,
                restore=how.restore,
                broken=notices.warn if how.skip_broken else None,
                waiting=lambda: notices.notice("waiting for another import to end"),
            )
        if whole.add(done, found.name) or not is_directory:
            came = "would come in" if how.dry_run else "imported"
            _show(f"{came} from {sanitize_line(str(one))} ({found.name})", done)
        yield done
    whole.show(file)


class _Whole:
    """What came of all files of a directory; a file by itself is one of one.

    Attributes:
        unknown: How many files hold no history, by what is the matter with them.
    """

    def __init__(self) -> None:
        from hfs_cli.conversations import Imported

        self.unknown: Counter[str] = Counter()
        self._total = Imported()
        self._files = self._quiet = self._came = 0
        self._reason = "no file in it holds a history"

    def add(self, done: Imported, name: str) -> bool:
        """Add what came of a file of a program; whether it brought anything new."""
        self._files += 1
        for field in fields(done):
            value = getattr(done, field.name)
            if isinstance(value, int):
                setattr(self._total, field.name, getattr(self._total, field.name) + value)
        for why, often in done.left_out.items():
            self._total.left_out[why] = self._total.left_out.get(why, 0) + often
        self._came += done.sessions + done.present + done.broken
        self._came += done.extended + done.parted + done.deleted
        # Between two machines that exchange what is new there may be nothing.
        self._came += name == "hfs"
        self._reason = "; ".join(f"{n} × {why}" for why, n in done.left_out.items())
        self._reason = self._reason or "it is empty"
        is_new = done.messages + done.sessions + done.broken + done.deleted > 0
        self._quiet += not is_new
        return is_new

    def show(self, file: Path) -> None:
        """Say what came in all.

        Raises:
            NotFoundError: Nothing came, and nothing of it was there.
        """
        from hfs_cli.sanitize import sanitize_line

        if self._files > 1:
            head = f"in all from {sanitize_line(str(file))} ({plural(self._files, 'file')})"
            _show(head, self._total)
        if self._quiet and file.is_dir():
            click.echo(f"nothing new in {plural(self._quiet, 'file')}")
        for why, often in self.unknown.items():
            click.echo(f"left out: {plural(often, 'file')} {why}")
        if not self._came:
            raise NotFoundError(f"{file} holds nothing to import: {self._reason}")


def _show(head: str, done: Imported) -> None:
    """What came, and what did not."""
    from hfs_cli.render.lists.imported import show_imported

    click.echo(f"{head}:")
    show_imported(done)


@contextmanager
def _opened(file: Path, source: str | None) -> Iterator[Source]:
    """A file or standard input that was recognised, with a bar for a person who waits."""
    from hfs_cli.exchange.detect import open_source
    from hfs_cli.render.progress import progress

    piped = file == Path("-")
    if piped and sys.stdin is None:
        raise UsageError("- asks for standard input, and it is closed")
    with ExitStack() as opened:
        stream = None
        if piped:
            stream = opened.enter_context(open(sys.stdin.fileno(), "rb", closefd=False))
        total = file.stat().st_size if not piped and file.is_file() else None
        advance = opened.enter_context(progress(f"reading {file}", total))
        name = Path("standard input") if piped else file
        yield opened.enter_context(
            open_source(name, cast("BinaryIO | None", stream), key=source, advance=advance)
        )
