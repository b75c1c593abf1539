"""What is done with kept conversations: find words, go other ways, move, count, keep up."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hfs_cli.messages import Session
from hfs_cli.store import branches, checkpoints, lists, rows, session_rows
from hfs_cli.store.sqlite import upkeep
from hfs_cli.store.sqlite.database import Database
from hfs_cli.store.statistics import Heading, tallies

if TYPE_CHECKING:
    from hfs_cli.conversations import (
        Branch,
        Checkpoint,
        Conversation,
        Imported,
        SearchFilter,
        SearchHit,
        Tally,
    )


class _TakenBack(Exception):
    """The way out of a dry run's transaction: what it wrote goes."""


class Archive:
    """History as data; `hfs_cli.store.store.SessionStore` adds turns and sessions.

    Every method raises `StoreError` when the database cannot be used.

    Args:
        database: Where it is kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

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
            asked: What a found message must be; None for any.
            limit: At most this many.
            raw: `text` is an FTS5 query instead.

        Raises:
            UsageError: There is no word in it, or the query is not FTS5 syntax.
        """
        from hfs_cli.store.sqlite.search import search

        with self._database.reading() as db:
            return search(db, text, asked, limit=limit, raw=raw)

    def tallies(self, by: Heading, *, since: datetime | None = None) -> list[Tally]:
        """Replies added up under each day, model or session, apart for each model.

        Args:
            by: ``day``, ``model`` or ``session``.
            since: Only replies begun at or after this moment.
        """
        with self._database.reading() as db:
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
        with self._database.writing() as db:
            forked = branches.fork(db, session_id, at, name)
            return rows.session(session_rows.session_row(db, forked))

    def rewind(self, session_id: int, to: str) -> Session:
        """Let a session continue from an earlier point.

        Args:
            session_id: The session.
            to: How many messages it keeps, or a checkpoint's name.

        Returns:
            The branch that holds what followed.

        Raises:
            NotFoundError: There is no such session, message or checkpoint.
            UsageError: The session ends there already.
        """
        with self._database.writing() as db:
            keep = checkpoints.position_of(db, session_id, to)
            branch = branches.set_aside(db, session_id, keep, "rewind")
            return rows.session(session_rows.session_row(db, branch))

    def undo(self, session_id: int, turns: int = 1) -> Session:
        """Set a session's last turns aside.

        Returns:
            The branch that holds them.

        Raises:
            NotFoundError: There is no such session.
            UsageError: It does not have that many turns.
        """
        with self._database.writing() as db:
            branch = branches.undo(db, session_id, turns)
            return rows.session(session_rows.session_row(db, branch))

    def family(self, session_id: int) -> list[Branch]:
        """All that a session is a branch of, or that is a branch of it; the oldest first.

        Raises:
            NotFoundError: There is no such session.
        """
        with self._database.reading() as db:
            return branches.family(db, session_id)

    def checkpoints_of(self, session_id: int) -> tuple[Checkpoint, ...]:
        """A session's own checkpoints, by position; none if there is no such session."""
        with self._database.reading() as db:
            return checkpoints.of(db, session_id)

    def create_checkpoint(self, session_id: int, label: str | None = None) -> Checkpoint:
        """Mark the end of a session by a name, or by a number of its own ("c1").

        Raises:
            NotFoundError: There is no such session.
            UsageError: It is empty, or the name cannot be used or is taken.
        """
        with self._database.writing() as db:
            return checkpoints.create(db, session_id, label)

    def delete_checkpoint(self, session_id: int, label: str) -> None:
        """Delete a named checkpoint.

        Raises:
            NotFoundError: The session has none of this name.
        """
        with self._database.writing() as db:
            checkpoints.delete(db, session_id, label)

    # --- moving and keeping up ---------------------------------------------------------

    def conversations(
        self, ids: Iterable[int] | None = None, *, tails: bool = True
    ) -> Generator[Conversation]:
        """Sessions as they travel, one by one.

        They are read as they are asked for, from one moment's view: close the generator
        when it is not read to its end.

        Args:
            ids: Which, or None for all.
            tails: With the tails that were set aside from them.
        """
        from hfs_cli.store.transfer import conversations

        with self._database.reading() as db:
            yield from conversations(db, ids, tails=tails)

    def put(self, incoming: Iterable[Conversation], *, dry_run: bool = False) -> Imported:
        """Insert conversations that are not there yet: all of them, or none.

        Args:
            incoming: Parents and branches, in any order; the oldest use first. In lists they
                stand below every session that was used here.
            dry_run: Try it and take it back; where there is no database, none is made.

        Raises:
            UsageError: One of them cannot be kept.
        """
        from hfs_cli.store.transfer import put

        # No savepoint: on a full disk SQLite takes all of the transaction back by itself, and
        # ending a savepoint that is gone would hide why.
        nowhere = dry_run and not self._database.exists()
        try:
            # Reading what does not exist is an empty database in memory, as good to try in.
            with self._database.reading() if nowhere else self._database.writing() as db:
                done = put(db, incoming)
                if dry_run:
                    raise _TakenBack
        except _TakenBack:
            pass
        return done

    def prunable(self, moment: datetime, *, keep: int = 0) -> list[Session]:
        """What `hfs sessions prune` lets go, the oldest use first; tails come before.

        Args:
            moment: Used, and set aside, before it.
            keep: Spare this many of the last used.
        """
        with self._database.reading() as db:
            return lists.prunable(db, moment, keep)

    def back_up(self, target: Path) -> None:
        """Copy the database to a new private file, also while others write to it.

        Raises:
            UsageError: There is something of that name.
            StoreError: There is no database yet, it is damaged, or the copy cannot be written.
        """
        upkeep.back_up(self._database, target)

    def vacuum(self) -> int:
        """Shrink the file to what it holds.

        Returns:
            The bytes gained.
        """
        return upkeep.vacuum(self._database)
