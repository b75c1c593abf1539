"""The one way to what is kept: turns, sessions, branches, search, import and export, upkeep."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypeAlias, TypeVar

from hfs_cli.errors import ConfigError, UsageError
from hfs_cli.messages import Call, Opened, Reply, Turn
from hfs_cli.store import messages, sessions, turns
from hfs_cli.store.engine import WAIT_S, Connection, Engine, LostError
from hfs_cli.store.sqlite.database import Database

if TYPE_CHECKING:
    from hfs_cli.config import Config
    from hfs_cli.conversations import SearchFilter, SearchHit
    from hfs_cli.store import (
        archive,
        branches,
        checkpoints,
        deletion,
        lists,
        redaction,
        requests,
        statistics,
        transfer,
        upkeep,
    )
    from hfs_cli.store.incoming import receive
else:

    class _Later:
        """A module of this package, which is loaded when one of its functions is first called."""

        def __init__(self, name: str) -> None:
            self._name = f"hfs_cli.store.{name}"

        def __getattr__(self, function: str) -> Callable[..., object]:
            def call(*args: object, **named: object) -> object:
                return getattr(import_module(self._name), function)(*args, **named)

            return call

    archive, branches, checkpoints = map(_Later, ("archive", "branches", "checkpoints"))
    deletion, lists, receive = map(_Later, ("deletion", "lists", "incoming.receive"))
    redaction, requests, statistics = map(_Later, ("redaction", "requests", "statistics"))
    transfer, upkeep = map(_Later, ("transfer", "upkeep"))

P = ParamSpec("P")
T = TypeVar("T")
Work: TypeAlias = Callable[Concatenate[Connection, P], T]
Method: TypeAlias = "Callable[Concatenate[SessionStore, P], T]"


def _reading(work: Work[P, T], *, once: bool = False) -> Method[P, T]:
    """A method that runs a function of this package in a transaction which only reads.

    Args:
        once: The function runs a single statement: see `Engine.reading`.
    """

    def method(self: SessionStore, /, *args: P.args, **named: P.kwargs) -> T:
        with self._engine.reading(once=once) as db:
            return work(db, *args, **named)

    return method


def _writing(work: Work[P, T]) -> Method[P, T]:
    """A method that runs a function of this package in a transaction which writes."""

    def method(self: SessionStore, /, *args: P.args, **named: P.kwargs) -> T:
        with self._engine.writing() as db:
            return work(db, *args, **named)

    return method


def _of_engine(work: Callable[Concatenate[Engine, P], T]) -> Method[P, T]:
    """A method that leaves it to a function of this package when transactions begin and end."""
    return lambda self, /, *args, **named: work(self._engine, *args, **named)


class SessionStore:
    """Each method is one transaction around a function of this package; a context manager.

    Where a method is a single line, the function says what it does and which errors it raises.

    Nothing is opened before the first call. A database that does not exist yet is read as an
    empty one, and is not created by that. Every method may be called from any thread, holds no
    lock after it returns, and raises `StoreError` when the database cannot be used. Modules that a
    turn does not need are loaded when one of their functions is called.

    Args:
        where: A file of SQLite's, or another engine.
        checkpoint_retention: How many automatic checkpoints a session keeps.
    """

    def __init__(self, where: Path | Engine, *, checkpoint_retention: int = 10) -> None:
        self._engine: Engine = Database(where) if isinstance(where, Path) else where
        self._retention = checkpoint_retention
        # The row of each reply that is being written, by the question it answers and its step.
        self._replies: dict[tuple[int, int], int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._engine.close()

    # --- turns (`hfs_cli.turn.protocols.Store`) -------------------------------------------------

    def begin(self, turn: Turn) -> Opened:
        """See `hfs_cli.turn.protocols.Store`."""
        with self._engine.writing() as db:
            opened = turns.begin(db, turn, self._engine.is_asked)
            # Within the transaction, so that nobody can see the name and take it for free. Names
            # that were made up are nobody's wish.
            is_chosen = turn.place.name is not None or turn.place.session_id is not None
            if is_chosen and opened.session is not None and opened.session.unanswered:
                self._engine.ask(opened.session.id)
        # When a question is answered again, the new reply gets rows of its own.
        for key in [key for key in self._replies if key[0] == opened.user_message_id]:
            del self._replies[key]
        return opened

    def save_reply(self, opened: Opened, reply: Reply, wait_s: float = WAIT_S) -> int | None:
        """See `hfs_cli.turn.protocols.Keeper`; each step of a turn with tools has a row."""
        if opened.user_message_id is None:
            return None
        at = self._rows(opened.user_message_id, reply.step)
        deadline = time.monotonic() + wait_s
        while True:
            try:
                with self._engine.writing(wait_s) as db:
                    saved = turns.save_reply(db, opened, reply, at, self._retention)
                break
            except LostError:
                # A server that was restarted meanwhile is to have the reply all the same.
                if time.monotonic() > deadline:
                    raise
        # Not before: a transaction that fails to commit leaves no row behind.
        self._replies[opened.user_message_id, reply.step] = saved
        if opened.session is not None:
            self._engine.answered(opened.session.id)
        return saved

    def _rows(self, question_id: int, step: int) -> turns.Rows:
        known = self._replies.get((question_id, step))
        return turns.Rows(known, self._replies.get((question_id, step - 1), question_id))

    def save_piece(self, opened: Opened, piece: Reply, wait_s: float = WAIT_S) -> None:
        """See `hfs_cli.turn.protocols.Keeper`."""
        if opened.user_message_id is None:
            return
        at = self._rows(opened.user_message_id, piece.step)
        with self._engine.writing(wait_s, durable=False) as db:
            saved = turns.save_piece(db, opened, piece, at)
        self._replies[opened.user_message_id, piece.step] = saved

    def save_call(
        self, message_id: int | None, position: int, call: Call, wait_s: float = WAIT_S
    ) -> None:
        """See `hfs_cli.turn.protocols.Keeper`."""
        if message_id is not None:
            with self._engine.writing(wait_s, durable=False) as db:
                turns.save_call(db, message_id, position, call)

    peek = _reading(turns.peek)

    def spill(self, opened: Opened, reply: Reply) -> str:
        """See `hfs_cli.turn.protocols.Keeper`."""
        from hfs_cli.store.spill import spill

        return spill(self._engine.spill_directory, opened, reply)

    # --- finding ----------------------------------------------------------------------

    list_recent = _reading(lists.list_recent, once=True)
    count = _reading(lists.count, once=True)
    count_kept = _reading(lists.count_kept, once=True)
    owners = _reading(lists.owners)
    older_than = _reading(lists.older_than)
    resolve = _reading(sessions.resolve)
    find = _reading(sessions.find)
    get = _reading(sessions.get)
    in_order_of_use = _reading(sessions.in_order_of_use)
    last_used = _reading(sessions.last_used)
    last_asked = _reading(sessions.last_asked)
    transcript = _reading(messages.transcript)
    find_reply = _reading(requests.find_reply)

    def exists(self) -> bool:
        """Whether there is a database: the first turn makes it."""
        return self._engine.exists()

    def check(self) -> list[str]:
        """What is wrong with the database; empty when all is well."""
        return self._engine.problems()

    def exposed(self) -> list[str]:
        """Which of the database's files other users can read, and how to change that."""
        return self._engine.exposed()

    # --- changing ---------------------------------------------------------------------

    def note_refusal(self, session_id: int, why: str) -> None:
        """Record why a session's last question has no reply, which frees the session's name.

        Raises:
            StoreError: It cannot be written.
        """
        with self._engine.writing() as db:
            turns.note_refusal(db, session_id, why)
        self._engine.answered(session_id)

    note_request = _writing(requests.note_request)
    add_summary = _writing(turns.add_summary)
    touch = _writing(sessions.touch)
    rename = _writing(sessions.rename)
    going_with = _reading(deletion.going_with)

    def delete(self, ids: Iterable[int]) -> int:
        """Delete sessions; see `deletion.delete`."""
        chosen = list(ids)
        # A transaction would make the database where there is none.
        return self._delete(chosen) if chosen else 0

    _delete = _writing(deletion.delete)

    # --- history as data ---------------------------------------------------------------

    def search(
        self,
        text: str,
        asked: SearchFilter | None = None,
        *,
        limit: int = 20,
        raw: bool = False,
    ) -> list[SearchHit]:
        """Messages and names that hold all the words of `text`, the best first.

        Args:
            text: Plain words; those between double quotes stay together.
            asked: What a message must be to be found; None for any.
            limit: At most this many.
            raw: `text` is an FTS5 query instead.

        Raises:
            UsageError: There is no word in it, or the query is not FTS5 syntax.
        """
        return self._engine.search(text, asked, limit=limit, raw=raw)

    tallies = _reading(statistics.tallies)

    # --- branches and checkpoints ------------------------------------------------------

    fork = _writing(branches.fork)
    rewind = _writing(branches.rewind)
    undo = _writing(branches.undo)
    family = _reading(branches.family)
    checkpoints_of = _reading(checkpoints.of)
    create_checkpoint = _writing(checkpoints.create)
    delete_checkpoint = _writing(checkpoints.delete)

    # --- moving and keeping up ---------------------------------------------------------

    archived = _of_engine(archive.Archived)
    conversations = _of_engine(transfer.conversations)
    put = _of_engine(receive.put)
    kept_keys = _of_engine(redaction.kept_keys)
    redact = _of_engine(redaction.redact)
    vacuum = _of_engine(upkeep.vacuum)

    def back_up(self, target: Path) -> None:
        """Copy the database to a new private file, also while others write to it.

        Raises:
            UsageError: There is something of that name.
            StoreError: There is no database yet, it is damaged, or the copy cannot be written.
        """
        self._engine.back_up(target)


def engine_at(
    where: Path | str,
    directory: Path,
    password: Callable[[], str | None] = lambda: None,
    *,
    owner: str | None = None,
    every: bool = False,
) -> Engine:
    """The engine of a database.

    Args:
        where: A file of SQLite's, or the address of a PostgreSQL database.
        directory: Where a reply is kept that a server does not take.
        password: Returns the password, where neither the address nor the environment has one.
        owner: The acting owner on a server; by default who is logged in on this machine.
        every: Everybody's sessions are seen on a server.

    Raises:
        ConfigError: The driver for servers is not installed.
    """
    if isinstance(where, Path):
        return Database(where)
    from hfs_cli.config.database import login_name, without_password

    try:
        from hfs_cli.store.postgres.database import Postgres
    except ImportError as error:  # of the driver, or of the libpq that it needs
        if "psycopg" not in f"{error.name} {error}" and "pq" not in str(error):
            raise
        from hfs_cli.extras import how_to_add

        raise ConfigError(
            f"a database on a server needs another package: {how_to_add('postgres')}"
        ) from error
    return Postgres(
        where,
        shown=without_password(where),
        directory=directory,
        password=password,
        owner=login_name if owner is None else lambda: owner,
        every=every,
    )


def open_store(config: Config, where: Path | str | None = None) -> SessionStore:
    """The store that a configuration names; to be closed, or used as a context manager.

    Args:
        where: Another database, for which the configuration's command gives no password.

    Raises:
        UsageError: One owner's sessions were asked for, or everybody's, and it is a file.
    """
    at = where or config.sessions_at
    asked = "--all-owners" if config.all_owners else config.origins.get("user", "")
    if isinstance(at, Path) and asked.startswith("--"):
        raise UsageError(f"{at} is a file, in which all sessions are yours: leave out {asked}")
    password = partial(_password, config) if at == config.sessions_at else lambda: None
    engine = engine_at(at, config.data_dir, password, owner=config.user, every=config.all_owners)
    return SessionStore(engine, checkpoint_retention=config.checkpoint_retention)


def _password(config: Config) -> str | None:
    if config.database_cmd is None:
        return None
    from hfs_cli.config.keys import command_output

    return command_output(config.database_cmd, "database_cmd")
