"""Decide what is new in a conversation that arrives, and where that goes.

As far as sessions hold the same messages (`comparison`) it is there. The rest is new: it extends
the session that it was followed through when it follows its end, and becomes a branch of it
otherwise.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum, auto
from typing import NamedTuple

from peewee import JOIN, Select

from hfs_cli.conversations import Checkpoint, Conversation, End, digest_of
from hfs_cli.errors import UsageError
from hfs_cli.messages import Message, Session
from hfs_cli.naming import MAX_NAME
from hfs_cli.store import checkpoints, deleted, rows
from hfs_cli.store.engine import Connection, Row, own, statement
from hfs_cli.store.incoming import kept
from hfs_cli.store.incoming.comparison import Comparison, Reached
from hfs_cli.store.incoming.kept import KeptMessage
from hfs_cli.store.tables import MessageRow, SessionRow

# The uid of a branch that an import makes is made of where it parted (RFC 9562, version 5), so
# that it is found again when it comes again, and recognised on the machine that it came from.
_NAMESPACE = uuid.UUID("52c5bd4e-0f3b-5f0c-8d55-686673706172")
_SUFFIX = " (imported)"


class Look(Enum):
    """How much of a conversation that arrives is kept."""

    NOTHING = auto()
    DELETED = auto()
    SOME = auto()
    ALL = auto()


class Growth(NamedTuple):
    """What a session has gained elsewhere.

    Args:
        tail: The new messages, as a conversation that is a branch of the session.
        answers: As of `answers_to_shared`, of the tail.
        session: The session that holds what came before, as it was found.
        anchor: The number of the last message before the tail, or None.
        last: The number of the session's last message, or None.
        extends: Whether the tail extends the session, unless that changes meanwhile.
        stale: The number of a partial reply at the session's end that the tail holds more of.
    """

    tail: Conversation
    answers: Mapping[int, int]
    session: Session
    anchor: int | None
    last: int | None
    extends: bool
    stale: int | None = None


class Met(NamedTuple):
    """The result of comparing a conversation.

    Args:
        home: The uid of the session whose transcript begins with all of it, once `growth` is in.
        growth: What is new, or None.
        marks: Named checkpoints that are new, of messages that are not.
    """

    home: str
    growth: Growth | None = None
    marks: tuple[Checkpoint, ...] = ()


def look(db: Connection, uid: str, end: End | None, *, restore: bool) -> Look:
    """How much is kept of a conversation.

    Args:
        end: Where it ends; None where nobody knows.
        restore: What was deleted may come back: it counts as nothing.
    """
    # One query for nearly all of a history that comes again.
    row = _session_and_message(db, uid, 0 if end is None else end.length).fetchone()
    if row is None:
        return Look.DELETED if not restore and deleted.is_deleted(db, uid) else Look.NOTHING
    return Look.ALL if end is not None and _holds(db, row, end) else Look.SOME


def _holds(db: Connection, row: Row, end: End) -> bool:
    """Whether a session holds all of a conversation that ends like this."""
    session_id, length = rows.numbers(row[:2])
    if length < end.length:
        return False
    if end.labels:
        named = sum(mark.label is not None for mark in checkpoints.of(db, session_id))
        if named < end.labels:
            return False
    if not end.last:
        return True
    if row[2] is None:
        last = kept.message_at(db, session_id, end.length)
    else:
        last = kept.from_row(db, row[2:])
    return last is not None and last.status == "complete" and _digest(db, last) == end.last


def meet(db: Connection, arriving: Conversation, parent: str | None) -> Met | None:
    """Compare a conversation with the session of its uid.

    Args:
        parent: The uid of the session that holds the messages which it shares, if that is known.

    Returns:
        None when nobody can tell what it begins with, because its parent has not come yet.
    """
    session = kept.session_of_uid(db, arriving.uid)
    assert session is not None
    shared = arriving.fork_position or 0
    marks = _new_marks(db, session, arriving)
    if not arriving.messages:
        # All that it says is what it shares; rewound here, the session of its uid has less.
        home = parent if parent is not None and session.messages < shared else arriving.uid
        return Met(home, None, marks)
    comparison = Comparison(db, arriving, session)
    reached = comparison.from_start(session, parent)
    if reached is None:
        return None
    reached = comparison.through_branches(reached)
    if reached.position == arriving.length:
        return Met(reached.session.uid, None, marks)
    growth = _growth(db, arriving, session, reached, comparison)
    return Met(growth.tail.uid, growth, marks)


def overlap(db: Connection, arriving: Conversation, parents: Sequence[str]) -> tuple[str, int]:
    """How much of a new branch is kept already: in which session, up to which position.

    Args:
        parents: The uids of sessions that begin with what it shares; the first is its parent.
    """
    shared = arriving.fork_position or 0
    best = (parents[0], shared)
    for uid in dict.fromkeys(parents):
        session = kept.session_of_uid(db, uid)
        if session is None or session.messages < shared:
            continue
        comparison = Comparison(db, arriving, session)
        reached = comparison.follow(session, kept.path(db, session.id, shared), shared)
        if may_be_part(arriving):
            reached = comparison.through_branches(reached)
        if reached.position > best[1]:
            best = (reached.session.uid, reached.position)
    return best


def answers_to_shared(conversation: Conversation) -> dict[int, int]:
    """Which replies answer a question that the conversation shares with its parent.

    Returns:
        By the position of the reply, that of the question.

    Raises:
        UsageError: A message answers something that does not come before it.
    """
    shared = conversation.fork_position or 0
    found = {}
    for message in conversation.messages:
        question = message.reply_to
        if question is None:
            continue
        if not 0 < question < message.position:
            raise UsageError(
                f'"{conversation.name}": message {message.position} answers no message before it'
            )
        if question <= shared:
            found[message.position] = question
    return found


def may_be_part(arriving: Conversation) -> bool:
    """Whether any session of its family may hold a branch that arrives.

    That is so unless a user made the branch: an import made it, or its uid is derived.
    """
    if arriving.derived:
        return True
    if not arriving.parent_uid or not arriving.messages:
        return False
    return arriving.uid == _branch_uid(arriving.parent_uid, arriving.messages[0])


def apart(arriving: Conversation) -> Conversation:
    """A conversation under another uid, where it cannot be compared with the session of its own."""
    uid = _branch_uid(arriving.uid, arriving.messages[0])
    return replace(arriving, uid=uid, origin="import", name=_name(arriving.name))


def _growth(
    db: Connection, arriving: Conversation, known: Session, reached: Reached, comparison: Comparison
) -> Growth:
    """The part of a conversation that comes after the point up to which it was followed."""
    session, position = reached.session, reached.position
    first = comparison.at(position + 1)
    last = kept.message_at(db, session.id, session.messages) if session.messages else None
    stale = None
    if last is not None and last.position == position + 1 and last.session_id == session.id:
        stale = last.number if comparison.is_outdated(last, first) else None
    is_its_own = session.uid == known.uid or _is_imported_branch(db, session)
    extends = is_its_own and (session.messages == position or stale is not None)
    if position < (session.fork_position or 0) and reached.anchor is not None:
        # It parted in what the session shares, so from whichever has the message before.
        anchor = kept.message(db, reached.anchor)
        session = session if anchor is None else kept.session(db, anchor.session_id)
    uid = _branch_uid(session.uid, first)
    n = 0
    while kept.session_of_uid(db, uid) is not None:
        n += 1
        uid = _branch_uid(f"{session.uid}-{n}", first)
    tail = replace(
        arriving,
        uid=uid,
        name=_name(known.name),
        origin="import",
        parent_uid=session.uid,
        fork_position=position,
        messages=arriving.messages[position - (arriving.fork_position or 0) :],
        checkpoints=tuple(mark for mark in arriving.checkpoints if mark.position > position),
        left_out={},
    )
    last_number = None if last is None else last.number
    answers = answers_to_shared(tail)
    return Growth(tail, answers, session, reached.anchor, last_number, extends, stale)


def _is_imported_branch(db: Connection, session: Session) -> bool:
    """Whether an import made a session, of messages that had parted from its parent's."""
    if session.parent_id is None:
        return False
    parent = kept.session(db, session.parent_id)
    first = next(iter(kept.own_messages(db, session.id)), None)
    return first is not None and session.uid == _uid(
        parent.uid, first.position, first.role, first.moment
    )


def _new_marks(db: Connection, session: Session, arriving: Conversation) -> tuple[Checkpoint, ...]:
    """Named checkpoints that the session does not have, and nobody has deleted or moved."""
    named = [mark for mark in arriving.checkpoints if mark.label is not None]
    if not named:
        return ()
    family = kept.family(db, session.id)
    there = {(m.label, m.created_at) for number in family for m in checkpoints.of(db, number)}
    taken = {mark.label for mark in checkpoints.of(db, session.id)}
    return tuple(
        mark
        for mark in named
        if (mark.label, mark.created_at) not in there
        and mark.label not in taken
        and mark.position <= session.messages
        and not deleted.is_mark_deleted(db, session.uid, mark)
    )


def _branch_uid(parent_uid: str, first: Message) -> str:
    moment = rows.to_microseconds(first.created_at)
    return _uid(parent_uid, first.position, first.role, moment)


def _uid(parent_uid: str, position: int, role: str, moment: int) -> str:
    return uuid.uuid5(_NAMESPACE, f"{parent_uid}:{position}:{role}:{moment}").hex


def _name(name: str) -> str:
    return name[: MAX_NAME - len(_SUFFIX)].rstrip() + _SUFFIX


def _digest(db: Connection, ours: KeptMessage) -> str:
    moment = rows.to_datetime(ours.moment)
    role, status = rows.role(ours.role), rows.status(ours.status)
    message = Message(0, 0, role, ours.content, moment, status)
    return digest_of(message, kept.answered(db, ours.number))


@statement
def _session_and_message(uid: str, position: int) -> Select:
    """A session's number and length, and the message of its own at a position."""
    at = (MessageRow.session_id == SessionRow.id) & (MessageRow.position == position)
    found = SessionRow.select(
        *(SessionRow.id, SessionRow.message_count, *kept.COLUMNS),
        of=own(SessionRow.uid == uid, SessionRow),
    )
    return found.join(MessageRow, JOIN.LEFT_OUTER, on=at)
