"""What is said on standard error besides the one error line."""

import sys

from hfs_cli.sanitize import sanitize_line


def say(line: str) -> None:
    """Write a line as it is, terminal or not."""
    # stderr may be closed (`2>&-`): sys.stderr is None then, and nobody is listening.
    if sys.stderr is not None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def stderr_is_terminal() -> bool:
    """Whether a person reads standard error."""
    return sys.stderr is not None and sys.stderr.isatty()


def error(message: str) -> None:
    """Write the error line.

    Args:
        message: One line, without ``hfs: error:``.
    """
    say(f"hfs: error: {sanitize_line(message)}")


def warn(message: str) -> None:
    """Write a warning line, terminal or not."""
    say(f"hfs: warning: {sanitize_line(message)}")


def notice(message: str) -> None:
    """Write a line for a person: dim, and only when standard error is a terminal."""
    if stderr_is_terminal():
        from os import environ

        text = sanitize_line(message)
        plain = "NO_COLOR" in environ or environ.get("TERM", "dumb") == "dumb"
        say(text if plain else f"\x1b[2m{text}\x1b[0m")
