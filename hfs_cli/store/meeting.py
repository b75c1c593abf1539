"""A conversation that arrives again: what of it is new, and where that goes.

Messages have no number that two machines share. What tells one is its place, its role, its time
in microseconds and its text; and who has it has all that was said before it, too. So a transcript
that arrives is followed through the session of its uid, and where that goes another way through
the branches of it, for as long as the messages are the same. What is left is new: it goes on with
the session when it follows its end, and is a branch of it otherwise.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from peewee import JOIN, Select, fn

from hfs_cli.conversations import Checkpoint, Conversation, End, answered_calls, digest_of
from hfs_cli.messages import Message, Session
from hfs_cli.naming import MAX_NAME
from hfs_cli.store import checkpoints, deleted, messages, rows
from hfs_cli.store.engine import Connection, own, statement
from hfs_cli.store.tables import CallRow, MessageRow, SessionRow

# The uid of what parted is made of where it did (RFC 9562, version 5), so that it is found again
# when it comes again, and known for what it is on the machine that it came from.
_NAMESPACE = uuid.UUID("52c5bd4e-0f3b-5f0c-8d55-686673706172")
_SUFFIX = " (imported)"


class Growth(NamedTuple):
    """What a session has gained elsewhere.

    Args:
        tail: The new messages, as a conversation that is a branch of the session.
        session: The session that has what came before, as it was found.
        anchor: The number of the last message before the tail, or None.
        last: The number of the session's last message, or None.
        extends: Whether the tail goes on with the session, if that has not changed meanwhile.
        stale: The number of a partial reply at the session's end that the tail holds more of.
    """

    tail: Conversation
    session: Session
    anchor: int | None
    last: int | None
    extends: bool
    stale: int | None = None


class Met(NamedTuple):
    """How a conversation met what is kept.

    Args:
        home: The uid of the session whose transcript begins with all of it, once `growth` is in.
        growth: What is new, or None.
        marks: Named checkpoints that are new, of messages that are not.
    """

    home: str
    growth: Growth | None = None
    marks: tuple[Checkpoint, ...] = ()


class _Kept(NamedTuple):
    """A kept message, as it is compared."""

    number: int
    session_id: int
    position: int
    role: str
    content: str
    moment: int
    status: str


class _Way(NamedTuple):
    """How far a transcript was followed: in which session, to which position and message."""

    session: Session
    position: int
    anchor: int | None


def holds(db: Connection, uid: str, end: End | None) -> bool | None:
    """Whether a session has all of a conversation that ends so.

    None when there is no such session; where nobody knows the end, it does not.
    """
    # One query for what nearly all of a history that comes again needs.
    row = _end(db, uid, 0 if end is None else end.length).fetchone()
    if row is None or end is None:
        return None if row is None else False
    session_id, length = rows.numbers(row[:2])
    if length < end.length:
        return False
    if end.labels:
        named = sum(mark.label is not None for mark in checkpoints.of(db, session_id))
        if named < end.labels:
            return False
    if not end.last:
        return True
    last: _Kept | None
    if row[2] is None:
        session = of_uid(db, uid)
        last = None if session is None else _at(db, session, end.length)
    elif row[-1] != "complete":
        return False
    else:
        last = _kept(db, row[2:])
    return last is not None and last.status == "complete" and _digest(db, last) == end.last


def of_uid(db: Connection, uid: str) -> Session | None:
    """The session of a uid, shown or not."""
    row = _of_uid(db, uid).fetchone()
    return None if row is None else rows.session(row)


def meet(db: Connection, arriving: Conversation, parent: str | None) -> Met | None:
    """Compare a conversation with the session of its uid.

    Args:
        parent: The uid of the session that holds the messages which it shares, if that is known.

    Returns:
        None when it cannot be told, before its parent has come, what it begins with.
    """
    session = of_uid(db, arriving.uid)
    assert session is not None
    shared = arriving.fork_position or 0
    if not arriving.messages:
        whole = parent if session.messages < shared and parent is not None else arriving.uid
        return Met(whole, None, _marks(db, session, arriving))
    comparing = _Comparing(arriving, session)
    there: Session | None = session
    own = _path(db, session.id, shared)
    if not comparing.same_start(own, session):
        there = None if parent is None else of_uid(db, parent)
        own = [] if there is None else _path(db, there.id, shared)
    if there is not None and there.messages >= shared:
        way = comparing.follow(db, there, own, shared)
    elif (found := comparing.anywhere(db, session)) is not None:
        way = found
    else:
        return None
    way = comparing.through_branches(db, way)
    marks = _marks(db, session, arriving)
    if way.position == arriving.length:
        return Met(way.session.uid, None, marks)
    growth = _growth(db, arriving, session, way, comparing)
    return Met(growth.tail.uid, growth, marks)


def overlap(db: Connection, arriving: Conversation, parents: Sequence[str]) -> tuple[str, int]:
    """How far a new branch's messages are kept already: in which session, to which position.

    Args:
        parents: The uids of sessions that begin with what it shares; the first is its parent.
    """
    shared = arriving.fork_position or 0
    best = (parents[0], shared)
    for uid in dict.fromkeys(parents):
        if (session := of_uid(db, uid)) is None or session.messages < shared:
            continue
        comparing = _Comparing(arriving, session)
        way = comparing.follow(db, session, _path(db, session.id, shared), shared)
        if is_anywhere(arriving):
            way = comparing.through_branches(db, way)
        if way.position > best[1]:
            best = (way.session.uid, way.position)
    return best


def is_anywhere(arriving: Conversation) -> bool:
    """Whether a branch may be kept as a part of any session of its family."""
    return arriving.derived or is_parted(arriving.uid, arriving.parent_uid, arriving.messages)


def is_parted(uid: str, parent_uid: str | None, own: Sequence[Message]) -> bool:
    """Whether a branch is one that an import made of what had parted."""
    return bool(parent_uid and own) and uid == _uid_of(
        str(parent_uid), own[0].position, own[0].role, rows.to_microseconds(own[0].created_at)
    )


def apart(arriving: Conversation) -> Conversation:
    """A conversation as another one, where it cannot be compared with that of its uid."""
    first = arriving.messages[0]
    moment = rows.to_microseconds(first.created_at)
    uid = _uid_of(arriving.uid, first.position, first.role, moment)
    return replace(arriving, uid=uid, origin="import", name=_name(arriving.name))


class _Comparing:
    """Follows a conversation that arrives through sessions that are kept."""

    def __init__(self, arriving: Conversation, session: Session) -> None:
        self._arriving = arriving
        self._shared = arriving.fork_position or 0
        # Programs that keep no times give every message that of its file, which changes.
        self._no_time = None
        if arriving.origin == "import" == session.origin:
            self._no_time = rows.to_microseconds(arriving.created_at)

    def same(self, kept: _Kept, message: Message) -> bool:
        """Whether a kept message is the one that arrives, or more of it."""
        moment = rows.to_microseconds(message.created_at)
        if kept.role != message.role or moment not in {kept.moment, self._no_time}:
            return False
        content = rows.storable(message.content)
        if kept.content == content:
            return True
        return message.status == "partial" and kept.content.startswith(content)

    def less(self, db: Connection, kept: _Kept, message: Message) -> bool:
        """Whether a kept message is a reply of which more arrives: of its text, or results."""
        content = rows.storable(message.content)
        moment = rows.to_microseconds(message.created_at)
        if (kept.role, kept.moment) != (message.role, moment):
            return False
        if kept.status == "partial":
            longer = message.status == "complete" or len(message.content) > len(kept.content)
            return longer and content.startswith(kept.content)
        answered = answered_calls(message)
        return kept.content == content and answered > _answered(db, kept.number)

    def at(self, position: int) -> Message:
        """The message that arrives at a position."""
        return self._arriving.messages[position - self._shared - 1]

    def same_start(self, own: Sequence[_Kept], session: Session) -> bool:
        """Whether the session of its uid begins with the messages that it shares."""
        # A message that both have had the same past; and what a fork began with, it begins with
        # until it is rewound: that makes its share less, never more.
        if self._shared <= (session.fork_position or 0):
            return True
        pairs = zip(own, self._arriving.messages, strict=False)
        return any(self.same(kept, message) for kept, message in pairs)

    def follow(
        self, db: Connection, session: Session, path: Sequence[_Kept], position: int
    ) -> _Way:
        """How far it goes along a session.

        Args:
            path: The session's messages after the position up to which they are known to agree.
            position: That position.
        """
        anchor = None
        for kept in path:
            if position >= self._arriving.length or kept.position != position + 1:
                break
            arriving = self.at(kept.position)
            # A reply at the end gives way to what has become of it: more text, or more results.
            ends = kept is path[-1]
            if not self.same(kept, arriving) or (ends and self.less(db, kept, arriving)):
                break
            position, anchor = kept.position, kept.number
        if anchor is None and position:
            there = _at(db, session, position)
            anchor = None if there is None else there.number
        return _Way(session, position, anchor)

    def through_branches(self, db: Connection, way: _Way) -> _Way:
        """How far it goes along a session and all that parted from it."""
        if way.position >= self._arriving.length:
            return way
        family = _family(db, way.session.id)
        while way.position < self._arriving.length:
            longer = way
            for number in _owners(db, family, way.position + 1):
                found = self._branch(db, number, way)
                if found.position > longer.position:
                    longer = found
            if longer is way:
                return way
            way = longer
        return way

    def anywhere(self, db: Connection, session: Session) -> _Way | None:
        """How far it goes along the branch that has its first message, if one has."""
        start = _Way(session, self._shared, None)
        ways = [
            self.follow(db, rows.session(next(iter(_of_id(db, number)))), own, self._shared)
            for number in _owners(db, _family(db, session.id), self._shared + 1)
            for own in [[kept for kept in _own(db, number) if kept.position > self._shared]]
        ]
        found = max(ways, key=lambda way: way.position, default=start)
        return found if found.position > self._shared else None

    def _branch(self, db: Connection, number: int, way: _Way) -> _Way:
        own = [kept for kept in _own(db, number) if kept.position > way.position]
        if not own or not self.same(own[0], self.at(own[0].position)):
            return way
        session = rows.session(next(iter(_of_id(db, number))))
        before = _at(db, session, way.position) if way.position else None
        if before is not None and before.number != way.anchor:
            # Kept twice, it may be: the same message all the same.
            there = _number(db, way.anchor or 0)
            if there is None or (there.moment, there.content) != (before.moment, before.content):
                return way
        return self.follow(db, session, own, way.position)


def _growth(
    db: Connection, arriving: Conversation, known: Session, way: _Way, comparing: _Comparing
) -> Growth:
    session, position = way.session, way.position
    first = comparing.at(position + 1)
    stale = None
    mine = session.uid == known.uid or _is_parted(db, session)
    last = _at(db, session, session.messages) if session.messages else None
    if last is not None and last.position == position + 1 and last.session_id == session.id:
        stale = last.number if comparing.less(db, last, first) else None
    extends = mine and (session.messages == position or stale is not None)
    if position < (session.fork_position or 0):
        # It parted in what the session shares: from the one that has the message before.
        anchor = None if way.anchor is None else _number(db, way.anchor)
        owner = None if anchor is None else next(iter(_of_id(db, anchor.session_id)), None)
        session = session if owner is None else rows.session(owner)
    moment = rows.to_microseconds(first.created_at)
    uid = _uid_of(session.uid, first.position, first.role, moment)
    n = 0
    while of_uid(db, uid) is not None:
        n += 1
        uid = _uid_of(f"{session.uid}-{n}", first.position, first.role, moment)
    tail = replace(
        arriving,
        uid=uid,
        name=_name(known.name),
        origin="import",
        parent_uid=session.uid,
        fork_position=position,
        messages=arriving.messages[position - (arriving.fork_position or 0) :],
        checkpoints=tuple(m for m in arriving.checkpoints if m.position > position),
        left_out={},
    )
    return Growth(tail, session, way.anchor, None if last is None else last.number, extends, stale)


def _is_parted(db: Connection, session: Session) -> bool:
    if session.parent_id is None:
        return False
    parent = rows.session(next(iter(_of_id(db, session.parent_id))))
    first = next(iter(_own(db, session.id)), None)
    return first is not None and session.uid == _uid_of(
        parent.uid, first.position, first.role, first.moment
    )


def _marks(db: Connection, session: Session, arriving: Conversation) -> tuple[Checkpoint, ...]:
    """Named checkpoints that the session does not have, and nobody has deleted or moved."""
    named = [m for m in arriving.checkpoints if m.label is not None]
    if not named:
        return ()
    family = _family(db, session.id)
    there = {(m.label, m.created_at) for number in family for m in checkpoints.of(db, number)}
    taken = {m.label for m in checkpoints.of(db, session.id)}
    return tuple(
        mark
        for mark in named
        if (mark.label, mark.created_at) not in there
        and mark.label not in taken
        and mark.position <= session.messages
        and not deleted.is_mark_deleted(db, session.uid, mark)
    )


def _uid_of(parent_uid: str, position: int, role: str, moment: int) -> str:
    return uuid.uuid5(_NAMESPACE, f"{parent_uid}:{position}:{role}:{moment}").hex


def _name(name: str) -> str:
    return name[: MAX_NAME - len(_SUFFIX)].rstrip() + _SUFFIX


def _digest(db: Connection, kept: _Kept) -> str:
    moment: datetime = rows.to_datetime(kept.moment)
    role, status = rows.role(kept.role), rows.status(kept.status)
    message = Message(0, 0, role, kept.content, moment, status)
    return digest_of(message, _answered(db, kept.number))


def _answered(db: Connection, number: int) -> int:
    """How many calls of a message have a result."""
    row = _results(db, number).fetchone()
    return 0 if row is None else int(row[0])


# --- read -----------------------------------------------------------------------------


def _family(db: Connection, session_id: int) -> list[int]:
    """All that a session is a branch of, or that is a branch of it."""
    oldest = messages.lineage(db, session_id)[0].session_id
    found = {oldest: None}
    todo = [oldest]
    while todo:
        for (number,) in list(_children(db, todo.pop())):
            if number not in found:
                found[number] = None
                todo.append(number)
    return list(found)


def _path(db: Connection, session_id: int, after: int) -> list[_Kept]:
    """A transcript's messages after a position."""
    parts = messages.lineage(db, session_id)
    return [
        kept
        for part in parts
        for kept in _own(db, part.session_id)
        if after < kept.position <= part.upto
    ]


def _own(db: Connection, session_id: int) -> list[_Kept]:
    return [_kept(db, row) for row in list(_own_rows(db, session_id))]


def _kept(db: Connection, row: tuple[object, ...]) -> _Kept:
    number, session_id, position, moment = rows.numbers((row[0], row[1], row[2], row[5]))
    role, content, status = rows.texts((row[3], row[4], row[6]))
    if status == "partial":
        content = "".join((content, *(piece for piece, _ in messages.pieces(db, number))))
    return _Kept(number, session_id, position, role, content, moment, status)


def _at(db: Connection, session: Session, position: int) -> _Kept | None:
    """The message at a position of a transcript."""
    if position > (session.fork_position or 0):
        parts = [messages.Part(session.id, position)]
    else:
        parts = messages.lineage(db, session.id, position)
    for part in parts:
        if part.upto == position and (row := _at_row(db, part.session_id, position).fetchone()):
            return _kept(db, row)
    return None


def _number(db: Connection, number: int) -> _Kept | None:
    row = _numbered(db, number).fetchone()
    return None if row is None else _kept(db, row)


def _owners(db: Connection, family: Sequence[int], position: int) -> list[int]:
    """Which of a family have a message of their own at a position."""
    return [n for n in family if _at_row(db, n, position).fetchone() is not None]


_KEPT = (
    MessageRow.id,
    MessageRow.session_id,
    MessageRow.position,
    MessageRow.role,
    MessageRow.content,
    MessageRow.created_at,
    MessageRow.status,
)


@statement
def _own_rows(session_id: int) -> Select:
    own = MessageRow.select(*_KEPT).where(MessageRow.session_id == session_id)
    return own.order_by(MessageRow.position)


@statement
def _at_row(session_id: int, position: int) -> Select:
    there = MessageRow.select(*_KEPT).where(MessageRow.session_id == session_id)
    return there.where(MessageRow.position == position)


@statement
def _numbered(number: int) -> Select:
    return MessageRow.select(*_KEPT).where(MessageRow.id == number)


@statement
def _results(number: int) -> Select:
    return CallRow.select(fn.COUNT(CallRow.result)).where(CallRow.message_id == number)


@statement
def _end(uid: str, length: int) -> Select:
    """A session's number and length, and the message of its own at a position."""
    at = (MessageRow.session_id == SessionRow.id) & (MessageRow.position == length)
    found = SessionRow.select(SessionRow.id, SessionRow.message_count, *_KEPT)
    found = found.join(MessageRow, JOIN.LEFT_OUTER, on=at)
    return found.where(own(SessionRow.uid == uid, SessionRow))


@statement
def _of_uid(uid: str) -> Select:
    return SessionRow.select(rows.SESSION).where(own(SessionRow.uid == uid, SessionRow))


@statement
def _of_id(number: int) -> Select:
    return SessionRow.select(rows.SESSION).where(SessionRow.id == number)


@statement
def _children(session_id: int) -> Select:
    return SessionRow.select(SessionRow.id).where(SessionRow.parent_id == session_id)
