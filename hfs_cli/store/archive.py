"""Read sessions for an archive: which there are, which have changed, and each with its branches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from peewee import Expression, Select, Star

from hfs_cli.conversations import Kept
from hfs_cli.store import rows, sessions, transfer
from hfs_cli.store.engine import Connection, Engine
from hfs_cli.store.tables import (
    CallRow,
    CheckpointRow,
    MessageAttachmentRow,
    MessageRow,
    PieceRow,
    SessionRow,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# How many values one query has; every database takes this many.
_AT_ONCE = 500


class Archived:
    """The sessions of a store, as an archive of pages reads them.

    It holds the id of each session, and which branches it has. Each call is one short transaction,
    so that nobody who writes waits for the archive.

    Attributes:
        ids: The sessions that get a page: all but the tails that were set aside.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._children: defaultdict[int, list[int]] = defaultdict(list)
        self._parents: dict[int, int] = {}
        self._aside: set[int] = set()
        tail = SessionRow.use_seq.is_null() & (SessionRow.origin != "chat")
        shown = (SessionRow.id, SessionRow.parent_id, tail)
        with engine.reading() as db:
            every = SessionRow.select(*shown, of=sessions.is_shown()).order_by(SessionRow.id)
            self.ids: list[int] = []
            for number, parent, aside in db.execute(every):
                if aside:
                    self._aside.add(number)
                else:
                    self.ids.append(number)
                if parent is not None:
                    self._parents[number] = parent
                    self._children[parent].append(number)

    def revisions(self, ids: Sequence[int]) -> Mapping[int, tuple[str, datetime]]:
        """A digest of all that the page of each session shows, and when it was last used.

        Args:
            ids: Which; those that were deleted meanwhile are left out.
        """
        related = {number: self._related(number) for number in ids}
        wanted = sorted({*ids, *(other for others in related.values() for other in others)})
        digests: dict[int, bytes] = {}
        used: dict[int, datetime] = {}
        with self._engine.reading() as db:
            for start in range(0, len(wanted), _AT_ONCE):
                some = wanted[start : start + _AT_ONCE]
                digests |= _digests(db, some)
                uses = SessionRow.select(SessionRow.id, SessionRow.updated_at, of=None)
                for number, moment in db.execute(uses.where(SessionRow.id.in_(some))):
                    used[number] = rows.to_datetime(moment)
        found = {}
        for number in ids:
            if number in digests:
                whole = blake2b(digests[number], digest_size=16)
                for other in related[number]:
                    whole.update(digests.get(other, b""))
                found[number] = whole.hexdigest(), used[number]
        return found

    def kept(self, session_id: int) -> Kept | None:
        """A session with its branches; None when it was deleted meanwhile."""
        with self._engine.reading() as db:
            session = sessions.of_id(db, session_id)
            if session is None:
                return None
            parent = None
            if session.parent_id is not None:
                parent = sessions.of_id(db, session.parent_id)
            below = [sessions.of_id(db, number) for number in self._below(session_id)]
            there = [branch for branch in below if branch is not None]
            return Kept(
                session=session,
                conversation=transfer.conversation(db, session, None, whole=True),
                parent=parent,
                forks=tuple(s for s in there if s.id not in self._aside),
                tails=tuple(
                    (tail, transfer.conversation(db, tail, None, whole=False))
                    for tail in there
                    if tail.id in self._aside
                ),
            )

    def _related(self, session_id: int) -> list[int]:
        """The sessions whose messages or names its page shows: its ancestors, and its branches."""
        found = []
        seen = {session_id}
        number = session_id
        while (parent := self._parents.get(number)) is not None and parent not in seen:
            found.append(parent)
            seen.add(parent)
            number = parent
        return [*found, *self._below(session_id)]

    def _below(self, session_id: int) -> Iterator[int]:
        """The branches of a session, and those of the tails that were set aside from it."""
        todo = [session_id]
        while todo:
            for child in self._children.get(todo.pop(), ()):
                yield child
                if child in self._aside:
                    todo.append(child)


def _digests(db: Connection, ids: Iterable[int]) -> dict[int, bytes]:
    """A digest of all that is kept of each session itself, except when it was used."""
    found: dict[int, Any] = {}
    columns = (
        *(SessionRow.id, SessionRow.uid, SessionRow.name, SessionRow.origin, SessionRow.model),
        *(SessionRow.created_at, SessionRow.parent_id, SessionRow.fork_position),
        *(SessionRow.message_count, SessionRow.use_seq.is_null()),
    )
    own = SessionRow.id.in_(ids)
    for number, *values in db.execute(SessionRow.select(*columns, of=None).where(own)):
        found[number] = blake2b(repr(values).encode("utf-8", "replace"), digest_size=16)
    for query in _belongings(MessageRow.session_id.in_(ids), CheckpointRow.session_id.in_(ids)):
        for number, *values in db.execute(query):
            if number in found:
                found[number].update(repr(values).encode("utf-8", "replace"))
    return {number: digest.digest() for number, digest in found.items()}


def _belongings(messages: Expression, checkpoints: Expression) -> Iterator[Select]:
    """Queries for all that belongs to sessions; the first column is the session."""
    session = MessageRow.session_id
    yield MessageRow.select(session, rows.MESSAGE).where(messages).order_by(MessageRow.id)
    tie = MessageAttachmentRow
    for table, order in ((PieceRow, PieceRow.id), (CallRow, CallRow.id), (tie, tie.position)):
        belonging = table.select(session, Star(table))
        belonging = belonging.join(MessageRow, on=table.message_id == MessageRow.id)
        yield belonging.where(messages).order_by(table.message_id, order)
    labels = CheckpointRow.select(CheckpointRow.session_id, rows.CHECKPOINT).where(checkpoints)
    yield labels.where(CheckpointRow.label.is_null(False)).order_by(CheckpointRow.id)
