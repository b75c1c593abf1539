"""The store: every conversation, in one database file."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from hfs_cli.messages import Message, Opened, Reply, Session, Turn
from hfs_cli.naming import check_name
from hfs_cli.store import deletion, lists, refs, rows, session_rows, turns
from hfs_cli.store.archive import Archive
from hfs_cli.store.sqlite import check, files
from hfs_cli.store.sqlite.database import WAIT_S, Database
from hfs_cli.store.transcripts import transcript


class SessionStore(Archive):
    """Sessions by name, turns as they happen, and all that `Archive` does; a context manager.

    Nothing is opened before the first call. Reading what does not exist yet sees an empty
    database and creates nothing. Every method may be called from any thread, holds no lock
    after it returns, and raises `StoreError` when the database cannot be used.

    Args:
        path: The database file.
        checkpoint_retention: How many automatic checkpoints a session keeps.
    """

    def __init__(self, path: Path, *, checkpoint_retention: int = 10) -> None:
        super().__init__(Database(path))
        self._retention = checkpoint_retention
        # The row of each reply that is being written, by the question it answers.
        self._replies: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    # --- turns (`hfs_cli.turn.run.Store`) -------------------------------------------------

    def begin(self, turn: Turn) -> Opened:
        """Keep the session (if new) and the user message in one transaction.

        Raises:
            NotFoundError: The session to continue is gone.
            UsageError: The new session's name cannot be used or is taken.
        """
        with self._database.writing() as db:
            opened = turns.begin(db, turn)
        # A question that is answered again gets a row of its own for the new reply.
        self._replies.pop(opened.user_message_id or 0, None)
        return opened

    def save_reply(self, opened: Opened, reply: Reply, wait_s: float = WAIT_S) -> int | None:
        """Write the reply as it stands: a new row the first time, the same row later.

        Args:
            wait_s: Seconds to wait for another writer.

        Returns:
            The reply's message id, or None when nothing is saved.

        Raises:
            NotFoundError: The session was deleted meanwhile.
        """
        if opened.user_message_id is None:
            return None
        known = self._replies.get(opened.user_message_id)
        with self._database.writing(wait_s) as db:
            saved = turns.save_reply(db, opened, reply, known, self._retention)
        # Only now: a transaction that failed to commit left no row behind.
        self._replies[opened.user_message_id] = saved
        return saved

    def peek(self, session_id: int, turn: Turn) -> Opened:
        """What a turn in a session would begin with, without keeping anything.

        Raises:
            NotFoundError: The session is gone.
        """
        with self._database.reading() as db:
            return turns.peek(db, session_id, turn)

    def spill(self, opened: Opened, reply: Reply) -> str:
        """Keep a reply that the database would not take in a file (0600); its path."""
        from hfs_cli.store.spill import spill

        return spill(self._database.path.parent, opened, reply)

    # --- finding ----------------------------------------------------------------------

    def list_recent(
        self,
        *,
        limit: int | None = 20,
        since: datetime | None = None,
        model: str | None = None,
        query: str | None = None,
    ) -> list[Session]:
        """Sessions, the last used first.

        Args:
            limit: At most this many; None for all.
            since: Only those used at or after this moment.
            model: Only those whose last turn used it: ``provider/id`` or the id alone.
            query: Only those whose name holds this text (ASCII letters in either case).
        """
        with self._database.reading() as db:
            return lists.list_recent(db, limit, since, model, query)

    def count(
        self,
        *,
        since: datetime | None = None,
        model: str | None = None,
        query: str | None = None,
    ) -> int:
        """How many sessions `list_recent` would list without a limit."""
        with self._database.reading() as db:
            return lists.count(db, since, model, query)

    def resolve(self, ref: str) -> Session:
        """The one session that `ref` names: id, name, prefix of one name, ``@last~N``.

        Raises:
            NotFoundError: None does; the message has near names.
            AmbiguousError: Several do; the message lists them.
        """
        with self._database.reading() as db:
            return rows.session(refs.resolve(db, ref))

    def find(self, name: str) -> Session | None:
        """The session of exactly this name or id, or None."""
        with self._database.reading() as db:
            row = refs.exact(db, name)
            return None if row is None else rows.session(row)

    def get(self, session_id: int) -> Session:
        """A session by its id.

        Raises:
            NotFoundError: There is none.
        """
        with self._database.reading() as db:
            return rows.session(session_rows.session_row(db, session_id))

    def last_used(self) -> Session | None:
        """The session that ``-c`` continues, or None when there is none."""
        return next(iter(self.list_recent(limit=1)), None)

    def transcript(self, session_id: int) -> list[Message]:
        """A session's messages, oldest first."""
        with self._database.reading() as db:
            return transcript(db, session_id)

    def older_than(self, moment: datetime) -> list[Session]:
        """Sessions last used before `moment`, the oldest use first."""
        with self._database.reading() as db:
            return lists.older_than(db, moment)

    def check(self) -> list[str]:
        """What is wrong with the database; empty when all is well."""
        with self._database.reading() as db:
            return check.problems(db)

    def exposed(self) -> list[str]:
        """Which of the database's files others can read, and how to change that: no damage."""
        return files.too_open(self._database.path)

    # --- changing ---------------------------------------------------------------------

    def touch(self, session_id: int) -> Session:
        """Make a session the last used one, which ``-c`` continues.

        Raises:
            NotFoundError: There is none.
        """
        with self._database.writing() as db:
            session_rows.touch(db, session_id)
            return rows.session(session_rows.session_row(db, session_id))

    def rename(self, session_id: int, name: str) -> Session:
        """Give a session another name.

        Raises:
            NotFoundError: There is no such session.
            UsageError: The name cannot be used, or another session has it.
        """
        name = check_name(name)
        with self._database.writing() as db:
            session_rows.rename(db, session_id, name)
            return rows.session(session_rows.session_row(db, session_id))

    def delete(self, ids: Iterable[int]) -> int:
        """Delete sessions with all they hold; their forks keep what they shared.

        Returns:
            How many there were to delete.
        """
        with self._database.writing() as db:
            return deletion.delete(db, ids)
