"""A PostgreSQL server as the store's engine: connected to when first needed, for transactions."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from peewee import PeeweeException
from psycopg import sql

from hfs_cli import notices, signals
from hfs_cli.config.database import login_name
from hfs_cli.errors import StoreError, UsageError
from hfs_cli.store.engine import LEAVE_S, WAIT_S, Cursor
from hfs_cli.store.postgres import line, migrate
from hfs_cli.store.postgres.connection import PostgresConnection, connect
from hfs_cli.store.postgres.errors import is_full, is_lost, store_errors
from hfs_cli.store.postgres.line import run

if TYPE_CHECKING:
    from hfs_cli.conversations import SearchFilter, SearchHit

T = TypeVar("T")

# How long to wait before a server that is full or away is asked again.
_AGAIN_S = 0.2

# Each transaction sets what it needs: where a pooler hands out the server's sessions, what is set
# for a session goes on to somebody else.
_READ = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)
# READ COMMITTED: what is read after the wait for the lock is what is there by then.
_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_SOON = "SET LOCAL synchronous_commit = off"


class Postgres:
    """Sessions on a PostgreSQL server.

    Args:
        url: ``postgresql://…``, as libpq reads it.
        shown: The same without a password, for messages.
        directory: Where a reply is kept that the server did not take.
        password: Returns the password where neither the URL nor the environment has one, or None.
        owner: Returns the acting owner: whose sessions are seen, and who owns new ones.
        every: Everybody's sessions are seen; nothing is to be written.
    """

    def __init__(
        self,
        url: str,
        *,
        shown: str,
        directory: Path,
        password: Callable[[], str | None] = lambda: None,
        owner: Callable[[], str] = login_name,
        every: bool = False,
    ) -> None:
        self.spill_directory = directory
        self._shown = shown
        # Reentrant: a command may read while it holds a transaction of its own.
        self._lock = RLock()
        self._connect: Callable[[], psycopg.Connection] = partial(connect, url, password)
        self._owner = owner
        self._acting: str | None = None
        self._db = PostgresConnection(self._connect, "every" if every else "one")
        self._is_current = False
        # Marks the rows of sessions whose first reply this process waits for.
        self._token = secrets.token_hex(16)
        self._asked: set[int] = set()

    # --- transactions ---------------------------------------------------------------------

    @contextmanager
    def reading(self, *, once: bool = False) -> Iterator[PostgresConnection]:
        """See `Engine.reading`.

        With `once`, the statement goes to the server and back along with its BEGIN and its COMMIT.
        """
        with self._lock, store_errors(self._db, self._shown):
            if self._db.in_transaction():
                yield self._db
                return
            self._make_current()
            if once:
                deadline = time.monotonic() + WAIT_S
                self._db.alone = partial(self._run_alone, deadline)
                try:
                    yield self._db
                finally:
                    self._db.alone = None
                return
            with self._transaction(self._begin_reading, WAIT_S):
                yield self._db

    def _run_alone(self, deadline: float, sql: str, params: Sequence[object]) -> Cursor:
        """Run a statement that reads, with a transaction of its own around it."""

        def run() -> Cursor:
            before = (*_READ, self._says_who_acts(self._db.connection()))
            return self._db.run_between(before, sql, params, after="COMMIT")

        return self._patiently(run, deadline)

    @contextmanager
    def writing(
        self, wait_s: float = WAIT_S, *, durable: bool = True
    ) -> Iterator[PostgresConnection]:
        """See `Engine.writing`.

        Writers stand in line for an advisory lock, as for SQLite's file: what a transaction has
        read cannot change before it writes.
        """
        with self._lock, store_errors(self._db, self._shown):
            if self._db.in_transaction():
                with self._db.atomic():
                    yield self._db
                return
            self._make_current(wait_s)
            take_turn = partial(self._take_turn, wait_s=wait_s, durable=durable)
            with self._transaction(take_turn, wait_s):
                yield self._db

    @contextmanager
    def staging(self) -> Iterator[PostgresConnection]:
        """One of many transactions, which the last of them, in `writing`, makes durable."""
        with self.writing(durable=False) as db:
            yield db

    @contextmanager
    def _transaction(
        self, begin: Callable[[psycopg.Connection], None], wait_s: float
    ) -> Iterator[None]:
        deadline = time.monotonic() + wait_s
        transaction = self._patiently(partial(self._begun, begin), deadline)
        transaction_id = self._db.transaction_id
        try:
            try:
                yield
            except BaseException as error:
                transaction.__exit__(type(error), error, error.__traceback__)
                raise
            try:
                transaction.__exit__(None, None, None)
            except (PeeweeException, psycopg.Error) as error:
                # The answer to COMMIT may be what was lost, and not the COMMIT.
                if transaction_id is None or not is_lost(error):
                    raise
                self._db.forget()
                if not self._was_committed(transaction_id, deadline):
                    raise
        finally:
            if self._db.is_lost:
                self._db.forget()

    def _begun(self, begin: Callable[[psycopg.Connection], None]) -> Any:  # noqa: ANN401
        transaction = self._db.atomic(begin)
        transaction.__enter__()
        return transaction

    def _was_committed(self, transaction_id: str, deadline: float) -> bool:
        """Whether a transaction took effect whose connection was lost as it was committed.

        https://www.postgresql.org/docs/current/functions-info.html (`pg_xact_status`, 2026-11-29)
        """
        ask = "SELECT pg_xact_status(%s::xid8)"
        while True:
            row = self._run_alone(deadline, ask, (transaction_id,)).fetchone()
            status = row and row[0]
            # What the server still works at ends as soon as it sees that nobody is there.
            if status != "in progress" or time.monotonic() > deadline:
                return bool(status == "committed")
            time.sleep(_AGAIN_S)

    def _patiently(self, attempt: Callable[[], T], deadline: float) -> T:
        """What an attempt returns; a server that is full, or has gone away, is waited for.

        Args:
            attempt: Connects where there is no connection, and changes nothing where it fails.
            deadline: When to stop waiting, by `time.monotonic`.
        """
        while True:
            try:
                return attempt()
            except BaseException as error:
                # Whatever state it is in: a transaction may have begun.
                self._db.forget()
                again = is_full(error) or (self._db.ever_connected and is_lost(error))
                if not again or signals.waiting() or time.monotonic() > deadline:
                    raise
                time.sleep(_AGAIN_S)

    def _begin_reading(self, connection: psycopg.Connection) -> None:
        run(connection, *_READ, self._says_who_acts(connection))

    def _says_who_acts(self, connection: psycopg.Connection) -> str:
        """The statement that names the acting owner, which goes with a BEGIN."""
        if self._acting is None:
            self._acting = f"SET LOCAL hfs.owner = {sql.quote(self._owner(), connection)}"
        return self._acting

    def _take_turn(
        self, connection: psycopg.Connection, wait_s: float = WAIT_S, *, durable: bool = True
    ) -> None:
        """Begin a transaction that writes, when those before it have ended."""
        begin = [_WRITE] if durable else [_WRITE, _SOON]
        timeout = f"SET LOCAL lock_timeout = {max(1, int(wait_s * 1000))}"
        who = self._says_who_acts(connection)
        self._db.transaction_id = line.take_turn(connection, *begin, timeout, who)

    def _make_current(self, wait_s: float = WAIT_S) -> None:
        if self._is_current:
            return
        with self._transaction(self._begin_reading, wait_s):
            version = migrate.schema_version(self._db, self._shown)
        if version < migrate.SCHEMA_VERSION:
            with self._transaction(self._take_turn, WAIT_S):
                migrate.bring_up_to_date(self._db, self._shown)
        self._is_current = True

    # --- locks ----------------------------------------------------------------------------

    @contextmanager
    def importing(self, waiting: Callable[[], None]) -> Iterator[None]:
        """See `Engine.importing`.

        The lock is that of a transaction on a connection of its own, which a pooler leaves alone
        and the server ends when the process dies.
        """
        with self.reading():
            pass  # so that the server is known to run, and has its tables
        with store_errors(self._db, self._shown):
            other = self._patiently(self._connect, time.monotonic() + WAIT_S)
        try:
            with store_errors(self._db, self._shown):
                line.wait_for_imports(other, waiting)
            yield
        finally:
            other.close()

    # A lock would end with its transaction, so a row says which process waits for a session's first
    # reply, and until when to believe it: longer than any model takes to begin one. The row of a
    # process that was killed stays until then.

    def ask(self, session_id: int) -> None:
        """Note that this process waits for a session's first reply."""
        with self.writing() as db:
            done = db.execute_sql(
                "INSERT INTO asking VALUES (%s, %s, now() + interval '10 minutes')"
                " ON CONFLICT (session_id) DO UPDATE SET token = EXCLUDED.token,"
                " until = EXCLUDED.until WHERE asking.until < now()",
                (session_id, self._token),
            )
            if done.rowcount:
                self._asked.add(session_id)

    def answered(self, session_id: int) -> None:
        """Note that this process no longer waits for it."""
        with self._lock:
            if session_id not in self._asked:
                return
            self._asked.discard(session_id)
            # Where the server cannot be told, the row expires by itself.
            with suppress(StoreError), self.writing(LEAVE_S, durable=False) as db:
                db.execute_sql(
                    "DELETE FROM asking WHERE session_id = %s AND token = %s",
                    (session_id, self._token),
                )

    def is_asked(self, session_id: int) -> bool:
        """Whether any process waits for it."""
        with self.reading() as db:
            waits = "SELECT 1 FROM asking WHERE session_id = %s AND until > now()"
            return db.execute_sql(waits, (session_id,)).fetchone() is not None

    # --- the rest of an engine ------------------------------------------------------------

    def exists(self) -> bool:
        """True: a server has the database, or it cannot be used at all."""
        return True

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        with self._lock:
            for session_id in list(self._asked):
                self.answered(session_id)
            with suppress(psycopg.Error):
                self._db.forget()

    def search(
        self, text: str, asked: SearchFilter | None, *, limit: int, raw: bool
    ) -> list[SearchHit]:
        """Messages and names that hold the words."""
        from hfs_cli.store.postgres.search import search

        with self.reading() as db:
            return search(db, text, asked, limit=limit, raw=raw)

    def problems(self) -> list[str]:
        """What is wrong with the database, one line each."""
        from hfs_cli.store.postgres.upkeep import problems

        with self.reading() as db:
            return problems(db)

    def exposed(self) -> list[str]:
        """Nothing: who can read a server's files is the server's business."""
        return []

    def back_up(self, target: Path) -> None:
        """Refuse: the server has its own tool.

        Raises:
            UsageError: Always, with the line that does it.
        """
        import shlex

        line = shlex.join(["pg_dump", "--format=custom", f"--file={target}", self._shown])
        raise UsageError(f"a database on a server is backed up by its own tool: {line}")

    def vacuum(self) -> int:
        """Give the room of deleted rows back to the tables; the bytes that the disk gained."""
        from hfs_cli.store.postgres.upkeep import vacuum

        with self._lock, store_errors(self._db, self._shown):
            self._make_current()
            return vacuum(self._db)

    def forget(self) -> None:
        """Write the tables anew, so that no file of theirs holds what was changed or deleted.

        The server's log and backups are out of reach: a warning says so.
        """
        from hfs_cli.store.postgres.upkeep import who_may, write_anew

        with self._lock, store_errors(self._db, self._shown):
            self._make_current()
            owner = who_may(self._db)
            if owner is None:
                write_anew(self._db)
        if owner is not None:
            notices.warn(
                f"only {owner}, whose the tables are, may write them anew, and until then their"
                " files hold what was replaced: that role runs VACUUM (FULL)"
            )
        notices.warn(
            "the server's own log, copies and backups hold what was replaced for as long as they"
            " are kept: ask who runs it"
        )
