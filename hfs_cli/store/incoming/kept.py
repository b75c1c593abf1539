"""Read kept messages and sessions, as an import compares them with what arrives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from peewee import Select, fn

from hfs_cli.messages import Session
from hfs_cli.store import messages, rows
from hfs_cli.store.engine import Connection, Row, own, statement
from hfs_cli.store.tables import CallRow, MessageRow, SessionRow


class KeptMessage(NamedTuple):
    """What is compared of a message; a partial one has all its pieces."""

    number: int
    session_id: int
    position: int
    role: str
    content: str
    moment: int
    status: str


# The columns that `from_row` takes.
COLUMNS = (
    MessageRow.id,
    MessageRow.session_id,
    MessageRow.position,
    MessageRow.role,
    MessageRow.content,
    MessageRow.created_at,
    MessageRow.status,
)


def from_row(db: Connection, row: Row) -> KeptMessage:
    """A message, made from the values of its `COLUMNS`."""
    number, session_id, position, moment = rows.numbers((row[0], row[1], row[2], row[5]))
    role, content, status = rows.texts((row[3], row[4], row[6]))
    if status == "partial":
        content, _ = messages.with_pieces(db, number, content, "")
    return KeptMessage(number, session_id, position, role, content, moment, status)


def session_of_uid(db: Connection, uid: str) -> Session | None:
    """The session with a uid, shown or not."""
    row = _of_uid(db, uid).fetchone()
    return None if row is None else rows.session(row)


def session(db: Connection, number: int) -> Session:
    """A session that some row refers to, shown or not."""
    row = _session(db, number).fetchone()
    assert row is not None
    return rows.session(row)


def family(db: Connection, session_id: int) -> list[int]:
    """The oldest ancestor of a session, and everything that descends from it."""
    oldest = messages.lineage(db, session_id)[0].session_id
    found = {oldest: None}
    todo = [oldest]
    while todo:
        for (number,) in list(_children(db, todo.pop())):
            if number not in found:
                found[number] = None
                todo.append(number)
    return list(found)


def path(db: Connection, session_id: int, after: int) -> list[KeptMessage]:
    """The messages of a transcript after a position."""
    return [
        message
        for part in messages.lineage(db, session_id)
        for message in own_messages(db, part.session_id)
        if after < message.position <= part.upto
    ]


def own_messages(db: Connection, session_id: int) -> list[KeptMessage]:
    """The messages of a session that it does not share with its parent."""
    return [from_row(db, row) for row in list(_own_messages(db, session_id))]


def message_at(db: Connection, session_id: int, position: int) -> KeptMessage | None:
    """The message at a position of a transcript."""
    for part in messages.lineage(db, session_id, position):
        if part.upto == position and (row := _at(db, part.session_id, position).fetchone()):
            return from_row(db, row)
    return None


def message(db: Connection, number: int) -> KeptMessage | None:
    """A message by its number."""
    row = _message(db, number).fetchone()
    return None if row is None else from_row(db, row)


def holders(db: Connection, sessions: Sequence[int], position: int) -> list[int]:
    """Which of some sessions have a message of their own at a position."""
    return [number for number in sessions if _at(db, number, position).fetchone() is not None]


def answered(db: Connection, number: int) -> int:
    """How many calls of a message have a result."""
    row = _results(db, number).fetchone()
    return 0 if row is None else int(row[0])


@statement
def _of_uid(uid: str) -> Select:
    return SessionRow.select(rows.SESSION, of=own(SessionRow.uid == uid, SessionRow))


@statement
def _session(number: int) -> Select:
    return SessionRow.select(rows.SESSION, of=None).where(SessionRow.id == number)


@statement
def _children(session_id: int) -> Select:
    return SessionRow.select(SessionRow.id, of=None).where(SessionRow.parent_id == session_id)


@statement
def _own_messages(session_id: int) -> Select:
    there = MessageRow.select(*COLUMNS).where(MessageRow.session_id == session_id)
    return there.order_by(MessageRow.position)


@statement
def _at(session_id: int, position: int) -> Select:
    there = MessageRow.select(*COLUMNS).where(MessageRow.session_id == session_id)
    return there.where(MessageRow.position == position)


@statement
def _message(number: int) -> Select:
    return MessageRow.select(*COLUMNS).where(MessageRow.id == number)


@statement
def _results(number: int) -> Select:
    return CallRow.select(fn.COUNT(CallRow.result)).where(CallRow.message_id == number)
