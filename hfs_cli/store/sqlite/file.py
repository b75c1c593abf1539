"""The database's file: it is made private and checked before use; what its errors mean."""

import os
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peewee import InterfaceError, PeeweeException, ProgrammingError, SqliteDatabase

from hfs_cli import signals
from hfs_cli.errors import Interrupted, StoreError
from hfs_cli.files import create, make_directory
from hfs_cli.store.engine import LOCKED, BadRow, made_by_newer, refuses

# Marks the file as ours: "hfs1" (https://www.sqlite.org/fileformat.html#application_id).
APPLICATION_ID = 0x68667331
# How many migrations there are. Kept by hand, so that opening a current database neither
# loads the migration machinery nor lists a directory; a test compares it with the files.
SCHEMA_VERSION = 13

# After how many instructions of SQLite's virtual machine to look for a signal: some milliseconds.
_STEPS = 100_000

# Primary result codes: https://www.sqlite.org/rescode.html
_ADVICE = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_NOMEM: "needs more memory than there is",
    sqlite3.SQLITE_READONLY: "cannot be written: make the file and its directory writable",
    sqlite3.SQLITE_PERM: "cannot be written: make the file and its directory writable",
    sqlite3.SQLITE_FULL: "cannot grow, the disk is full: make room and try again",
    sqlite3.SQLITE_IOERR: "could not be read or written: check the disk and its free space",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: make its directory readable and writable",
    sqlite3.SQLITE_PROTOCOL: LOCKED,
    sqlite3.SQLITE_TOOBIG: "cannot hold a single value this large (over 1 GB)",
}


def is_there(path: Path) -> bool:
    """Whether there is a database file.

    A symbolic link to a regular file is followed, as SQLite does; the write-ahead log is beside
    the target then.

    Raises:
        StoreError: Something else has that name, or it cannot be looked at.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise StoreError(
                f"the database {path} is a symbolic link to nothing: remove it"
            ) from None
        return False
    except OSError as error:
        raise _unusable(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise StoreError(f"the database {path} is not a regular file: move it away")
    directory = path.resolve().parent
    _refuse_others(path, status)
    _refuse_others(directory, directory.stat())
    return True


def _refuse_others(place: Path, there: os.stat_result) -> None:
    """Refuse what another user owns or may change, for it could hold anything.

    Where others can only read, `hfs db check` warns of it. Root may change everything, so that a
    directory of root's is as safe as one's own.
    """
    if sys.platform == "win32":
        return
    me = os.geteuid()
    if there.st_uid not in ({me, 0} if stat.S_ISDIR(there.st_mode) else {me}):
        raise StoreError(
            f"{place} belongs to another user (uid {there.st_uid}), and hfs keeps nothing in "
            f'what others may change: run sudo chown {me} "{place}" if it is yours, or set '
            "HFS_DATA_DIR to another directory"
        )
    if there.st_mode & stat.S_IWOTH:
        raise StoreError(
            f'every user may write to {place}: run chmod o-w "{place}", or set HFS_DATA_DIR '
            "to another directory"
        )


def make(path: Path) -> None:
    """Make an empty file that only its owner can read, unless there is one.

    SQLite gives its -wal and -shm files the same mode.

    Raises:
        StoreError: The directory or the file cannot be made, or others may change them.
    """
    try:
        make_directory(path.parent)
        if not os.path.lexists(path):  # what is there already is checked below
            directory = path.parent.resolve()
            _refuse_others(directory, directory.stat())
        create(path)
    except FileExistsError as error:
        if error.filename != str(path):
            raise _unusable(Path(error.filename), error) from error
        is_there(path)
    except OSError as error:
        raise _unusable(Path(error.filename or path), error) from error


def _unusable(path: Path, error: OSError) -> StoreError:
    reason = error.strerror or str(error)
    return StoreError(
        f"cannot use {path} for the database: {reason}; set HFS_DATA_DIR to another directory"
    )


def schema_version(db: SqliteDatabase, path: Path | None) -> int:
    """How many migrations the database has had; 0 for an empty file.

    Args:
        path: Its file, or None for a database in memory.

    Raises:
        StoreError: It belongs to another program or to a newer hfs.
    """
    # One view of all three: another process may be migrating just now.
    with db.atomic():
        application = db.pragma("application_id")
        version = int(db.pragma("user_version"))
        schema = db.execute_sql("SELECT type, name FROM sqlite_master").fetchall()
    if application == APPLICATION_ID:
        for kind, name in schema:
            # Triggers and views run whatever they hold, which may fail or never end.
            if kind not in {"table", "index"}:
                raise StoreError(damaged(path, f"a {kind} {name} that hfs did not make"))
        if version > SCHEMA_VERSION:
            raise made_by_newer(path, version, SCHEMA_VERSION, "HFS_DATA_DIR")
        return version
    if application == 0 and version == 0 and not schema:
        return 0
    raise StoreError(
        f"{path} is another program's database: choose another file, or set HFS_DATA_DIR to "
        "another directory (hfs sessions import reads the histories of some programs)"
    )


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

    Any other failure comes of tables that somebody else has changed: such a database cannot be
    trusted. Statements and values that no database takes pass through: they are mistakes of our own
    and must look like bugs.
    """
    try:
        yield
    except BadRow as error:
        raise StoreError(damaged(path, str(error))) from error
    except OverflowError as error:  # from a number in it: ours are smaller
        raise StoreError(damaged(path, "a number in it is past all counting")) from error
    except (InterfaceError, ProgrammingError, sqlite3.InterfaceError, sqlite3.ProgrammingError):
        raise
    except (PeeweeException, sqlite3.Error) as error:
        code = result_code(error)
        # SQLite quotes a text that is not valid, and errors must not show what was said.
        said = str(error.args[-1] if error.args else error).partition(" with text")[0]
        if code in _ADVICE:
            raise StoreError(f"the database {path} {_ADVICE[code]} ({said})") from error
        if code == sqlite3.SQLITE_CONSTRAINT:
            raise refuses(path, said) from error
        if "syntax error" in said:
            raise
        raise StoreError(damaged(path, said)) from error


@contextmanager
def interruptible(connection: sqlite3.Connection) -> Iterator[None]:
    """Let a signal end long work of SQLite's, which swallows what a signal handler raises.

    Raises:
        Interrupted: One came.
    """
    connection.set_progress_handler(lambda: signals.received() is not None, _STEPS)
    try:
        yield
    except (PeeweeException, sqlite3.Error) as error:
        signum = signals.received()
        if result_code(error) != sqlite3.SQLITE_INTERRUPT or signum is None:
            raise
        raise Interrupted(signum) from error
    finally:
        connection.set_progress_handler(None, 0)


def damaged(path: Path | None, what: str) -> str:
    """The message for a file that cannot be trusted, and is never written to."""
    return (
        f"the database {path} is damaged ({what}): it is left as it is; "
        f'save what can be read with: sqlite3 "{path}" .recover | sqlite3 recovered.db'
    )
