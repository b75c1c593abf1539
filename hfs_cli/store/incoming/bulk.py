"""The rows of one transaction of an import, which are inserted together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from peewee import Select, fn

from hfs_cli.conversations import Checkpoint, Conversation
from hfs_cli.messages import Message
from hfs_cli.naming import check_name, normalise
from hfs_cli.store import rows, sessions
from hfs_cli.store.engine import Connection, own, statement
from hfs_cli.store.messages import attach, put_call
from hfs_cli.store.tables import CheckpointRow, MessageRow, SessionRow

# How much one transaction writes: as many messages as take a tenth of a second at most, or as
# many characters. Whoever waits for the database waits for one of them, and a chat does so a few
# times: beside an import of a million messages the longest of 40 took 0.98 s with this many, 1.23 s
# with twice as many, which are in a tenth sooner.
MESSAGES = 1000
CHARACTERS = 1_000_000
# And how many sessions, whose names and places are looked up in one statement each: a history may
# consist of thousands of forks without messages of their own.
SESSIONS = 500
# What `BulkInsert.add` writes of a message, and `BulkInsert.mark` of a checkpoint.
_MESSAGE = (
    *("id", "session_id", "position", "role", "content", "created_at", "extra", "stands_for"),
    *("reply_to", *rows.COMMON),
)
_MARK = ("session_id", "position", "label", "created_at")
# How many taken places are read at once; if there are more, each place is looked up by itself.
_PLACES = 10_000


@dataclass(slots=True)
class Progress:
    """How much of a conversation is written, which may take more than one transaction.

    Args:
        session_id: Its session.
        written: How many of its messages are written.
        ids: By the position of each of these, its number.
    """

    session_id: int
    written: int = 0
    ids: dict[int, int] = field(default_factory=dict)


class BulkInsert:
    """The sessions and messages of one transaction.

    Attributes:
        messages: How many messages it has.
        characters: How many characters they have, as `weight` counts them.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db
        self.messages = self.characters = 0
        self._session_ids = count(db.first_free(SessionRow))
        self._message_ids = count(db.first_free(MessageRow))
        self._sessions: list[dict[str, Any]] = []
        self._messages: list[tuple[object, ...]] = []
        self._texts: list[tuple[int, str]] = []
        self._carrying: list[tuple[int, Message]] = []
        self._marks: list[tuple[object, ...]] = []
        # Names that are known to be free; and places that are taken, among those that are known.
        self._free_names: set[str] = set()
        self._taken_places: set[int] = set()
        self._known_places = range(0)

    def look_ahead(self, coming: Sequence[Conversation], last_place: int | None) -> None:
        """Look up which names and places conversations can have, all at once."""
        if not coming:
            return
        names = {normalise(conversation.name) for conversation in coming}
        there = own(SessionRow.name.in_(names), SessionRow)
        found = SessionRow.select(SessionRow.name, of=there)
        self._free_names = names - {name for (name,) in self._db.execute(found)}
        places = [wanted_place(conversation.updated_at) for conversation in coming]
        if last_place is not None:
            places.append(last_place + 1)
        first, last = min(places), max(places) + 2 * len(coming)
        taken = [place for (place,) in _places(self._db, first, last, _PLACES)]
        if len(taken) < _PLACES:
            self._taken_places = {*taken}
            self._known_places = range(first, last + 1)

    def free_place(self, place: int) -> int:
        """A place in the order of use, or the next one that no session has."""
        while place in self._taken_places:
            place += 1
        if place not in self._known_places:
            self._flush_sessions()
            place = free_place(self._db, place)
        self._taken_places.add(place)
        return place

    def add_session(
        self, conversation: Conversation, *, import_id: int | None, use_seq: int | None
    ) -> int:
        """Add a session without its messages; its id."""
        session_id = next(self._session_ids)
        messages = conversation.messages
        columns = {
            "id": session_id,
            "uid": conversation.uid,
            "name": self._free_name(check_name(conversation.name)),
            "origin": conversation.origin,
            "model": conversation.model,
            "message_count": conversation.length,
            "last_status": messages[-1].status if messages else None,
            "created_at": rows.to_microseconds(conversation.created_at),
            "updated_at": rows.to_microseconds(conversation.updated_at),
            "use_seq": use_seq,
            "import_id": import_id,
        }
        self._sessions.append(columns)
        return session_id

    def _free_name(self, name: str) -> str:
        """A name, or one like it that no session has."""
        if name not in self._free_names:
            self._flush_sessions()
            name = sessions.free_name(self._db, name)
        self._free_names.discard(name)
        return name

    def has_room(self) -> bool:
        """Whether it may have one message more."""
        return self.messages < MESSAGES and self.characters < CHARACTERS

    def add(self, progress: Progress, message: Message) -> None:
        """Add the next message of a conversation."""
        number = next(self._message_ids)
        row = (
            number,
            progress.session_id,
            message.position,
            message.role,
            message.content,
            rows.to_microseconds(message.created_at),
            rows.as_json(message.extra),
            message.stands_for,
            # A question that another session shares is named when the two are tied.
            progress.ids.get(message.reply_to or 0),
            *rows.message_values(message),
        )
        self._messages.append(row)
        if message.status == "complete":
            self._texts.append((number, message.content))
        if message.attachments or message.tool_calls:
            self._carrying.append((number, message))
        self.messages += 1
        self.characters += weight(message)
        progress.ids[message.position] = number
        progress.written += 1

    def mark(self, session_id: int, marks: Iterable[Checkpoint]) -> None:
        """Add the checkpoints of a session."""
        self._marks += (
            (session_id, mark.position, mark.label, rows.to_microseconds(mark.created_at))
            for mark in marks
        )

    def flush(self) -> None:
        """Insert all of it."""
        self._flush_sessions()
        if self._marks:
            self._db.insert_many(CheckpointRow, _MARK, self._marks)
        if not self._messages:
            return
        self._db.insert_many(MessageRow, _MESSAGE, self._messages)
        self._db.index_many("message", self._texts)
        for number, message in self._carrying:
            attach(self._db, number, message.attachments)
            for place, call in enumerate(message.tool_calls, 1):
                put_call(self._db, number, place, call)

    def _flush_sessions(self) -> None:
        if not self._sessions:
            return
        columns = tuple(self._sessions[0])
        values = [tuple(session.values()) for session in self._sessions]
        self._db.insert_many(SessionRow, columns, values)
        self._db.index_many("session", ((row["id"], row["name"]) for row in self._sessions))
        self._sessions.clear()


def weight(message: Message) -> int:
    """What a message costs to write, in characters."""
    characters = len(message.content) + len(message.reasoning)
    for attachment in message.attachments:
        characters += len(attachment.data) // 10
    for call in message.tool_calls:
        characters += len(call.arguments) + len(call.result or "")
    return characters


def wanted_place(used: datetime) -> int:
    """The place in the order of use that a session gets by the time of its last use."""
    return rows.to_microseconds(used) - sessions.BEFORE_ALL_USE


def free_place(db: Connection, place: int) -> int:
    """A place in the order of use, or the next one that no session has."""
    if _taken(db, place).fetchone() is None:
        return place
    row = _end_of_run(db, place).fetchone()
    assert row is not None
    return int(row[0]) + 1


@statement
def _places(first: int, last: int, limit: int) -> Select:
    there = (SessionRow.use_seq >= first) & (SessionRow.use_seq <= last)
    return SessionRow.select(SessionRow.use_seq, of=own(there, SessionRow)).limit(limit)


@statement
def _taken(place: int) -> Select:
    return SessionRow.select(SessionRow.id, of=own(SessionRow.use_seq == place, SessionRow))


@statement
def _end_of_run(place: int) -> Select:
    """The last of the places from one on that are all taken."""
    after = SessionRow.alias("after")
    next_one = after.select(after.id).where(own(after.use_seq == SessionRow.use_seq + 1, after))
    run = SessionRow.select(SessionRow.use_seq, of=own(SessionRow.use_seq >= place, SessionRow))
    return run.where(~fn.EXISTS(next_one)).order_by(SessionRow.use_seq).limit(1)
