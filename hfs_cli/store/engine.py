"""What an engine gives the store: `store/sqlite/` is the first, and the rest fits any.

A second engine is one more room like it: a `Connection`, an `Engine`, and its migrations.
Queries are Peewee's, which writes them for the engine at hand; building one takes ten times as
long as running it, so those of a turn and those run in a loop are built once (`statement`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import wraps
from inspect import signature
from operator import itemgetter
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Literal,
    ParamSpec,
    Protocol,
    TypeAlias,
    TypeVar,
    cast,
)

from peewee import ColumnBase, Database, Field, Function, Model, Node, Value, WrappedNode, fn

from hfs_cli.errors import StoreError

if TYPE_CHECKING:
    from hfs_cli.conversations import SearchFilter, SearchHit

# A row as it was read: `hfs_cli.store.rows` makes a value of it before it goes anywhere.
Row: TypeAlias = tuple[Any, ...]
P = ParamSpec("P")
# A query of Peewee's: a Select, an Update or a Delete.
Q = TypeVar("Q", bound=Any)


class BadRow(Exception):
    """A row that hfs did not write: somebody else did, or the file is damaged."""


class LostError(StoreError):
    """The connection to a server ended in the middle of a transaction, which then did nothing."""


Owners: TypeAlias = Literal["one", "every"]


class ByOwners(WrappedNode):
    """What a query says as far as it depends on whose rows it is to see.

    Args:
        otherwise: What it says where neither of the two is said: in a file, above all, where rows
            have no owner and nobody is to pay for one.
        one: What it says where one owner's are seen.
        every: What it says where everybody's are.
    """

    def __init__(
        self, otherwise: Node, *, one: Node | None = None, every: Node | None = None
    ) -> None:
        super().__init__(otherwise)
        self._said = {"one": one, "every": every}

    def __sql__(self, ctx: Any) -> Any:  # noqa: ANN401  (Peewee's own are without types)
        said = self._said.get(ctx.state.owners)
        return ctx.sql(self.node if said is None else said)


class _ActingOwner(ColumnBase):
    """The owner on whose behalf hfs acts, as the engine writes it in SQL."""

    def __sql__(self, ctx: Any) -> Any:  # noqa: ANN401
        return ctx.sql(ctx.state.acting_owner)


def own(condition: ColumnBase, table: Any) -> ByOwners:  # noqa: ANN401  (a table or its alias)
    """A condition that only the acting owner's rows meet; in a file, the condition alone.

    Args:
        table: The table of the rows, or its alias; it has a column `owner`.
    """
    return ByOwners(condition, one=condition & (table.owner == _ActingOwner()))


def only_own(db: Connection, query: Q, table: type[Model]) -> Q:
    """A query narrowed to the acting owner's rows; in a file, the query itself.

    Args:
        query: One without a condition, so that `own` has nothing to add to.
    """
    if db.owners != "one":
        return query
    owner: Any = table
    narrowed: Q = query.where(owner.owner == _ActingOwner())
    return narrowed


class Cursor(Protocol):
    """What a driver answers (PEP 249)."""

    rowcount: int

    def __iter__(self) -> Iterator[Row]:
        """The rows, as they come."""
        ...

    def fetchone(self) -> Row | None:
        """The next row, or None after the last."""
        ...


class Connection(Database, ABC):
    """Peewee's database, with what each engine does in its own way.

    Full-text search is one of these things: a message is indexed in the transaction that
    completes it, and a name whenever it changes.
    """

    owners: Owners | None = None
    """Whose rows queries see: ``one`` owner's, or ``every`` one's; None where none has an owner."""

    own_sessions = ""
    """The same of a session `s`, as a condition that goes on with AND."""

    frees_attachments = False
    """Whether the bytes of an attachment go by themselves with the last message that has them."""

    if TYPE_CHECKING:  # Peewee's own are without types

        def execute(self, query: Node, **_: object) -> Cursor: ...  # noqa: D102
        def connection(self) -> Any: ...  # noqa: D102, ANN401  (the driver's own)
        def execute_sql(self, sql: str, params: Sequence[object] = ()) -> Cursor: ...  # noqa: D102

    @abstractmethod
    def index_message(self, message_id: int, content: str) -> None:
        """Index a message that has become complete."""

    @abstractmethod
    def unindex_message(self, message_id: int, content: str) -> None:
        """Take a complete message out of the index, before it is deleted."""

    @abstractmethod
    def unindex_messages(self, session_id: int) -> None:
        """Remove a session's own messages and calls from the index, before they are deleted."""

    @abstractmethod
    def index_call(self, call_id: int) -> None:
        """Index a call that has its result: its tool, arguments and result."""

    @abstractmethod
    def unindex_call(self, call_id: int) -> None:
        """Take a call out of the index, before its result changes."""

    @abstractmethod
    def index_name(self, session_id: int, name: str) -> None:
        """Index a session's name."""

    def index_names(self, names: Iterable[tuple[int, str]]) -> None:
        """Index the names of many sessions."""
        for session_id, name in names:
            self.index_name(session_id, name)

    @abstractmethod
    def unindex_name(self, session_id: int, name: str) -> None:
        """Take a session's name out of the index, before it changes or goes."""

    @abstractmethod
    def forget_words(self) -> None:
        """Empty the indexes, before everything is deleted."""

    def insert_many(self, table: type[Model], columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Insert many rows at once, in a tenth of the time that one by one takes.

        Args:
            columns: The names of the rows' values, in their order; at least two.
        """
        key = (type(self), table, tuple(columns))
        if key not in _inserts:
            slots: Any = {name: Value(_Slot(n), converter=False) for n, name in enumerate(columns)}
            sql, order = self.get_sql_context().sql(table.insert(**slots)).query()
            _inserts[key] = sql, itemgetter(*order)
        sql, in_order = _inserts[key]
        self.connection().executemany(sql, map(in_order, rows))

    def index_messages(self, texts: Iterable[tuple[int, str]]) -> None:
        """Index many messages that are complete and kept, by rising numbers."""
        for message_id, content in texts:
            self.index_message(message_id, content)

    def first_free(self, table: type[Model]) -> int:
        """The first of the ids that are free until the transaction ends: above every row's."""
        number = table._meta.primary_key  # noqa: SLF001  (Peewee's documented way)
        row = self.execute(table.select(fn.COALESCE(fn.MAX(number), 0) + 1)).fetchone()
        assert row is not None
        return int(row[0])

    @abstractmethod
    def local_day(self, microseconds: Field[int]) -> Function:
        """A kept time as a day of the user's own time zone, ``2026-11-22``."""


class Engine(Protocol):
    """A database, which is opened when it is first needed.

    Every method raises `StoreError` when the database cannot be used.
    """

    spill_directory: Path
    """Where a reply is kept that could not be written."""

    def reading(self, *, once: bool = ...) -> AbstractContextManager[Connection]:
        """A consistent view, which blocks nobody and waits for nobody.

        Args:
            once: The block runs a single statement, and no other transaction.
        """
        ...

    def writing(
        self, wait_s: float = ..., *, durable: bool = True
    ) -> AbstractContextManager[Connection]:
        """A transaction that holds the write lock from its start.

        Args:
            wait_s: Seconds to wait for other writers.
            durable: Reach the disk before the lock is released. Otherwise a power cut may undo
                it, though no kill does, and nobody waits for the disk.
        """
        ...

    def staging(self) -> AbstractContextManager[Connection]:
        """One of many transactions, which the last of them, in `writing`, makes durable."""
        ...

    def importing(self, waiting: Callable[[], None]) -> AbstractContextManager[None]:
        """Be the only import that runs; the database is made where there is none.

        Args:
            waiting: Called once, if another import has to end first.
        """
        ...

    def ask(self, session_id: int) -> None:
        """Note that this process waits for a session's first reply, until `answered` or its end.

        Where nothing can be locked nothing is noted: the name then goes to the next who asks.
        """
        ...

    def answered(self, session_id: int) -> None:
        """Note that this process no longer waits for a session's first reply, if it did."""
        ...

    def is_asked(self, session_id: int) -> bool:
        """Whether any process waits for a session's first reply; one that was killed does not."""
        ...

    def exists(self) -> bool:
        """Whether there is anything to read."""
        ...

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        ...

    def search(
        self, text: str, asked: SearchFilter | None, *, limit: int, raw: bool
    ) -> list[SearchHit]:
        """As `SessionStore.search`."""
        ...

    def problems(self) -> list[str]:
        """As `SessionStore.check`."""
        ...

    def exposed(self) -> list[str]:
        """As `SessionStore.exposed`."""
        ...

    def back_up(self, target: Path) -> None:
        """As `SessionStore.back_up`."""
        ...

    def vacuum(self) -> int:
        """As `SessionStore.vacuum`."""
        ...

    def forget(self) -> None:
        """Leave nothing in its files of what was changed or deleted so far.

        Raises:
            StoreError: Another process still reads what was there before.
        """
        ...


def statement(build: Callable[P, Node]) -> Callable[Concatenate[Connection, P], Cursor]:
    """A query that is built once for each engine, and run with other values each time.

        @statement
        def _named(name: str) -> Select:
            return CheckpointRow.select(ALL).where(CheckpointRow.label == name)

        rows = list(_named(db, "notes"))

    Args:
        build: Builds the query from its arguments, which are stand-ins for values. It runs once for
            each engine, so it must not depend on anything else.
    """
    count = len(signature(build).parameters)
    built: dict[tuple[type[Connection], Owners | None], tuple[str, list[object]]] = {}

    @wraps(build)
    def run(db: Connection, *values: P.args, **_: P.kwargs) -> Cursor:
        kind = (type(db), db.owners)
        if kind not in built:
            # converter=False: Peewee would look for a number where a stand-in is.
            stand_ins: Any = [Value(_Slot(n), converter=False) for n in range(count)]
            query = cast("Callable[..., Node]", build)(*stand_ins)
            built[kind] = db.get_sql_context().sql(query).query()
        sql, parameters = built[kind]
        return db.execute_sql(sql, [values[p] if isinstance(p, _Slot) else p for p in parameters])

    return cast("Callable[Concatenate[Connection, P], Cursor]", run)


# The statements of `insert_many`, and for each what puts a row's values in its order.
_inserts: dict[
    tuple[type[Connection], type[Model], tuple[str, ...]], tuple[str, Callable[[Row], Row]]
] = {}


class _Slot(int):
    """The place of a value among a statement's arguments."""

    __slots__ = ()
