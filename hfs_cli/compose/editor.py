"""Ask the user's editor ($VISUAL, $EDITOR) for text or for changes to a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from hfs_cli import notices
from hfs_cli.errors import HfsError, UsageError
from hfs_cli.files import refusing


def edited(text: str) -> str:
    """A text as the user's editor leaves it.

    Args:
        text: What to begin with.

    Raises:
        UsageError: There is no terminal, or the editor failed or left no text.
    """
    check_terminal()
    try:
        with refusing(UsageError, "the editor left no file"), _named():
            return click.edit(text, extension=".md", require_save=False) or ""
    except UnicodeDecodeError as error:
        raise UsageError(f"what the editor left is not UTF-8 (byte {error.start})") from error


def edit_file(path: Path, check: Callable[[], object]) -> None:
    """Let the user change a file, again if they wish while it is not right.

    Its permissions stay no wider than they were.

    Args:
        path: A file that is there; it stays as the editor leaves it.
        check: Raises an `HfsError` for a file that cannot be used.

    Raises:
        UsageError: There is no terminal, or the editor failed.
        HfsError: What `check` raises, if the user does not edit again or cannot be asked.
    """
    from hfs_cli.groups.question import answered_yes

    check_terminal()
    mode = path.stat().st_mode  # before an editor that may take the file away
    while True:
        _edit(path, mode)
        try:
            check()
        except HfsError as error:
            if not (notices.is_terminal(sys.stdin) and notices.stderr_is_terminal()):
                raise
            notices.error(error.message)
            if not answered_yes("Edit it again?", default=True):
                raise type(error)(f"{path} cannot be used as it is: edit it again") from error
        else:
            return


def _edit(path: Path, mode: int) -> None:
    try:
        with _named():
            click.edit(filename=str(path))
    finally:
        # An editor may replace the file by a new one, whose mode the umask decides.
        with suppress(OSError):
            path.chmod(path.stat().st_mode & mode)


@contextmanager
def _named() -> Iterator[None]:
    """Report an editor that cannot be started, with the variable that chooses another."""
    try:
        yield
    except click.ClickException as error:
        cause = error.__cause__
        if not isinstance(cause, OSError):
            raise
        # As click looks for it.
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
        raise UsageError(f"{editor} cannot be started ({cause.strerror}): set EDITOR") from error


def check_terminal() -> None:
    """Check that there is a terminal for an editor.

    Raises:
        UsageError: There is none.
    """
    if not notices.stderr_is_terminal() and not notices.is_terminal(sys.stdin):
        raise UsageError("an editor needs a terminal, and there is none here")
