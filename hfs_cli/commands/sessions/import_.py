"""`hfs sessions import`: import conversations."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
@click.option("--dry-run", is_flag=True, help="Only show what would come in.")
@click.option(
    "--from",
    "source",
    metavar="NAME",
    type=click.Choice(tuple(SOURCES)),
    help=f"The program that wrote it, recognised by default: {', '.join(SOURCES)}.",
)
@click.option("--skip-broken", is_flag=True, help="Skip damaged conversations.")
@click.option("--restore", is_flag=True, help="Bring back what was deleted here.")
@owner_options()
def import_sessions(
    *, files: tuple[Path, ...], dry_run: bool, source: str | None, skip_broken: bool, restore: bool
) -> None:
    """Import conversations: all that is new in a FILE, or nothing of it.

    FILE is what `hfs sessions export --format json` (or jsonl) wrote, or another program's
    history: the export of ChatGPT or Claude (the ZIP, or a conversations.json from it), the
    logs.db of llm, a session (.yaml) or the messages.md of aichat, a chat of shell_gpt, the
    directory of mods, the sessions of Claude Code, Codex or Gemini CLI. Any other history can be
    converted to the format of lines in docs/import.md. Branches come as branches: see
    `hfs sessions tree`. - is standard input; in a directory, every file that holds a history is
    read.

    A conversation that is here already gains what followed; if it went on differently here, what
    arrives becomes a branch of it. What was renamed or deleted here stays so (--restore brings it
    back).

    Others may go on chatting meanwhile; nothing is shown before all of a file has come in. With
    --skip-broken a damaged conversation is named and skipped, and the exit code is 7.

    \b
      hfs sessions import backup.jsonl --dry-run
      hfs sessions import "$(llm logs path)"
      hfs sessions import ~/.claude/projects ~/.codex/sessions ~/.gemini/tmp
      ssh host hfs sessions export --all --since 2d --format jsonl | hfs sessions import -
    """
    from hfs_cli.files import refusing
    from hfs_cli.store.store import open_store

    how = _How(source, dry_run, skip_broken, restore)
    broken = damaged = unread = 0
    with open_store(load_config()) as store:
        for file in files:
            with refusing(UsageError, f"cannot read {file}"):
                found = _import(store, file, how)
            broken += found.total.broken
            damaged += found.damaged
            unread += found.unread
    failures = []
    if broken:
        failures.append(f"{plural(broken, 'conversation')} could not be imported")
    if damaged:
        failures.append(f"nothing came in from {plural(damaged, 'damaged file')}")
    if unread:
        failures.append(f"{unread} of the files and directories could not be read")
    if failures:
        advice = "--skip-broken takes what is whole" if damaged and not skip_broken else ""
        raise IncompleteReplyError("; ".join(failures), advice)


class _How(NamedTuple):
    source: str | None
    dry_run: bool
    skip_broken: bool
    restore: bool


def _import(store: SessionStore, file: Path, how: _How) -> _Sum:
    """Import a file, or all files of a directory that hold a history.

    What in a directory cannot be read or is damaged is skipped, with a warning.
    """
    from hfs_cli.exchange.detect import CompressedError, files_in
    from hfs_cli.sanitize import sanitize_line

    is_directory = file.is_dir()
    total = _Sum()
    for one in files_in(file, total.skip) if is_directory else [file]:
        with ExitStack() as opened:
            try:
                found = opened.enter_context(_opened(one, how.source))
            except UsageError as error:
                if not is_directory:
                    raise
                if isinstance(error.__cause__, OSError):
                    total.skip(error.__cause__)
                else:
                    is_packed = isinstance(error, CompressedError)
                    total.unknown["compressed" if is_packed else _NO_FORMAT] += 1
                continue
            try:
                done = store.put(
                    found,
                    in_order=found.in_order,
                    dry_run=how.dry_run,
                    restore=how.restore,
                    broken=notices.warn if how.skip_broken else None,
                    waiting=lambda: notices.notice("waiting for another import to end"),
                )
            except UsageError as error:
                if not is_directory:
                    raise
                notices.warn(error.message)
                total.damaged += 1
                continue
        if total.add(done, found.name) or not is_directory:
            came = "would come in" if how.dry_run else "imported"
            _show(f"{came} from {sanitize_line(str(one))} ({found.name})", done)
    total.show(file)
    return total


class _Sum:
    """What came of all files of a directory; a single file is the sum of one.

    Attributes:
        total: What came of them together.
        unknown: How many files hold no history, by what is wrong with them.
        damaged: How many files hold a conversation that is damaged, so that none of them came in.
        unread: How many files and directories cannot be read.
    """

    def __init__(self) -> None:
        from hfs_cli.conversations import Imported

        self.total = Imported()
        self.unknown: Counter[str] = Counter()
        self.damaged = self.unread = 0
        self._files = self._without_news = 0
        self._from_hfs = False

    def add(self, done: Imported, program: str) -> bool:
        """Add what came of a file that a program wrote; whether that was anything new."""
        self.total.add(done)
        self._files += 1
        self._from_hfs |= program == "hfs"
        is_new = done.messages + done.sessions + done.broken + done.deleted > 0
        self._without_news += not is_new
        return is_new

    def skip(self, error: OSError) -> None:
        """Warn of a file or a directory that cannot be read."""
        notices.warn(f"cannot read {error.filename}: {error.strerror}")
        self.unread += 1

    def show(self, file: Path) -> None:
        """Print the sum.

        Raises:
            NotFoundError: There was nothing to import, not even what is here already.
        """
        from hfs_cli.sanitize import sanitize_line

        total = self.total
        if self._files > 1:
            _show(f"in all from {sanitize_line(str(file))} ({plural(self._files, 'file')})", total)
        if self._without_news and file.is_dir():
            click.echo(f"nothing new in {plural(self._without_news, 'file')}")
        for why, often in self.unknown.items():
            click.echo(f"left out: {plural(often, 'file')} {why}")
        found = total.sessions + total.present + total.broken
        found += total.extended + total.parted + total.deleted
        # Two machines that exchange what is new may have nothing for each other.
        if not (found or self.damaged or self._from_hfs):
            why = "; ".join(f"{n} × {reason}" for reason, n in total.left_out.items())
            why = why or ("it is empty" if self._files else "no file in it holds a history")
            raise NotFoundError(f"{file} holds nothing to import: {why}")


def _show(head: str, done: Imported) -> None:
    from hfs_cli.render.lists.imported import show_imported

    click.echo(f"{head}:")
    show_imported(done)


@contextmanager
def _opened(file: Path, source: str | None) -> Iterator[Source]:
    """Open a file or standard input as a history, with a progress bar while it is read."""
    from hfs_cli.exchange.detect import open_source
    from hfs_cli.render.progress import progress

    piped = file == Path("-")
    if piped and sys.stdin is None:
        raise UsageError(
            "- means standard input, which is closed: pipe a history in, or name a FILE"
        )
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
