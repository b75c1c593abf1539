"""A PostgreSQL server as the store's engine: connected when first needed, for transactions."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import psycopg
from peewee import InterfaceError, OperationalError, PeeweeException, ProgrammingError
from psycopg import sql

from hfs_cli import notices, signals
from hfs_cli.config.database import login_name
from hfs_cli.errors import StoreError, UsageError
from hfs_cli.store.engine import BadRow, LostError
from hfs_cli.store.postgres import migrate
from hfs_cli.store.postgres.connection import PostgresConnection, connect

if TYPE_CHECKING:
    from hfs_cli.conversations import SearchFilter, SearchHit

WAIT_S = 30.0
# How long a wait for other writers goes on after a signal, and how often one is looked for.
_LEAVE_S = 0.5
_LOOK_S = 0.1
# How long to wait before a server that is full or away is asked again.
_AGAIN_S = 0.2

# Advisory locks of a database, which no other program's numbers are likely to meet: "hfs1".
_CLASS = 0x68667331
_WRITING, _IMPORTING = 1, 2

# A transaction needs its own words for how it begins: what was set for a session would go to
# somebody else's when a pooler hands sessions out.
_READ = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    "SET LOCAL idle_in_transaction_session_timeout = 0"
)
# READ COMMITTED: what is read after the wait for the lock is what is there by then.
_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_SOON = ";SET LOCAL synchronous_commit = off"

# What a server says when it has no place for one more, or is not there yet; it says it in its
# own language, and libpq passes no code on. https://www.postgresql.org/docs/15/errcodes-appendix.html
_COME_AGAIN = ("too many clients", "remaining connection slots", "starting up", "shutting down",
               "recovery mode", "too many connections", "no more connections allowed")  # fmt: skip

_ADVICE = {
    "42501": "does not let this role do so: ask its owner for the rights",
    "53100": "cannot grow, the server's disk is full: make room and try again",
    "53200": "needs more memory than the server has",
    "53300": "has no connection left: try again, or ask for a pooler such as pgbouncer",
    "25006": "cannot be written: the server is a copy that is read only",
    "55P03": "is locked by another program: try again when it has finished",
    "57014": "is locked by another program: try again when it has finished",
}
# What refuses a row that a policy does not let its writer write: the words for it are translated.
_POLICY = "ExecWithCheckOptions"
_REACH = "check that the server runs, or set HFS_DATABASE to another database"


class Postgres:
    """Sessions on a PostgreSQL server.

    Args:
        url: ``postgresql://…``, as libpq reads it.
        shown: The same without a password.
        directory: Where a reply is kept that could not be written.
        password: Gives the password where the URL and the environment do not, or None.
        owner: Gives who acts: whose sessions are seen, and whose new ones are.
        every: Everybody's are seen; nothing is to be written.
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
        self._open: Callable[[], psycopg.Connection] = partial(connect, url, password)
        self._owner = owner
        self._acts: str | None = None
        self._db = PostgresConnection(
            self._connected_for_the_first_time, "every" if every else "one"
        )
        self._is_current = False
        self._was_there = False
        # Marks the rows of sessions whose first reply this process waits for.
        self._token = secrets.token_hex(16)
        self._asked: set[int] = set()

    # --- transactions ---------------------------------------------------------------------

    @contextmanager
    def reading(self, *, once: bool = False) -> Iterator[PostgresConnection]:
        """A consistent view; it blocks nobody and nobody blocks it.

        Args:
            once: By a single statement: its transaction then begins and ends on the same way to
                the server and back.

        Raises:
            StoreError: The database cannot be read.
        """
        with self._lock, self._errors():
            if self._db.in_transaction():
                yield self._db
                return
            self._make_current()
            if once:
                with self._alone():
                    yield self._db
                return
            with self._transaction(self._begin_reading, WAIT_S):
                yield self._db

    @contextmanager
    def _alone(self) -> Iterator[None]:
        acting = self._acting(self._db.connection())
        self._db.alone = [*_READ.split(";"), acting.removeprefix(";"), "COMMIT"]
        try:
            yield
        except BaseException:
            self._db.forget()  # whatever state it is in
            raise
        finally:
            self._db.alone = None

    @contextmanager
    def writing(
        self, wait_s: float = WAIT_S, *, durable: bool = True
    ) -> Iterator[PostgresConnection]:
        """A transaction that holds the write lock from its first statement.

        Writers stand in line for an advisory lock, as for SQLite's file: what was read first still
        stands when it is written later.

        Args:
            wait_s: Seconds to wait for other writers.
            durable: Reach the server's disk before the lock is let go, instead of soon after.

        Raises:
            StoreError: The database cannot be written; nothing was.
        """
        with self._lock, self._errors():
            if self._db.in_transaction():
                with self._db.atomic():
                    yield self._db
                return
            self._make_current(wait_s)
            with self._transaction(
                lambda there: self._take_turn(there, wait_s, durable=durable), wait_s
            ):
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
        transaction: Any = self._begun(begin, deadline)
        number = self._db.number
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
                if number is None or not _is_lost(error):
                    raise
                self._db.forget()
                if not self._was_committed(number, deadline):
                    raise
        finally:
            if self._db.is_lost:
                self._db.forget()

    def _was_committed(self, number: str, deadline: float) -> bool:
        """Whether a transaction whose connection was lost has become true.

        https://www.postgresql.org/docs/current/functions-info.html (`pg_xact_status`, 2026-11-29)
        """
        ask = "SELECT pg_xact_status(%s::xid8)"
        while True:
            asking: Any = self._begun(self._begin_reading, deadline)
            try:
                row = self._db.execute_sql(ask, (number,)).fetchone()
            finally:
                asking.__exit__(None, None, None)
            status = row and row[0]
            # What the server still works at ends as soon as it sees that nobody is there.
            if status != "in progress" or time.monotonic() > deadline:
                return bool(status == "committed")
            time.sleep(_AGAIN_S)

    def _begun(self, begin: Callable[[psycopg.Connection], None], deadline: float) -> Any:  # noqa: ANN401
        """A transaction that has begun; a server that went away meanwhile is waited for."""
        while True:
            transaction = self._db.atomic(begin)
            try:
                transaction.__enter__()
            except BaseException as error:
                # Whatever state it is in: a transaction may have begun.
                self._db.forget()
                again = self._was_there and _is_lost(error)
                if not again or signals.waiting() or time.monotonic() > deadline:
                    raise
                time.sleep(_AGAIN_S)
            else:
                return transaction

    def _begin_reading(self, there: psycopg.Connection) -> None:
        _run(there, _READ + self._acting(there))

    def _acting(self, there: psycopg.Connection) -> str:
        """The statement that says who acts, which goes with a BEGIN."""
        if self._acts is None:
            self._acts = f";SET LOCAL hfs.owner = {sql.quote(self._owner(), there)}"
        return self._acts

    def _take_turn(self, there: psycopg.Connection, wait_s: float, *, durable: bool) -> None:
        """Begin a transaction that writes, when those before it have ended."""
        soon = "" if durable else _SOON
        limit = f";SET LOCAL lock_timeout = {max(1, int(wait_s * 1000))}"
        # All in one message: each costs the way to the server and back.
        answers = there.execute(
            f"{_WRITE}{soon}{limit}{self._acting(there)};"
            f"SELECT pg_try_advisory_xact_lock({_CLASS}, {_WRITING}),"
            " pg_current_xact_id()::text".encode()
        )
        while answers.nextset():
            pass
        row = answers.fetchone()
        assert row is not None
        self._db.number = str(row[1])
        if not row[0]:
            _wait_for_turn(there)

    def _connected_for_the_first_time(self) -> psycopg.Connection:
        """A connection; a server that is full or on its way up is waited for."""
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                made = self._open()
            except psycopg.OperationalError as error:
                full = any(words in str(error) for words in _COME_AGAIN)
                if not full or signals.waiting() or time.monotonic() > deadline:
                    raise
                time.sleep(_AGAIN_S)
            else:
                self._was_there = True
                return made

    def _make_current(self, wait_s: float = WAIT_S) -> None:
        if self._is_current:
            return
        with self._transaction(self._begin_reading, wait_s):
            version = migrate.schema_version(self._db)
        migrate.refuse_newer(version, self._shown)
        if version < migrate.SCHEMA_VERSION:
            with self._transaction(
                lambda there: self._take_turn(there, WAIT_S, durable=True), WAIT_S
            ):
                migrate.bring_up_to_date(self._db, self._shown)
        self._is_current = True

    # --- locks ----------------------------------------------------------------------------

    @contextmanager
    def importing(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Be the only one who imports: what an import has brought that is not whole is its own.

        The lock is that of a transaction on a connection of its own, which a pooler leaves alone
        and the server ends when the process dies.

        Raises:
            StoreError: The server cannot be reached.
        """
        with self.reading():
            pass  # there, and with its tables
        with self._errors():
            other = self._connected_for_the_first_time()
        try:
            with self._errors():
                _run(other, "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0")
                if not _try_lock(other, _IMPORTING):
                    waiting()
                    while not _try_lock(other, _IMPORTING):
                        time.sleep(_LOOK_S)
            yield
        finally:
            other.close()

    # A lock would end with its transaction, so it is a row that says who waits, and for how long
    # it is believed: longer than any model takes to begin its reply. Of a process that is killed
    # it stays until then.

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
        """Wait no more."""
        with self._lock:
            if session_id not in self._asked:
                return
            self._asked.discard(session_id)
            # It is forgotten by itself where this cannot be said.
            with suppress(StoreError), self.writing(_LEAVE_S, durable=False) as db:
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

        with self._lock, self._errors():
            self._make_current()
            return vacuum(self._db)

    def forget(self) -> None:
        """Write the tables anew: what was changed or deleted is in none of their files then.

        What the server keeps besides, its log and its backups, is its own business.
        """
        from hfs_cli.store.postgres.upkeep import who_may, write_anew

        with self._lock, self._errors():
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

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise `StoreError` for what the server, the network or another program did.

        Statements and values that no database takes pass through: they are mistakes of our own
        and must look like bugs.
        """
        try:
            yield
        except BadRow as error:
            raise StoreError(self._damaged(str(error))) from error
        except TimeoutError as error:
            raise StoreError(f"cannot reach {self._shown}: {error}; {_REACH}") from error
        except (PeeweeException, psycopg.Error) as error:
            raise self._said(error) from error

    def _said(self, error: PeeweeException | psycopg.Error) -> BaseException:
        behind = getattr(error, "orig", error)
        code = getattr(behind, "sqlstate", None)
        diagnosis = getattr(behind, "diag", None)
        said = " ".join(str(getattr(diagnosis, "message_primary", None) or behind).split())[:300]
        if getattr(diagnosis, "source_function", None) == _POLICY:
            who = self._db.connection().info.user
            return StoreError(
                f"the database {self._shown} lets {who}, who is logged in, write no sessions but"
                f" {who}'s own: set HFS_USER={who}, and leave out --owner"
            )
        if code in _ADVICE:
            return StoreError(f"the database {self._shown} {_ADVICE[code]} ({said})")
        # Not a table or a column that is not there: somebody else has taken it away.
        ours = isinstance(error, (InterfaceError, ProgrammingError)) and code is not None
        if ours and code not in {"42P01", "42703"}:
            return error
        if code is None or code.startswith(("08", "57P", "28", "3D")):
            return self._away(said, code)
        if code.startswith("23"):
            return StoreError(
                f"the database {self._shown} refuses the change ({said}): "
                "see what is wrong with it: hfs db check"
            )
        return StoreError(self._damaged(said))

    def _away(self, said: str, code: str | None) -> StoreError:
        if self._was_there and (code is None or code.startswith("57P")):
            return LostError(f"the connection to {self._shown} was lost ({said}): try again")
        advice = next((advice for words, advice in _NEXT_STEPS.items() if words in said), _REACH)
        return StoreError(f"cannot reach {self._shown}: {said}; {advice}")

    def _damaged(self, what: str) -> str:
        return (
            f"the database {self._shown} holds what hfs never wrote ({what}): "
            "it is left as it is; see hfs db check, and restore a backup of pg_dump's"
        )


_HOW_TO_LOG_IN = "set PGPASSWORD, a line of ~/.pgpass, or database_cmd in the configuration"
_WHOM_TO_TRUST = (
    "name the file of the authority that signed its certificate, as sslrootcert in the address, or"
    " by PGSSLROOTCERT"
)
# What helps, by what libpq 17 says where no server's code tells (2026-11-29).
_NEXT_STEPS = {
    "password authentication failed": _HOW_TO_LOG_IN,
    "no password supplied": _HOW_TO_LOG_IN,
    "certificate verify failed": _WHOM_TO_TRUST,
    "root certificate file": _WHOM_TO_TRUST,
    "does not match host name": "put the name into the address that its certificate has",
}


def _is_lost(error: BaseException) -> bool:
    """Whether the connection, or the server, is not there any more."""
    if not isinstance(error, (OperationalError, psycopg.OperationalError)):
        return isinstance(error, TimeoutError)
    behind = getattr(error, "orig", error)
    code = getattr(behind, "sqlstate", None)
    return code is None or code.startswith(("08", "57P"))


def _run(there: psycopg.Connection, statements: str) -> None:
    """Run statements without values: several go in one message."""
    there.execute(statements.encode())


def _try_lock(there: psycopg.Connection, number: int) -> bool:
    row = there.execute(f"SELECT pg_try_advisory_xact_lock({_CLASS}, {number})".encode()).fetchone()
    return bool(row and row[0])


def _wait_for_turn(there: psycopg.Connection) -> None:
    """Stand in line, in a transaction that has begun."""
    # Who waits for a lock is served in the order of asking; a signal makes the wait short.
    served = threading.Event()

    def watch() -> None:
        while not served.wait(_LOOK_S):
            if signals.waiting():
                if not served.wait(_LEAVE_S):
                    there.cancel()
                return

    watching = threading.Thread(target=watch, name="hfs-line", daemon=True)
    watching.start()
    try:
        _run(there, f"SELECT pg_advisory_xact_lock({_CLASS}, {_WRITING})")
    finally:
        served.set()
        watching.join()
