"""Turn what SQLite says into what a user can do about it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peewee import PeeweeException

from hfs_cli.errors import StoreError
from hfs_cli.store.engine import BadRow

# Primary result codes: https://www.sqlite.org/rescode.html
_ADVICE = {
    sqlite3.SQLITE_BUSY: "is locked by another program: try again when it has finished",
    sqlite3.SQLITE_LOCKED: "is locked by another program: try again when it has finished",
    sqlite3.SQLITE_NOMEM: "needs more memory than there is",
    sqlite3.SQLITE_READONLY: "cannot be written: make the file and its directory writable",
    sqlite3.SQLITE_PERM: "cannot be written: make the file and its directory writable",
    sqlite3.SQLITE_FULL: "cannot grow, the disk is full: make room and try again",
    sqlite3.SQLITE_IOERR: "could not be read or written: check the disk and its free space",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: make its directory readable and writable",
    sqlite3.SQLITE_PROTOCOL: "is locked by another program: try again when it has finished",
    sqlite3.SQLITE_TOOBIG: "cannot hold a single value this large (over 1 GB)",
}
_DAMAGED = {sqlite3.SQLITE_CORRUPT: "malformed", sqlite3.SQLITE_NOTADB: "not a database"}


def result_code(error: BaseException) -> int | None:
    """SQLite's primary result code behind an exception of sqlite3 or peewee, or None."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def is_busy(error: BaseException) -> bool:
    """Whether another connection stood in the way."""
    return result_code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Raise `StoreError` for what the file, the disk or another program did.

    Mistakes of our own (a wrong statement, a broken constraint) pass through: they are bugs
    and must look like bugs.
    """
    try:
        yield
    except BadRow as error:
        raise StoreError(damaged(path, str(error))) from error
    except (PeeweeException, sqlite3.Error) as error:
        message = _message(error, path)
        if message is None:
            raise
        raise StoreError(message) from error


def _message(error: Exception, path: Path) -> str | None:
    code = result_code(error)
    if code in _DAMAGED:
        return damaged(path, str(error.args[-1]))
    if code in _ADVICE:
        return f"the database {path} {_ADVICE[code]} ({error.args[-1]})"
    if code == sqlite3.SQLITE_ERROR and str(error).startswith(("no such table", "no such column")):
        return damaged(path, str(error.args[-1]))
    return None


def damaged(path: Path, what: str) -> str:
    """The message for a file that cannot be trusted. It is never written to."""
    return (
        f"the database {path} is damaged ({what}): it is left as it is; "
        f'save what can be read with: sqlite3 "{path}" .recover | sqlite3 recovered.db'
    )
