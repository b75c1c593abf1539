"""What an engine gives the store: a `Connection`, an `Engine`, and its own migrations.

`store/sqlite/` and `store/postgres/` are the engines; the rest of the store fits either. Queries
are Peewee's, which writes them for the engine at hand. Building one takes ten times as long as
running it, so those of a turn and those run in a loop are built once (`statement`).
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

# Seconds to wait for other writers, and how long a wait goes on after a signal: a user who presses
# Ctrl-C wants to leave within a second.
WAIT_S = 30.0
LEAVE_S = 0.5

# A row as it was read: `hfs_cli.store.rows` makes a value of it before it goes anywhere.
Row: TypeAlias = tuple[Any, ...]
P = ParamSpec("P")
# A query of Peewee's: a Select, an Update or a Delete.
Q = TypeVar("Q", bound=Any)


class BadRow(Exception):
    """A row that hfs did not write: somebody else did, or the file is damaged."""


class LostError(StoreError):
    """The connection to a server ended in the middle of a transaction, which then did nothing."""


LOCKED = "is locked by another program: try again when it has finished"


def refuses(database: object, said: str) -> StoreError:
    """The error for a change that a rule of the tables does not allow.

    Args:
        database: How errors call it.
        said: What the engine said.
    """
    return StoreError(
        f"the database {database} refuses the change ({said}): "
        "see what is wrong with it: hfs db check"
    )


def made_by_newer(database: object, version: int, known: int, variable: str) -> StoreError:
    """The error for a database that a newer hfs has made.

    Args:
        database: How errors call it.
        version: How many migrations it has had.
        known: How many this hfs has.
        variable: What names another database.
    """
    return StoreError(
        f"the database {database} was made by a newer hfs (schema {version}, this one knows"
        f" {known}): upgrade hfs, or {variable}=... for another"
    )


Owners: TypeAlias = Literal["one", "every"]
# The indexes of words: each has its words in a table of this name and ``_words``.
Indexed: TypeAlias = Literal["message", "call", "session"]


class ByOwners(WrappedNode):
    """A part of a query that depends on whose rows the query sees.

    Args:
        otherwise: The part where none of the others is given; and in a file, whose rows have no
            owner, so that no query pays for one.
        one: The part where one owner's rows are seen.
        every: The part where everybody's rows are seen.
    """

    def __init__(
        self, otherwise: Node, *, one: Node | None = None, every: Node | None = None
    ) -> None:
        super().__init__(otherwise)
        self._nodes = {"one": one, "every": every}

    def __sql__(self, ctx: Any) -> Any:  # noqa: ANN401  (Peewee's own are without types)
        node = self._nodes.get(ctx.state.owners)
        return ctx.sql(self.node if node is None else node)


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
    """Whose rows queries see: ``one`` owner's or ``every`` owner's; None where rows have none."""

    own_sessions = ""
    """The same for a session `s`, as SQL to append to a condition: " AND ..."."""

    frees_attachments = False
    """Whether the engine itself drops an attachment's bytes with the last message that has them."""

    if TYPE_CHECKING:  # Peewee's own are without types

        def execute(self, query: Node, **_: object) -> Cursor: ...  # noqa: D102
        def connection(self) -> Any: ...  # noqa: D102, ANN401  (the driver's own)
        def execute_sql(self, sql: str, params: Sequence[object] = ()) -> Cursor: ...  # noqa: D102

    @abstractmethod
    def index(self, of: Indexed, number: int, text: str) -> None:
        """Index the words of a text.

        Args:
            of: What the text is: a message that has become complete, a call that has its result
                (`hfs_cli.store.words.of_call`), or the name of a session.
            number: The id of its row.
        """

    def index_many(
        self, of: Literal["message", "session"], texts: Iterable[tuple[int, str]]
    ) -> None:
        """Index the texts of many rows that are kept, in order of their ids."""
        for number, text in texts:
            self.index(of, number, text)

    @abstractmethod
    def unindex(self, of: Indexed, number: int, text: str) -> None:
        """Remove a text from the index, before it changes or is deleted."""

    @abstractmethod
    def unindex_messages(self, session_id: int) -> None:
        """Remove a session's own messages and calls from the index, before they are deleted."""

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
