"""The one way to what is kept: turns, sessions, branches, search, import and export, upkeep."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from hfs_cli.errors import ConfigError, UsageError
from hfs_cli.messages import Call, Message, Opened, Reply, Session, Turn
from hfs_cli.naming import check_name
from hfs_cli.store import messages, sessions, turns
from hfs_cli.store.engine import Engine, LostError
from hfs_cli.store.sqlite.database import Database
from hfs_cli.store.sqlite.line import WAIT_S

if TYPE_CHECKING:
    from hfs_cli.config import Config
    from hfs_cli.conversations import (
        Branch,
        Checkpoint,
        Conversation,
        Imported,
        Incoming,
        KeptKey,
        SearchFilter,
        SearchHit,
        Tally,
    )
    from hfs_cli.store.archive import Archived
    from hfs_cli.store.statistics import Heading


class SessionStore:
    """Each method is one transaction around a function of this package; a context manager.

    Nothing is opened before the first call. Reading what does not exist yet sees an empty
    database and creates nothing. Every method may be called from any thread, holds no lock
    after it returns, and raises `StoreError` when the database cannot be used. What a turn
    does not need is loaded by the method that needs it.

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

    # --- turns (`hfs_cli.turn.run.Store`) -------------------------------------------------

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

    def peek(self, session_id: int, turn: Turn) -> Opened:
        """What a turn in a session would begin with, without keeping anything.

        Raises:
            NotFoundError: The session is gone.
        """
        with self._engine.reading() as db:
            return turns.peek(db, session_id, turn)

    def spill(self, opened: Opened, reply: Reply) -> str:
        """See `hfs_cli.turn.protocols.Keeper`."""
        from hfs_cli.store.spill import spill

        return spill(self._engine.spill_directory, opened, reply)

    # --- finding ----------------------------------------------------------------------

    def list_recent(
        self,
        *,
        limit: int | None = 20,
        since: datetime | None = None,
        model: str | None = None,
        query: str | None = None,
        unanswered: bool = False,
    ) -> list[Session]:
        """Sessions, the last used first.

        Args:
            limit: At most this many; None for all.
            since: Only those used at or after this moment.
            model: Only those whose last turn used it: ``provider/id`` or the id alone.
            query: Only those whose name holds this text (ASCII letters in either case).
            unanswered: Also those that never had a reply, after the others.
        """
        from hfs_cli.store import lists

        with self._engine.reading(once=True) as db:
            return lists.list_recent(db, limit, since, model, query, unanswered=unanswered)

    def count(
        self,
        *,
        since: datetime | None = None,
        model: str | None = None,
        query: str | None = None,
    ) -> int:
        """How many sessions `list_recent` would list without a limit."""
        from hfs_cli.store import lists

        with self._engine.reading(once=True) as db:
            return lists.count(db, since, model, query)

    def count_kept(self) -> int:
        """How many sessions there are in all: those set aside, too."""
        from hfs_cli.store import lists

        with self._engine.reading(once=True) as db:
            return lists.count_kept(db)

    def owners(self) -> list[str]:
        """Whose sessions there are, of those that may be seen."""
        from hfs_cli.store import lists

        with self._engine.reading() as db:
            return lists.owners(db)

    def exists(self) -> bool:
        """Whether there is a database: the first turn makes it."""
        return self._engine.exists()

    def resolve(self, ref: str) -> Session:
        """The one session that `ref` names: id, name, prefix of one name, ``@last~N``.

        Raises:
            NotFoundError: None does; the message has near names.
            AmbiguousError: Several do; the message lists them.
        """
        with self._engine.reading() as db:
            return sessions.resolve(db, ref)

    def find(self, name: str) -> Session | None:
        """The session of exactly this name or id, or None."""
        with self._engine.reading() as db:
            return sessions.find(db, name)

    def get(self, session_id: int) -> Session:
        """A session by its id.

        Raises:
            NotFoundError: There is none.
        """
        with self._engine.reading() as db:
            return sessions.get(db, session_id)

    def last_used(self) -> Session | None:
        """The session that ``-c`` continues, or None when there is none."""
        with self._engine.reading() as db:
            return next(iter(sessions.newest(db, 1)), None)

    def last_asked(self) -> Session:
        """The session whose newest question waits for its reply, or else the last used one.

        Raises:
            NotFoundError: There is no session.
        """
        with self._engine.reading() as db:
            return sessions.last_asked(db)

    def transcript(self, session_id: int) -> list[Message]:
        """A session's messages, oldest first."""
        with self._engine.reading() as db:
            return messages.transcript(db, session_id)

    def find_reply(self, sha256: str, since: datetime) -> Message | None:
        """The newest whole reply to a request that `note_request` noted, or None.

        Args:
            since: Older ones do not count.
        """
        from hfs_cli.store import requests

        with self._engine.reading() as db:
            return requests.find_reply(db, sha256, since)

    def older_than(self, moment: datetime, *, keep: int = 0) -> list[Session]:
        """Sessions last used, and tails set aside, before a moment; the oldest use first.

        Args:
            keep: Spare this many of the last used.
        """
        from hfs_cli.store import lists

        with self._engine.reading() as db:
            return lists.older_than(db, moment, keep)

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

    def note_request(self, message_id: int, sha256: str) -> None:
        """Write down which request a reply answered.

        Raises:
            StoreError: It cannot be written.
        """
        from hfs_cli.store import requests

        with self._engine.writing() as db:
            requests.note_request(db, message_id, sha256)

    def add_summary(self, session_id: int, reply: Reply, stands_for: int) -> int:
        """Keep a summary at the end of a session; its position.

        Args:
            session_id: The session.
            reply: The summary, with what it cost.
            stands_for: How many messages, from the first, it stands for.

        Raises:
            NotFoundError: The session, or what it stands for, is not there any more.
        """
        with self._engine.writing() as db:
            return turns.add_summary(db, session_id, reply, stands_for)

    def touch(self, session_id: int) -> Session:
        """Make a session the last used one, which ``-c`` continues.

        Raises:
            NotFoundError: There is none.
        """
        with self._engine.writing() as db:
            return sessions.touch(db, session_id)

    def rename(self, session_id: int, name: str) -> Session:
        """Give a session another name.

        Raises:
            NotFoundError: There is no such session.
            UsageError: The name cannot be used, or another session has it.
        """
        name = check_name(name)
        with self._engine.writing() as db:
            return sessions.rename(db, session_id, name)

    def delete(self, ids: Iterable[int]) -> int:
        """Delete sessions with all they hold; their forks keep what they shared.

        Returns:
            How many there were to delete.
        """
        from hfs_cli.store import deletion

        chosen = list(ids)
        if not chosen:
            # A transaction would make the database where there is none.
            return 0
        with self._engine.writing() as db:
            return deletion.delete(db, chosen)

    def going_with(self, ids: Iterable[int]) -> list[Session]:
        """What was set aside from sessions, and would be deleted with them."""
        from hfs_cli.store import deletion

        with self._engine.reading() as db:
            return deletion.going_with(db, ids)

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

    def tallies(self, by: Heading, *, since: datetime | None = None) -> list[Tally]:
        """Replies added up under each day, model or session, apart for each model.

        Args:
            by: ``day``, ``model`` or ``session``.
            since: Only replies that began at or after this moment.
        """
        from hfs_cli.store.statistics import tallies

        with self._engine.reading() as db:
            return tallies(db, by, since)

    # --- branches and checkpoints ------------------------------------------------------

    def fork(self, session_id: int, *, at: int | None = None, name: str | None = None) -> Session:
        """A new session that begins with another's messages, shared and not copied.

        Args:
            session_id: The session to fork.
            at: How many of its messages; None for all.
            name: The fork's name, or None for an automatic one.

        Raises:
            NotFoundError: The session, or that many messages, are not there.
            UsageError: The name cannot be used or is taken.
        """
        from hfs_cli.store import branches

        with self._engine.writing() as db:
            return branches.fork(db, session_id, at, name)

    def rewind(self, session_id: int, to: str) -> Session:
        """Let a session continue from an earlier point, or from one that was set aside.

        Args:
            session_id: The session.
            to: How many messages it keeps, or a checkpoint's name; the messages before one that
                went with a branch come back.

        Returns:
            The branch that holds what followed.

        Raises:
            NotFoundError: There is no such session, message or checkpoint.
            UsageError: The session ends there already.
        """
        from hfs_cli.store import branches

        with self._engine.writing() as db:
            return branches.rewind(db, session_id, to)

    def undo(self, session_id: int, turns: int = 1) -> Session:
        """Set a session's last turns aside.

        Returns:
            The branch that holds them.

        Raises:
            NotFoundError: There is no such session.
            UsageError: It does not have that many turns.
        """
        from hfs_cli.store import branches

        with self._engine.writing() as db:
            return branches.undo(db, session_id, turns)

    def family(self, session_id: int) -> list[Branch]:
        """All that a session is a branch of, or that is a branch of it; the oldest first.

        Raises:
            NotFoundError: There is no such session.
        """
        from hfs_cli.store import branches

        with self._engine.reading() as db:
            return branches.family(db, session_id)

    def checkpoints_of(self, session_id: int) -> tuple[Checkpoint, ...]:
        """A session's own checkpoints, by position; none if there is no such session."""
        from hfs_cli.store import checkpoints

        with self._engine.reading() as db:
            return checkpoints.of(db, session_id)

    def create_checkpoint(self, session_id: int, label: str | None = None) -> Checkpoint:
        """Mark the end of a session by a name, or by a number of its own ("c1").

        Raises:
            NotFoundError: There is no such session.
            UsageError: It is empty, or the name cannot be used or is taken.
        """
        from hfs_cli.store import checkpoints

        with self._engine.writing() as db:
            return checkpoints.create(db, session_id, label)

    def delete_checkpoint(self, session_id: int, label: str) -> None:
        """Delete a named checkpoint.

        Raises:
            NotFoundError: The session has none of this name.
        """
        from hfs_cli.store import checkpoints

        with self._engine.writing() as db:
            checkpoints.delete(db, session_id, label)

    # --- moving and keeping up ---------------------------------------------------------

    def archived(self) -> Archived:
        """The sessions, as an archive of pages reads them."""
        from hfs_cli.store.archive import Archived

        return Archived(self._engine)

    def conversations(
        self,
        ids: Iterable[int] | None = None,
        *,
        tails: bool = True,
        since: datetime | None = None,
    ) -> Generator[Conversation]:
        """Sessions as they travel, one by one.

        They are read as they are asked for, from one moment's view: close the generator
        when it is not read to its end.

        Args:
            ids: Which, or None for all.
            tails: With the tails that were set aside from them.
            since: Of these only what was used at or after a moment, and with `tails` what that is
                a branch of, too.
        """
        from hfs_cli.store.transfer import conversations

        with self._engine.reading() as db:
            yield from conversations(db, ids, tails=tails, since=since)

    def put(
        self,
        incoming: Iterable[Incoming],
        *,
        in_order: bool = True,
        dry_run: bool = False,
        restore: bool = False,
        broken: Callable[[str], None] | None = None,
        waiting: Callable[[], None] = lambda: None,
    ) -> Imported:
        """Bring in what is new of conversations: all of it, or nothing.

        A session that is the beginning of the one that arrives goes on with it; where it has gone
        another way, what arrives becomes a branch. Names stay as they are here.

        Others write in between: it is many short transactions, and nothing is shown before the
        last one. No lock is held while a conversation is read.

        Args:
            incoming: Parents and branches, in any order. In lists they stand below every session
                that was used here.
            in_order: They come in the order of their use; else their times tell.
            dry_run: Only look whether they could come in; nothing is written.
            restore: Bring back what was deleted here, too.
            broken: Called with the error of each that cannot be kept, which is then passed over;
                None refuses the whole.
            waiting: Called once, when another import has to end first.

        Raises:
            UsageError: One of them cannot be kept.
        """
        from hfs_cli.store import incoming as arriving

        if dry_run:
            nowhere = arriving.Nowhere(self._engine, restore=restore)
            return arriving.receive(nowhere, incoming, broken=broken)
        with self._engine.importing(waiting):
            arriving.take_back(self._engine)
            with arriving.Import(self._engine, in_order=in_order, restore=restore) as place:
                done = arriving.receive(place, incoming, broken=broken)
                place.finish(done)
        return done

    def back_up(self, target: Path) -> None:
        """Copy the database to a new private file, also while others write to it.

        Raises:
            UsageError: There is something of that name.
            StoreError: There is no database yet, it is damaged, or the copy cannot be written.
        """
        self._engine.back_up(target)

    def kept_keys(self, session_id: int | None = None) -> list[KeptKey]:
        """Where keys and tokens of the big vendors stand in what is kept.

        Args:
            session_id: Only in its transcript, with what was set aside from it; None for all.
        """
        from hfs_cli.store import redact

        with self._engine.reading() as db:
            found = [key for key, _ in redact.keys(db, session_id)]
        return found + [
            key for _, key in redact.spilled_keys(self._engine.spill_directory, session_id)
        ]

    def redact(
        self, session_id: int | None = None, waiting: Callable[[], None] = lambda: None
    ) -> list[KeptKey]:
        """Put the name of its kind in the place of each key, and see that none can be read again.

        Many short transactions: where it is broken off, the rest is found the next time. The
        database is written anew in the end, whether or not anything was found.

        Args:
            session_id: As of `kept_keys`.
            waiting: Called once, when an import has to end first.

        Returns:
            What was replaced.

        Raises:
            StoreError: It cannot be written, or another process reads what was there before.
        """
        from hfs_cli.store import redact
        from hfs_cli.store.incoming import take_back

        if not self._engine.exists():
            return redact.redact_spilled(self._engine.spill_directory, session_id)
        with self._engine.importing(waiting):
            take_back(self._engine)
            with self._engine.reading() as db:
                found = redact.keys(db, session_id)
            for some in redact.portions(place for _, place in found):
                with self._engine.staging() as db:
                    redact.take_out(db, some)
            spilled = redact.redact_spilled(self._engine.spill_directory, session_id)
            self._engine.forget()
        return [key for key, _ in found] + spilled

    def vacuum(self, waiting: Callable[[], None] = lambda: None) -> int:
        """Shrink the file to what it holds, without what imports that were killed have left.

        Args:
            waiting: Called once, when an import has to end first.

        Returns:
            The bytes gained.
        """
        from hfs_cli.store.deleted import forget_old
        from hfs_cli.store.incoming import take_back

        if not self._engine.exists():
            return 0
        with self._engine.importing(waiting):
            take_back(self._engine)
            with self._engine.staging() as db:
                forget_old(db)
            return self._engine.vacuum()


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
        directory: Where a reply is kept that a server would not take.
        password: Gives the server's, where neither its address nor the environment does.
        owner: Who acts on a server; who is logged in on this machine by default.
        every: Everybody's sessions are looked at there.

    Raises:
        ConfigError: What speaks to servers is not installed.
    """
    if isinstance(where, Path):
        return Database(where)
    from hfs_cli.config.database import login_name, without_password

    try:
        from hfs_cli.store.postgres.database import Postgres
    except ImportError as error:  # also where it is there without libpq
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
