"""One connection to a server: how it is made, and what PostgreSQL does in its own way."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import psycopg
from peewee import (
    SQL,
    Case,
    Field,
    Function,
    Model,
    PeeweeException,
    PostgresqlDatabase,
    Psycopg3Adapter,
    fn,
)
from peewee import __exception_wrapper__ as peewee_errors  # type: ignore[attr-defined]
from psycopg.adapt import Dumper, Loader
from psycopg.pq import TransactionStatus

from hfs_cli.errors import ConfigError
from hfs_cli.store.engine import Connection, Cursor, Indexed, Owners, Row
from hfs_cli.store.postgres import indexing

# A server that cannot be reached is given up after this long, whatever its addresses: with the
# start of a command that is less than five seconds.
CONNECT_S = 4.0

# The acting owner, as each transaction sets it at its beginning; new rows are theirs by default.
ACTING_OWNER = "current_setting('hfs.owner')"

# PostgreSQL's text takes every character but NUL, which prompts and replies may hold. NUL is kept
# as two characters: a noncharacter, which no text should hold, and "0". Where a text does hold that
# noncharacter it is kept as itself and "1".
_MARK = "\ufdd0"
_NUL, _ITSELF = f"{_MARK}0", f"{_MARK}1"
_MARK_BYTES = _MARK.encode()


class _Text(Dumper):
    """Text as it is sent to the server."""

    def dump(self, obj: str) -> bytes:
        if "\0" in obj or _MARK in obj:
            obj = obj.replace(_MARK, _ITSELF).replace("\0", _NUL)
        return obj.encode()


class _TextLoader(Loader):
    """Text as it comes back."""

    def load(self, data: psycopg.abc.Buffer) -> str:
        text = bytes(data)
        if _MARK_BYTES in text:
            return text.decode().replace(_NUL, "\0").replace(_ITSELF, _MARK)
        return text.decode()


class _Adapter(Psycopg3Adapter):
    """Peewee's adapter for psycopg, which Peewee itself was kept from loading (`hfs_cli.store`)."""

    txn_idle = TransactionStatus.IDLE
    txn_inerror = TransactionStatus.INERROR
    txn_unknown = TransactionStatus.UNKNOWN

    def check_driver(self) -> None:
        """Nothing to check: this module has loaded the driver."""

    def get_binary_type(self) -> Any:  # noqa: ANN401  (the driver's own)
        """What bytes are bound as."""
        return psycopg.Binary


class PostgresConnection(Connection, PostgresqlDatabase):
    """What PostgreSQL does in its own way.

    It keeps nothing in the server's session, so that a pooler may give each transaction to another
    session: no prepared statements, no SET but SET LOCAL, no lock but a transaction's.

    Args:
        connect: Opens a connection; see `connect`.
        owners: Whose rows queries see: the acting owner's, whom each transaction names at its
            beginning, or everybody's.
    """

    psycopg2_adapter = psycopg3_adapter = _Adapter
    # By a trigger: see the migration 0002.
    frees_attachments = True

    if TYPE_CHECKING:  # Peewee's own are without types
        _state: Any

    def __init__(self, connect: Callable[[], psycopg.Connection], owners: Owners) -> None:
        self._connect_to_server = connect
        self.owners = owners
        self.own_sessions = f" AND s.owner = {ACTING_OWNER}" if owners == "one" else ""
        # Tables with rows whose ids we have chosen: their sequences are behind.
        self._numbered: set[str] = set()
        # Whether there ever was a connection.
        self.ever_connected = False
        # The server's id of the transaction that writes, or None.
        self.transaction_id: str | None = None
        # Runs a statement in a transaction of its own; None where one has begun.
        self.alone: Callable[[str, Sequence[object]], Cursor] | None = None
        # One connection for all threads, under the engine's lock.
        super().__init__("postgresql", thread_safe=False)

    def _connect(self) -> psycopg.Connection:
        made = self._connect_to_server()
        self.ever_connected = True
        return made

    def get_context_options(self) -> dict[str, object]:
        """The state that Peewee, `ByOwners` and `own` write queries by."""
        options: dict[str, object] = super().get_context_options()
        return options | {"owners": self.owners, "acting_owner": SQL(ACTING_OWNER)}

    # --- transactions ---------------------------------------------------------------------

    def begin(  # type: ignore[override]
        self, how: Callable[[psycopg.Connection], None] | None = None
    ) -> None:
        """Begin a transaction.

        Args:
            how: Sends the statements that do.
        """
        assert how is not None
        self.transaction_id = None
        how(self.connection())

    def commit(self) -> None:
        """Commit, after the sequences have been told of the ids that we have chosen."""
        for table in self._numbered:
            # Never back: others' rows, which may be hidden, have ids, too.
            self.execute_sql(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "
                f"GREATEST(last_value, (SELECT max(id) FROM {table}))) FROM {table}_id_seq"
            )
        self._numbered.clear()
        super().commit()

    def rollback(self) -> None:
        """Roll back, or close a connection that was left in the middle of a query."""
        self._numbered.clear()
        connection = self._state.conn
        if connection is None or connection.closed:
            return
        if connection.info.transaction_status in {
            TransactionStatus.ACTIVE,
            TransactionStatus.UNKNOWN,
        }:
            connection.close()
            return
        try:
            super().rollback()
        except PeeweeException:  # the failure before this one is the one to report
            connection.close()

    def forget(self) -> None:
        """Close the connection, whatever state it is in; the next statement opens another."""
        connection = self._state.conn
        self._state.reset()
        if connection is not None:
            connection.close()

    @property
    def is_lost(self) -> bool:
        """Whether there was a connection, and the server has ended it."""
        connection = self._state.conn
        return connection is not None and connection.closed

    # --- statements -----------------------------------------------------------------------

    def execute_sql(self, sql: str, params: Sequence[object] = ()) -> Cursor:
        """Run a statement, in the transaction that has begun or in one of its own."""
        if self.alone is not None:
            return self.alone(sql, params)
        return super().execute_sql(sql, params)

    def run_between(
        self, before: Iterable[str], sql: str, params: Sequence[object], *, after: str
    ) -> Cursor:
        """Run a statement with others around it, all on one way to the server and back."""
        connection = self.connection()
        with peewee_errors, connection.pipeline():
            cursor = connection.cursor()
            for statement in before:
                connection.execute(statement.encode())
            cursor.execute(sql.encode(), params)
            connection.execute(after.encode())
        answer: Cursor = cursor
        return answer

    def insert_many(self, table: type[Model], columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Insert many rows at once."""
        name = table._meta.table_name  # noqa: SLF001  (Peewee's documented way)
        indexing.copy(self, name, columns, rows)

    def first_free(self, table: type[Model]) -> int:
        """The number after the highest that was ever given."""
        name = table._meta.table_name  # noqa: SLF001  (Peewee's documented way)
        self._numbered.add(name)
        row = self.execute_sql(
            f"SELECT GREATEST((SELECT max(id) FROM {name}), "
            f"CASE WHEN is_called THEN last_value ELSE 0 END) + 1 FROM {name}_id_seq"
        ).fetchone()
        assert row is not None
        return int(row[0])

    def local_day(self, microseconds: Field[int]) -> Function:
        """A kept time as a day of the user's own time zone, whatever the server's is."""
        from hfs_cli.store.postgres.days import offsets

        first, *later = offsets()
        shift: Any = first[1]
        if later:
            cases = [(microseconds >= since, seconds) for since, seconds in reversed(later)]
            shift = Case(None, cases, first[1])
        moment = fn.to_timestamp((microseconds / 1_000_000) + shift)
        return fn.to_char(fn.timezone("UTC", moment), "YYYY-MM-DD")

    # --- the index of words ---------------------------------------------------------------

    def index(self, of: Indexed, number: int, text: str) -> None:
        """See `Connection.index`."""
        words = indexing.tokens(text)
        self.execute_sql(f"INSERT INTO {of}_words (id, words) VALUES (%s, %s)", (number, words))

    def index_many(
        self, of: Literal["message", "session"], texts: Iterable[tuple[int, str]]
    ) -> None:
        """See `Connection.index_many`."""
        words = ((number, indexing.tokens(text)) for number, text in texts)
        indexing.copy(self, f"{of}_words", ("id", "words"), words)

    def unindex(self, of: Indexed, number: int, text: str) -> None:  # noqa: ARG002
        """See `Connection.unindex`."""
        self.execute_sql(f"DELETE FROM {of}_words WHERE id = %s", (number,))

    def unindex_messages(self, session_id: int) -> None:
        """Nothing to remove: words go with the rows that they are words of."""

    def forget_words(self) -> None:
        """Nothing to empty, for the same reason."""


def connect(url: str, password: Callable[[], str | None]) -> psycopg.Connection:
    """A connection to the server of a URL, as libpq reads it.

    Args:
        url: ``postgresql://…``.
        password: Gives the password, where neither the URL nor the environment does.

    Raises:
        ConfigError: The address cannot be read.
        psycopg.Error: The server cannot be connected to.
        TimeoutError: It did not answer within `CONNECT_S`.
    """
    try:
        settings: dict[str, Any] = dict(psycopg.conninfo.conninfo_to_dict(url))
    except psycopg.ProgrammingError:
        # Its message may quote the address, with the password.
        raise ConfigError(
            "database is not an address that PostgreSQL's libpq reads: write it as"
            " postgresql://USER@HOST:PORT/NAME?sslmode=verify-full"
        ) from None
    settings.setdefault("fallback_application_name", "hfs")
    settings["client_encoding"] = "utf8"
    if not (settings.get("password") or os.environ.get("PGPASSWORD")):
        settings["password"] = password()

    def make() -> psycopg.Connection:
        try:
            return psycopg.connect(autocommit=True, prepare_threshold=None, **settings)
        except UnicodeError as error:  # a name that the network's own form cannot take
            raise ConfigError("the host of database cannot be the name of one") from error

    if settings.get("connect_timeout") or os.environ.get("PGCONNECT_TIMEOUT"):
        made = make()  # the user wants to wait that long
    else:
        settings["connect_timeout"] = int(CONNECT_S)
        made = _within(make, CONNECT_S)
    made.adapters.register_dumper(str, _Text)
    made.adapters.register_loader("text", _TextLoader)
    return made


def _within(make: Callable[[], psycopg.Connection], seconds: float) -> psycopg.Connection:
    """Make a connection in a thread: the lookup of a host has no time limit of its own."""
    made: list[psycopg.Connection] = []
    failed: list[BaseException] = []
    ended = threading.Event()
    given_up = threading.Event()

    def run() -> None:
        try:
            connection = make()
            if given_up.is_set():
                connection.close()
            made.append(connection)
        except BaseException as error:  # noqa: BLE001  (raised again by the one who waits)
            failed.append(error)
        finally:
            ended.set()

    threading.Thread(target=run, name="hfs-connect", daemon=True).start()
    if not ended.wait(seconds):
        given_up.set()
        raise TimeoutError(f"no answer within {seconds:.0f} s")
    if failed:
        raise failed[0]
    return made[0]
