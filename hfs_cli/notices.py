"""Writing to standard error: the error line, warnings, and notices for people."""

import sys
from collections.abc import Mapping
from contextlib import suppress
from os import environ
from typing import TextIO

from hfs_cli.sanitize import sanitize_line


def write(text: str) -> None:
    """Write text as it is, whether or not stderr is a terminal."""
    # stderr may be closed (`2>&-`: sys.stderr is None) or its terminal gone. Nobody reads it then,
    # and the exit code still tells.
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()


def say(line: str) -> None:
    """Write a line as it is, whether or not stderr is a terminal."""
    write(line + "\n")


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal; a closed one is None."""
    return stream is not None and stream.isatty()


def stderr_is_terminal() -> bool:
    """Whether standard error is a terminal."""
    return is_terminal(sys.stderr)


def wants_color(stream: TextIO | None, env: Mapping[str, str] = environ) -> bool:
    """Whether colour goes to a stream: the one rule for the whole program.

    ``NO_COLOR`` beats ``FORCE_COLOR``, which beats what the terminal is; an empty value counts as
    unset (https://no-color.org).
    """
    if env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR"):
        return True
    return is_terminal(stream) and env.get("TERM", "dumb") not in {"dumb", ""}


def error(message: str) -> None:
    """Write the error line.

    Args:
        message: One line, without ``hfs: error:``.
    """
    from hfs_cli.hide import hide

    say(f"hfs: error: {sanitize_line(hide(message))}")


def warn(message: str) -> None:
    """Write a warning line, whether or not stderr is a terminal."""
    from hfs_cli.hide import hide

    say(f"hfs: warning: {sanitize_line(hide(message))}")


def notice(message: str) -> None:
    """Write a line for a person: dim, and only when standard error is a terminal."""
    if stderr_is_terminal():
        remark(message)


def remark(message: str) -> None:
    """Write a line that was asked for, dim if there is colour."""
    text = sanitize_line(message)
    say(f"\x1b[2m{text}\x1b[0m" if wants_color(sys.stderr) else text)
