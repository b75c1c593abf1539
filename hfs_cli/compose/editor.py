"""Ask the user's editor ($VISUAL, $EDITOR) for text or for changes to a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from hfs_cli import notices
from hfs_cli.errors import UsageError


def edited(text: str) -> str:
    """A text as the user's editor leaves it.

    Args:
        text: What to begin with.

    Raises:
        UsageError: There is no terminal, or the editor failed or left no text.
    """
    check_terminal()
    try:
        with _named():
            return click.edit(text, extension=".md", require_save=False) or ""
    except OSError as error:
        raise UsageError(f"the editor left no file: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"what the editor left is not UTF-8 (byte {error.start})") from error


def edit_file(path: Path) -> None:
    """Let the user change a file; nobody may read it afterwards who could not before.

    Args:
        path: A file that is there.

    Raises:
        UsageError: There is no terminal, or the editor failed.
    """
    check_terminal()
    mode = path.stat().st_mode
    with _named():
        click.edit(filename=str(path))
    # An editor that writes a new file in its place gives it the mode that the umask allows.
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
