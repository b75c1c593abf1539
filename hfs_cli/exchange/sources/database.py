"""Read another program's SQLite database, without writing a byte to it.

The file is somebody else's and may hold anything: it is read as tables only (a view may have no
end), its values within limits, and Ctrl-C and the time bound whatever SQLite is made to do.
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


class Clock:
    """When SQLite has worked long enough for one row."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew, for the next row."""
        self._deadline = time.monotonic() + _PATIENCE_S

    def is_over(self) -> bool:
        """Whether it has, or somebody has had enough of it."""
        return signals.received() is not None or time.monotonic() > self._deadline


@contextmanager
def opened(path: Path, whose: str) -> Iterator[tuple[sqlite3.Connection, Clock]]:
    """A database, to read rows of.

    Args:
        path: The file.
        whose: The program, as errors name it.

    Raises:
        UsageError: It is damaged, is not a database, or holds what that program never writes.
        Interrupted: A signal came while SQLite was at work.
    """
    clock = Clock()
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        # Who stops half-way leaves it to the garbage collector, which works in any thread.
        with closing(sqlite3.connect(uri, uri=True, check_same_thread=False)) as db:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA trusted_schema = OFF")
            db.execute("PRAGMA query_only = ON")
            db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE)
            db.set_progress_handler(clock.is_over, _STEPS)
            yield db, clock
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            # SQLite swallows the exception of a signal's handler, and says this instead.
            if (signum := signals.received()) is not None:
                raise Interrupted(signum) from error
            raise UsageError(f"{path} gives no row within {_PATIENCE_S:.0f} s: not read") from error
        # Of a text that is not valid the rest of it is the text itself.
        said = str(error).partition(" with text")[0]
        raise UsageError(f"cannot read {path} as a database of {whose}: {said}") from error


def tables_of(db: sqlite3.Connection) -> set[str]:
    """The names of its tables."""
    return {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
