"""A file of SQLite's as the store's engine: opened when first needed, for transactions.

A process has one connection, which its threads share, one at a time.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Literal

from peewee import OperationalError, SqliteDatabase

from hfs_cli import notices
from hfs_cli.errors import StoreError, UsageError
from hfs_cli.files import open_lock_file, refusing, take_lock
from hfs_cli.store.engine import WAIT_S
from hfs_cli.store.sqlite import file
from hfs_cli.store.sqlite.connection import connect
from hfs_cli.store.sqlite.file import interruptible, is_busy, store_errors
from hfs_cli.store.sqlite.line import SLICE_S, Line, Patience

if TYPE_CHECKING:
    from hfs_cli.conversations import SearchFilter, SearchHit
    from hfs_cli.store.sqlite.connection import SqliteConnection

# How often to see whether another import has ended: imports take seconds to minutes.
_LOOK_AGAIN_S = 0.1
# Bytes of the log from which on an import copies it into the file, between two transactions. A
# chat's commit would do so otherwise, and its user would wait for it.
_MUCH_LOG = 8 * 1024 * 1024

# The result codes for a database on a read-only disk, or in a directory that cannot be written.
_NOT_WRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}


class Database:
    """Sessions in a file of SQLite's.

    Where there is no file, readers see an empty database and create nothing; the first write makes
    the file.

    Args:
        path: The database file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.spill_directory = self.path.parent
        # Reentrant: a command may read while it holds a transaction of its own.
        self._lock = RLock()
        self._line = Line(self.path)
        self._db: SqliteConnection | None = None
        self._in_memory = False
        self._is_importing = False
        # The lock of each session whose first reply this process waits for.
        self._asked: dict[int, int] = {}

    @contextmanager
    def reading(self, *, once: bool = False) -> Iterator[SqliteConnection]:  # noqa: ARG002
        """See `Engine.reading`; a transaction costs nothing here, so `once` makes no difference."""
        with self._lock, store_errors(self.path):
            db = self._connected(create=False)
            with db.atomic():
                yield db

    @contextmanager
    def writing(
        self, wait_s: float = WAIT_S, *, durable: bool = True
    ) -> Iterator[SqliteConnection]:
        """See `Engine.writing`; the default wait counts from when another last got something done.

        A transaction that reads first and writes later fails at once if another process wrote in
        between; one that begins IMMEDIATE waits for its turn.
        """
        with self._writing(wait_s, durable=durable) as db:
            yield db
        if not durable:
            self._flush()

    @contextmanager
    def staging(self) -> Iterator[SqliteConnection]:
        """See `Engine.staging`; a long log is copied into the file after it, while others write."""
        with self._lock:
            with self._writing(WAIT_S, durable=False) as db:
                yield db
            if self._log_size() > _MUCH_LOG:
                with store_errors(self.path):
                    db.execute_sql("PRAGMA wal_checkpoint (PASSIVE)")

    @contextmanager
    def _writing(self, wait_s: float, *, durable: bool) -> Iterator[SqliteConnection]:
        with self._lock, store_errors(self.path), ExitStack() as stack:
            db = self._connected(create=True)
            if db.in_transaction():
                stack.enter_context(db.atomic())
            else:
                patience = Patience(self.path, wait_s)
                stack.enter_context(self._line.turn(patience))
                if not durable:
                    stack.enter_context(_unflushed(db))
                _begin(db, stack, patience)
            yield db

    def _log_size(self) -> int:
        with suppress(OSError):
            return Path(f"{self.path.resolve()}-wal").stat().st_size
        return 0

    def _flush(self) -> None:
        # SQLite holds no lock on the log, which closing it here could drop.
        with suppress(OSError):
            descriptor = os.open(f"{self.path.resolve()}-wal", os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    @contextmanager
    def autocommitting(self) -> Iterator[SqliteConnection]:
        """The connection outside a transaction, for what SQLite runs nowhere else."""
        with self._lock, store_errors(self.path):
            yield self._connected(create=False)

    @contextmanager
    def alone(self) -> Iterator[SqliteConnection]:
        """As `autocommitting`, while no other hfs may write."""
        with self.autocommitting() as db, self._line.turn(Patience(self.path, WAIT_S)):
            yield db

    @contextmanager
    def importing(self, waiting: Callable[[], None]) -> Iterator[None]:
        """See `Engine.importing`; the kernel releases the lock when the process dies."""
        with self._lock, store_errors(self.path):
            self._connected(create=True)
            # It runs the same few statements thousands of times: parsing them took half its time.
            self._is_importing = True
            self.close()
        there = self.path.resolve()
        with refusing(StoreError, f"cannot lock {there} for an import"):
            descriptor = open_lock_file(there.with_name(f"{there.name}.import-lock"))
        try:
            if not take_lock(descriptor, wait=False):
                waiting()
                while not take_lock(descriptor, wait=False):
                    time.sleep(_LOOK_AGAIN_S)
            yield
        finally:
            os.close(descriptor)
            self._is_importing = False
            self.close()

    # A locked file beside the database says that its process waits for a session's first reply. One
    # that nobody has locked is what a killed process has left.

    def ask(self, session_id: int) -> None:
        """Note, in a transaction that writes, that this process waits for a session's first reply.

        Such files that killed processes have left are removed: nobody else makes one meanwhile.
        """
        with self._lock, suppress(OSError):
            if session_id in self._asked:
                return
            beginning = self._asking("").name
            for left in self.path.resolve().parent.iterdir():
                if left.name.startswith(beginning) and not _is_locked(left):
                    left.unlink(missing_ok=True)
            descriptor = open_lock_file(self._asking(session_id))
            if take_lock(descriptor, wait=False):
                self._asked[session_id] = descriptor
            else:  # another process waits for it, too
                os.close(descriptor)

    def answered(self, session_id: int) -> None:
        """Note that this process no longer waits for it."""
        with self._lock:
            descriptor = self._asked.pop(session_id, None)
            if descriptor is not None:
                with suppress(OSError):
                    self._asking(session_id).unlink()
                os.close(descriptor)

    def is_asked(self, session_id: int) -> bool:
        """Whether any process waits for it."""
        path = self._asking(session_id)
        return path.exists() and _is_locked(path)

    def _asking(self, session_id: int | Literal[""]) -> Path:
        there = self.path.resolve()
        return there.with_name(f"{there.name}.asking-{session_id}")

    def exists(self) -> bool:
        """Whether there is a file to read."""
        return file.is_there(self.path)

    def search(
        self, text: str, asked: SearchFilter | None, *, limit: int, raw: bool
    ) -> list[SearchHit]:
        """Messages and names that hold the words."""
        from hfs_cli.store.sqlite.search import search

        with self.reading() as db:
            return search(db, text, asked, limit=limit, raw=raw)

    def problems(self) -> list[str]:
        """What is wrong with the database, one line each."""
        from hfs_cli.store.sqlite.upkeep import problems

        with self.reading() as db, interruptible(db.connection()):
            return problems(db)

    def exposed(self) -> list[str]:
        """Which of its files other users can read, and how to change that."""
        from hfs_cli.store.sqlite.upkeep import too_open

        return too_open(self.path)

    def back_up(self, target: Path) -> None:
        """See `SessionStore.back_up`."""
        from hfs_cli.store.sqlite.migrate import back_up

        if os.path.lexists(target):
            raise UsageError(f"{target} exists: choose another name")
        if not self.exists():
            raise StoreError(f"there is no database yet at {self.path}")
        # Opened first: what must not be used, as another program's database, is not copied either.
        with self.reading():
            pass
        with store_errors(self.path):
            back_up(self.path, target, replace=False)

    def vacuum(self) -> int:
        """Shrink the file to what it holds; the bytes gained."""
        from hfs_cli.store.sqlite.upkeep import vacuum

        return vacuum(self)

    def forget(self) -> None:
        """Write the file anew, and cut the log."""
        from hfs_cli.store.sqlite.upkeep import forget

        forget(self)

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        with self._lock, store_errors(self.path):
            if self._db is not None:
                self._db.close()
                self._db = None
            for session_id in list(self._asked):
                self.answered(session_id)
            self._line.close()

    def _connected(self, *, create: bool) -> SqliteConnection:
        if self._db is not None and not (self._in_memory and (create or self._has_come())):
            return self._db
        self.close()
        if create:
            file.make(self.path)
        self._in_memory = not create and not self.exists()
        try:
            self._db = self._opened(":memory:" if self._in_memory else self._uri("mode=rw"))
        except OperationalError as error:
            if create or file.result_code(error) not in _NOT_WRITABLE:
                raise
            # To read with a log, SQLite makes a file beside it. Where there is no log nobody
            # writes, so that the database can be read as one that does not change
            # (https://www.sqlite.org/wal.html#read_only_databases).
            mode = "mode=ro" if self._log_size() else "immutable=1"
            self._db = self._opened(self._uri(mode))
            notices.notice(f"{self.path} cannot be written: it is read as it stands")
        return self._db

    def _has_come(self) -> bool:
        """Whether there is a file where there was none, and no transaction sees the empty one."""
        return self._db is not None and not self._db.in_transaction() and self.exists()

    def _uri(self, mode: str) -> str:
        # mode=rw: SQLite must not create the file, which others could read then.
        return f"{self.path.as_uri()}?{mode}"

    def _opened(self, name: str) -> SqliteConnection:
        db = connect(name, importing=self._is_importing)
        try:
            self._bring_up_to_date(db)
        except BaseException:
            db.close()
            raise
        return db

    def _bring_up_to_date(self, db: SqliteConnection) -> None:
        path = None if self._in_memory else self.path
        if file.schema_version(db, path) == file.SCHEMA_VERSION:
            return
        from hfs_cli.store.sqlite.migrate import bring_up_to_date

        if path is None:
            bring_up_to_date(db, None)
            return
        with self._line.turn(Patience(path, WAIT_S)):
            bring_up_to_date(db, path)


def _is_locked(path: Path) -> bool:
    if sys.platform == "win32":  # it has no such locks
        return True
    try:
        descriptor = open_lock_file(path)
    except OSError:
        return True
    try:
        return not take_lock(descriptor, wait=False)
    finally:
        os.close(descriptor)


@contextmanager
def _unflushed(db: SqliteDatabase) -> Iterator[None]:
    """Let a transaction end without waiting for the disk, which may take 300 ms or more."""
    db.pragma("synchronous", "NORMAL")
    db.pragma("wal_autocheckpoint", 0)  # copying the log into the file would wait for it too
    try:
        yield
    finally:
        db.pragma("synchronous", "FULL")
        db.pragma("wal_autocheckpoint", 1000)


def _begin(db: SqliteDatabase, stack: ExitStack, patience: Patience) -> None:
    """Take SQLite's own lock, which nobody but another program or an older hfs can hold now."""
    db.timeout = SLICE_S
    try:
        while True:
            try:
                stack.enter_context(db.atomic("IMMEDIATE"))
            except OperationalError as error:
                if not is_busy(error) or not patience.left_s():
                    raise
            else:
                return
    finally:
        db.timeout = WAIT_S
