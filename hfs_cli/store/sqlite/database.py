"""One connection to the database, shared by the threads of a process, one at a time."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from peewee import Field, Function, Model, OperationalError, SqliteDatabase, fn

from hfs_cli import notices
from hfs_cli.errors import StoreError, UsageError
from hfs_cli.files import open_lock_file, take_lock
from hfs_cli.store import words
from hfs_cli.store.engine import BadRow, Connection, Cursor
from hfs_cli.store.sqlite import file
from hfs_cli.store.sqlite.file import interruptible, is_busy, store_errors
from hfs_cli.store.sqlite.line import SLICE_S, WAIT_S, Line, Patience

if TYPE_CHECKING:
    from hfs_cli.conversations import SearchFilter, SearchHit

# FULL: a commit reaches the disk before it returns, so an answered turn survives a power
# cut, not only a kill. Measured here it costs 0.25 ms a commit against 0.02 ms for NORMAL,
# and a turn makes one at its start, one a second, and one at its end.
_PRAGMAS = {
    "foreign_keys": "ON",
    "synchronous": "FULL",
    # What stands in the file calls no function that could reach outside of it.
    "trusted_schema": "OFF",
    # After a long reader the log has grown; the next checkpoint cuts it back to this.
    "journal_size_limit": 4 * 1024 * 1024,
}

# Of an import: as many as it has in turn, and the pages (in KiB, below 0) that these come back to.
_CACHED_STATEMENTS = 32
_OF_IMPORTS = {"cache_size": -32_000}
# How often to see whether another import has ended: imports take seconds to minutes.
_LOOK_AGAIN_S = 0.1
# Bytes of the log from which on an import copies it into the file, between two transactions. A
# chat's commit would do so otherwise, and its user would wait for it.
_MUCH_LOG = 8 * 1024 * 1024

# Characters of a text that is kept once less in memory while it is written.
_LONG_TEXT = 1_000_000

_INDEX = "INSERT INTO message_words (rowid, content) VALUES (?, ?)"

# The result codes for a database on a read-only disk, or in a directory that cannot be written.
_NOT_WRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}


class Database:
    """Opens the file when it is first needed, and hands out transactions.

    Reading a database that does not exist sees an empty one and creates nothing; the first
    write makes it.

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
    def importing(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Be the only one who imports: what an import has brought that is not whole is its own.

        The kernel lets go of the lock when the process dies, however: whoever has it knows that
        what stands unfinished in the database is nobody's any more.

        Raises:
            StoreError: The database cannot be made or opened.
        """
        with self._lock, store_errors(self.path):
            self._connected(create=True)
            # The same few statements a thousand times over: parsing them took half of the time.
            self._is_importing = True
            self.close()
        there = self.path.resolve()
        try:
            descriptor = open_lock_file(there.with_name(f"{there.name}.import-lock"))
        except OSError as error:
            raise StoreError(f"cannot lock {there} for an import: {error.strerror}") from error
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

    # The kernel lets go of a lock when the process dies, however: a file that nobody has locked is
    # what a killed process has left.

    def ask(self, session_id: int) -> None:
        """Say that the first reply of a session is waited for."""
        with self._lock, suppress(OSError):
            if session_id in self._asked:
                return
            descriptor = open_lock_file(self._asking(session_id))
            if take_lock(descriptor, wait=False):
                self._asked[session_id] = descriptor
            else:  # another waits for it too
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
        """Whether anybody waits for it."""
        path = self._asking(session_id)
        if not path.exists():
            return False
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

    def _asking(self, session_id: int) -> Path:
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
        """Shrink the file to what it holds; the bytes gained.

        A little at a time, so that nobody waits. Only a database that an hfs before 0.3 has made
        is locked while it is written anew, once.
        """
        from hfs_cli.store.sqlite import upkeep

        if not self.exists():
            return 0
        # What is still in the log counts as well: it is copied into the file first.
        self._empty_log()
        before = self.path.stat().st_size
        self._merge_indexes()
        with self.autocommitting() as db:
            in_steps = db.pragma("auto_vacuum") == upkeep.INCREMENTAL
        if in_steps:
            more = True
            while more:
                with self.staging() as db, interruptible(db.connection()):
                    more = upkeep.free_pages(db)
        else:
            self._write_anew(", this once")
        self._empty_log()
        return before - self.path.stat().st_size

    def forget(self) -> None:
        """Write the file anew, and cut the log.

        A row that is deleted or made shorter stays in the free room of its page, and a word in
        its index until that is merged: nothing short of this is rid of them.
        """
        for copy in sorted(self.path.parent.glob(f"{self.path.name}.bak-v*")):
            notices.warn(f"{copy} is older than the change and as it was: delete it")
        self._merge_indexes()
        self._write_anew()
        patience = Patience(self.path, WAIT_S)
        while not self._empty_log():
            if not patience.left_s():
                raise StoreError(
                    f"another hfs still reads the database, and {self.path}-wal holds what was"
                    " replaced until it has ended: then run hfs db vacuum"
                )
            time.sleep(_LOOK_AGAIN_S)

    def _merge_indexes(self) -> None:
        from hfs_cli.store.sqlite import upkeep

        for index in upkeep.INDEXES:
            amount = -upkeep.MERGED
            more = True
            while more:
                with self.staging() as db, interruptible(db.connection()):
                    more = upkeep.merge_words(db, index, amount)
                amount = upkeep.MERGED

    def _write_anew(self, more: str = "") -> None:
        from hfs_cli.store.sqlite import upkeep

        notices.notice(f"locked while the database is written anew{more}")
        with (
            self.autocommitting() as db,
            interruptible(db.connection()),
            self._line.turn(Patience(self.path, WAIT_S)),
        ):
            upkeep.write_anew(db)

    def _empty_log(self) -> bool:
        """Copy the log into the file and cut it; False where a reader is in the way."""
        with self.autocommitting() as db:
            db.timeout = 0
            try:
                db.execute_sql("PRAGMA wal_checkpoint (PASSIVE)")
                row = db.execute_sql("PRAGMA wal_checkpoint (TRUNCATE)").fetchone()
                return bool(row is not None and not row[0])
            finally:
                db.timeout = WAIT_S

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
        db = _connect(name, importing=self._is_importing)
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


class SqliteConnection(Connection, SqliteDatabase):
    """What SQLite does in its own way."""

    def execute_sql(self, sql: str, params: Sequence[object] = ()) -> Cursor:
        """Run a statement.

        A long text is bound as bytes: a string keeps the UTF-8 that SQLite is given of it for as
        long as it lives (CPython's `PyUnicode_AsUTF8AndSize`), which is half of a prompt once more.
        """
        long = [isinstance(value, str) and len(value) > _LONG_TEXT for value in params]
        if any(long):
            first, *rest = sql.split("?")  # in no statement of ours it stands for anything else
            sql = first + "".join(
                f"CAST(? AS TEXT){after}" if is_long else f"?{after}"
                for is_long, after in zip(long, rest, strict=True)
            )
            params = [
                value.encode() if isinstance(value, str) and is_long else value
                for value, is_long in zip(params, long, strict=True)
            ]
        return super().execute_sql(sql, params)

    # A message is indexed in the transaction that completes it, so the index costs nothing while a
    # reply streams and is never stale: not after a crash either.

    def index_message(self, message_id: int, content: str) -> None:
        """Index a message that has become complete."""
        # Bytes: a long text that is not ASCII takes up to four times as much as a string.
        text = b"".join(piece.encode() for piece in words.pieces(content))
        self.execute_sql(
            "INSERT INTO message_words (rowid, content) VALUES (?, CAST(? AS TEXT))",
            (message_id, text),
        )

    def index_messages(self, texts: Iterable[tuple[int, str]]) -> None:
        """Index many messages that are complete and kept, by rising numbers."""
        run: list[tuple[int, str]] = []
        for message_id, content in texts:
            indexed = words.words(content)
            if indexed != content or (run and run[-1][0] != message_id - 1):
                self._index_run(run)
                run = []
            if indexed == content:
                run.append((message_id, content))
            else:
                self.execute_sql(_INDEX, (message_id, indexed))
        self._index_run(run)

    def _index_run(self, run: Sequence[tuple[int, str]]) -> None:
        """Index messages that follow one another, whose words stand in them as they are."""
        if len(run) == 1:
            self.execute_sql(_INDEX, run[0])
        elif run:
            # One statement for all of them takes two thirds of the time.
            self.execute_sql(
                "INSERT INTO message_words (rowid, content)"
                " SELECT id, content FROM message WHERE id BETWEEN ? AND ?",
                (run[0][0], run[-1][0]),
            )

    def unindex_message(self, message_id: int, content: object) -> None:
        """Take a complete message out of the index, before it is deleted."""
        if not isinstance(content, str):
            raise BadRow("a message that is not text")
        self.execute_sql(
            "INSERT INTO message_words (message_words, rowid, content) VALUES ('delete', ?, ?)",
            (message_id, words.words(content)),
        )

    def unindex_messages(self, session_id: int) -> None:
        """Take a session's own messages and calls out of the index, before they are deleted."""
        called = self.execute_sql(
            f"SELECT tool_call.id, {words.CALL} FROM tool_call JOIN message m ON m.id = message_id"
            " WHERE m.session_id = ? AND result IS NOT NULL",
            (session_id,),
        )
        for call_id, text in list(called):
            self._unindex_call(call_id, text)
        found = self.execute_sql(
            "SELECT id, content FROM message WHERE session_id = ? AND status = 'complete'",
            (session_id,),
        )
        for message_id, content in list(found):
            self.unindex_message(message_id, content)

    def index_call(self, call_id: int) -> None:
        """Index a call that has its result."""
        self.execute_sql(
            "INSERT INTO call_words (rowid, content) VALUES (?, ?)",
            (call_id, words.words(self._text_of_call(call_id))),
        )

    def unindex_call(self, call_id: int) -> None:
        """Take a call out of the index, before its result changes."""
        self._unindex_call(call_id, self._text_of_call(call_id))

    def _unindex_call(self, call_id: int, text: object) -> None:
        self.execute_sql(
            "INSERT INTO call_words (call_words, rowid, content) VALUES ('delete', ?, ?)",
            (call_id, words.words(_called(text))),
        )

    def _text_of_call(self, call_id: int) -> str:
        row = self.execute_sql(
            f"SELECT {words.CALL} FROM tool_call WHERE id = ?", (call_id,)
        ).fetchone()
        return _called(row and row[0])

    def index_name(self, session_id: int, name: str) -> None:
        """Index a session's name."""
        self.execute_sql(
            "INSERT INTO session_words (rowid, name) VALUES (?, ?)",
            (session_id, words.words(name)),
        )

    def unindex_name(self, session_id: int, name: str) -> None:
        """Take a session's name out of the index, before it changes or goes."""
        self.execute_sql(
            "INSERT INTO session_words (session_words, rowid, name) VALUES ('delete', ?, ?)",
            (session_id, words.words(name)),
        )

    def forget_words(self) -> None:
        """Forget every word."""
        for index in ("message_words", "call_words", "session_words"):
            self.execute_sql(f"INSERT INTO {index} ({index}) VALUES ('delete-all')")

    def first_free(self, table: type[Model]) -> int:
        """The number after the last one that was ever given (AUTOINCREMENT)."""
        name = table._meta.table_name  # noqa: SLF001  (Peewee's documented way)
        given = self.execute_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (name,))
        return int((given.fetchone() or (0,))[0]) + 1

    def local_day(self, microseconds: Field[int]) -> Function:
        """A kept time as the user's own day."""
        return fn.date(microseconds / 1_000_000, "unixepoch", "localtime")

    def rollback(self) -> None:
        """Roll back, unless SQLite has done so on a full disk: the error behind must be seen."""
        if self.connection().in_transaction:
            super().rollback()


def _called(text: object) -> str:
    if not isinstance(text, str):
        raise BadRow("a call of a tool that is not text")
    return text


def _connect(name: str, *, importing: bool) -> SqliteConnection:
    db = SqliteConnection(
        name,
        pragmas=_PRAGMAS | (_OF_IMPORTS if importing else {}),
        timeout=WAIT_S,
        uri=True,
        # One connection for all threads, under the lock above.
        thread_safe=False,
        check_same_thread=False,
        # A cached statement keeps a copy of the values it was last run with: a long reply.
        cached_statements=_CACHED_STATEMENTS if importing else 0,
    )
    db.connect()
    return db


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
