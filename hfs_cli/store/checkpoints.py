"""Checkpoints: points in sessions that have a name, or were set by a completed reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peewee import Query, Select

from hfs_cli.errors import NotFoundError, UsageError
from hfs_cli.naming import normalise
from hfs_cli.sanitize import sanitize_line
from hfs_cli.store import messages, rows, sessions
from hfs_cli.store.engine import Connection, statement
from hfs_cli.store.tables import CheckpointRow, SessionRow

if TYPE_CHECKING:
    from hfs_cli.conversations import Checkpoint

_MAX_LABEL = 100


@statement
def insert(session_id: int, position: int, label: str | None, created_at: int) -> Query:
    """Insert a checkpoint, whose label has been checked."""
    return CheckpointRow.insert(
        session_id=session_id, position=position, label=label, created_at=created_at
    )


def create(db: Connection, session_id: int, label: str | None = None) -> Checkpoint:
    """Mark the end of a session.

    Args:
        label: Its name; None numbers it: "1", "2" ... would be taken for positions, so
            "c1", "c2" ...

    Raises:
        NotFoundError: There is no such session.
        UsageError: The session is empty, or the name cannot be used or is taken.
    """
    count = sessions.get(db, session_id).messages
    if not count:
        raise UsageError(f"session {session_id} has no messages: there is nothing to mark")
    kept = of(db, session_id)
    taken = {c.label for c in kept}
    if label is None:
        label = next(f"c{n}" for n in range(1, len(kept) + 2) if f"c{n}" not in taken)
    elif (label := _check_label(label)) in taken:
        raise UsageError(f'session {session_id} has a checkpoint "{label}" already')
    insert(db, session_id, count, label, rows.now())
    return next(c for c in of(db, session_id) if c.label == label)


def of(db: Connection, session_id: int) -> tuple[Checkpoint, ...]:
    """A session's own checkpoints, by position; empty if there is no such session."""
    return tuple(map(rows.checkpoint, _of(db, session_id)))


@statement
def _of(session_id: int) -> Select:
    own = CheckpointRow.select(rows.CHECKPOINT).where(CheckpointRow.session_id == session_id)
    return own.order_by(CheckpointRow.position, CheckpointRow.id)


def delete(db: Connection, session_id: int, label: str) -> None:
    """Delete a named checkpoint.

    Raises:
        NotFoundError: The session has no checkpoint of this name.
    """
    from hfs_cli.store import deleted

    label = rows.storable(normalise(label))
    for mark in of(db, session_id):
        if mark.label == label:
            deleted.note_mark(db, sessions.get(db, session_id).uid, mark)
            CheckpointRow.delete().where(CheckpointRow.id == mark.id).execute(db)
            return
    raise _unknown(db, session_id, label)


def find(db: Connection, session_id: int, point: str) -> tuple[int, int]:
    """The point that a number or a checkpoint's name refers to.

    Checkpoints of ancestors count as far as their messages are shared. Where none of these has the
    name, those of branches count, which were set aside with what followed a point.

    Returns:
        The session itself, or its branch that holds the checkpoint, and the position.

    Raises:
        NotFoundError: There is no such checkpoint or message.
    """
    count = sessions.get(db, session_id).messages
    if point.isascii() and point.isdigit():
        position = int(point[:18])
        if position > count:
            raise NotFoundError(f"session {session_id} has only {count} messages, not {point[:18]}")
        return session_id, position
    label = rows.storable(normalise(point))
    for part in reversed(messages.lineage(db, session_id, count)):
        row = _at(db, part.session_id, label).fetchone()
        if row and (position := rows.numbers(row)[0]) <= part.upto:
            return session_id, position
    if found := _among_branches(db, session_id, label):
        return found
    oldest = messages.lineage(db, session_id)[0].session_id
    if found := _among_branches(db, oldest, label):
        raise NotFoundError(
            f'the checkpoint "{label}" is in another branch, {found[0]}: '
            f"hfs resume {found[0]}, or hfs sessions fork {found[0]} --at {found[1]}"
        )
    raise _unknown(db, session_id, label)


@statement
def _at(session_id: int, label: str) -> Select:
    named = CheckpointRow.select(CheckpointRow.position).where(CheckpointRow.label == label)
    return named.where(CheckpointRow.session_id == session_id)


def _among_branches(db: Connection, session_id: int, label: str) -> tuple[int, int] | None:
    """The nearest branch of a session that holds a checkpoint, and its position."""
    parents, seen = {session_id}, {session_id}
    while parents:
        held = CheckpointRow.select(CheckpointRow.session_id, CheckpointRow.position).where(
            CheckpointRow.label == label, CheckpointRow.session_id.in_(parents)
        )
        if row := db.execute(held).fetchone():
            holder, position = rows.numbers(row)
            return holder, position
        branches = SessionRow.select(SessionRow.id, of=None)
        branches = branches.where(SessionRow.parent_id.in_(parents))
        parents = {number for (number,) in db.execute(branches)} - seen
        seen |= parents
    return None


def _check_label(label: str) -> str:
    label = normalise(label)
    shown = f'"{sanitize_line(label[:40])}"'
    if not label.strip():
        raise UsageError("a checkpoint's label must not be empty")
    if label.isdigit():
        raise UsageError(f"{shown} would be taken for a message's number: add a letter")
    if len(label) > _MAX_LABEL or sanitize_line(label) != label:
        raise UsageError(
            f"a checkpoint's name has at most {_MAX_LABEL} characters and no control characters"
        )
    return label


def _unknown(db: Connection, session_id: int, label: str) -> NotFoundError:
    there = ", ".join(f'"{c.label}"' for c in of(db, session_id) if c.label is not None)
    return NotFoundError(
        f'session {session_id} has no checkpoint "{sanitize_line(label[:40])}": '
        f"it has {there or 'only automatic ones'}"
    )
