"""Read another program's SQLite database, without writing a byte to it.

The file may hold anything: only tables are read (a view may never end), values have a maximum
size, and Ctrl-C and a time limit stop whatever SQLite is made to do.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hfs_cli import signals
from hfs_cli.errors import Interrupted, UsageError

# The size of one value, in characters or bytes.
_MAX_VALUE = 64_000_000
# How long SQLite may work on one row, and how many of its steps pass between two checks: few,
# because one step may make a value of many megabytes.
_PATIENCE_S = 60.0
_STEPS = 20


class Deadline:
    """The time at which SQLite has worked long enough on one row."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Start again, for the next row."""
        self._deadline = time.monotonic() + _PATIENCE_S

    def has_passed(self) -> bool:
        """Whether to stop, because time is up or a signal came."""
        return signals.received() is not None or time.monotonic() > self._deadline


@contextmanager
def open_database(path: Path, program: str) -> Iterator[tuple[sqlite3.Connection, Deadline]]:
    """Open a database for reading.

    Args:
        path: The file.
        program: The program that wrote it, for errors.

    Yields:
        The database, and the deadline to restart for each row.

    Raises:
        UsageError: It is damaged, is not a database, or holds what the program never writes.
        Interrupted: A signal came while SQLite was at work.
    """
    deadline = Deadline()
    uri = f"{path.absolute().as_uri()}?mode=ro"
    # A generator that is abandoned half-way is closed by the garbage collector, which may run in
    # any thread.
    with (
        refusing(path, program),
        closing(sqlite3.connect(uri, uri=True, check_same_thread=False)) as db,
    ):
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA query_only = ON")
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE)
        db.set_progress_handler(deadline.has_passed, _STEPS)
        yield db, deadline


@contextmanager
def refusing(path: Path, program: str) -> Iterator[None]:
    """Turn what SQLite raises in the block into one line for the user.

    Args:
        path: The file.
        program: The program that wrote it.

    Raises:
        UsageError: The file is damaged, or SQLite took too long.
        Interrupted: A signal came while SQLite was at work.
    """
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            # SQLite swallows the exception of a signal handler, and reports this instead.
            if (signum := signals.received()) is not None:
                raise Interrupted(signum) from error
            raise UsageError(f"{path} gives no row within {_PATIENCE_S:.0f} s: not read") from error
        # About a text that is not UTF-8 the message goes on with the text itself.
        reason = str(error).partition(" with text")[0]
        raise UsageError(f"cannot read {path} as a database of {program}: {reason}") from error
    except UnicodeDecodeError as error:  # the name of a column, or SQLite's own message
        raise UsageError(
            f"cannot read {path} as a database of {program}: a name in it is not UTF-8"
        ) from error


def tables_of(db: sqlite3.Connection) -> set[str]:
    """The names of its tables."""
    return {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
