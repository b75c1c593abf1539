"""Named and automatic points in sessions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from peewee import SqliteDatabase

from hfs_cli.errors import NotFoundError, UsageError
from hfs_cli.naming import normalise
from hfs_cli.sanitize import sanitize_line
from hfs_cli.store import rows
from hfs_cli.store.session_rows import session_row
from hfs_cli.store.transcripts import LINEAGE, fetch

if TYPE_CHECKING:
    from hfs_cli.conversations import Checkpoint

_MAX_LABEL = 100


def add_automatic(
    db: SqliteDatabase, session_id: int, position: int, now: datetime, retention: int
) -> None:
    """Mark the end of a completed reply, and forget the oldest automatic marks.

    Args:
        retention: How many automatic ones the session keeps; 0 makes none.
    """
    if retention:
        _insert(db, session_id, position, None, now)
    # Above the newest `retention` there is at most one, unless the setting was lowered.
    db.execute_sql(
        """DELETE FROM checkpoint WHERE session_id = ? AND label IS NULL AND id NOT IN (
            SELECT id FROM checkpoint WHERE session_id = ? AND label IS NULL
            ORDER BY id DESC LIMIT ?)""",
        (session_id, session_id, retention),
    )


def create(db: SqliteDatabase, session_id: int, label: str | None) -> Checkpoint:
    """Mark the end of a session.

    Args:
        label: Its name; None numbers it: "1", "2" ... would be taken for positions, so
            "c1", "c2" ...

    Raises:
        NotFoundError: The session is gone.
        UsageError: The label is taken, or could be taken for a position.
    """
    count = session_row(db, session_id)["message_count"]
    if not count:
        raise UsageError(f"session {session_id} has no messages: there is nothing to mark")
    label = _free_label(db, session_id) if label is None else _check_label(label)
    if fetch(
        db, "SELECT 1 FROM checkpoint WHERE session_id = ? AND label = ?", (session_id, label)
    ):
        raise UsageError(f'session {session_id} has a checkpoint "{label}" already')
    made = _insert(db, session_id, count, label, datetime.now(UTC))
    return _checkpoint(fetch(db, "SELECT * FROM checkpoint WHERE id = ?", (made,))[0])


def of(db: SqliteDatabase, session_id: int) -> tuple[Checkpoint, ...]:
    """A session's own checkpoints, by position."""
    found = fetch(
        db, "SELECT * FROM checkpoint WHERE session_id = ? ORDER BY position, id", (session_id,)
    )
    return tuple(map(_checkpoint, found))


def delete(db: SqliteDatabase, session_id: int, label: str) -> None:
    """Delete a named checkpoint.

    Raises:
        NotFoundError: The session has none of this name.
    """
    deleted = db.execute_sql(
        "DELETE FROM checkpoint WHERE session_id = ? AND label = ?", (session_id, normalise(label))
    ).rowcount
    if not deleted:
        raise _unknown(db, session_id, label)


def position_of(db: SqliteDatabase, session_id: int, point: str) -> int:
    """The position that a number or a checkpoint's name stands for.

    The checkpoints of ancestors count as far as their messages are shared.

    Raises:
        NotFoundError: There is no such checkpoint or message.
    """
    count = session_row(db, session_id)["message_count"]
    if point.isascii() and point.isdigit():
        position = int(point[:18])
        if position > count:
            raise NotFoundError(f"session {session_id} has only {count} messages, not {point[:18]}")
        return position
    found = fetch(
        db,
        LINEAGE
        + """SELECT c.position FROM lineage l
        JOIN checkpoint c ON c.session_id = l.session_id AND c.position <= l.upto
        WHERE c.label = ? ORDER BY c.position DESC LIMIT 1""",
        (session_id, count, rows.storable(normalise(point))),
    )
    if not found:
        raise _set_aside(db, session_id, point) or _unknown(db, session_id, point)
    return int(found[0]["position"])


def _set_aside(db: SqliteDatabase, session_id: int, label: str) -> NotFoundError | None:
    """For a checkpoint that went with messages that were set aside: where it is now."""
    found = fetch(
        db,
        """WITH RECURSIVE family (id) AS (
            VALUES (?) UNION SELECT s.id FROM session s JOIN family f ON s.parent_id = f.id
        )
        SELECT c.session_id, c.position FROM checkpoint c JOIN family f ON f.id = c.session_id
        WHERE c.label = ? LIMIT 1""",
        (session_id, rows.storable(normalise(label))),
    )
    if not found:
        return None
    holder, position = found[0]["session_id"], found[0]["position"]
    return NotFoundError(
        f'the checkpoint "{label}" went with the branch {holder}: '
        f"hfs resume {holder}, or hfs sessions fork {holder} --at {position}"
    )


def _insert(
    db: SqliteDatabase, session_id: int, position: int, label: str | None, now: datetime
) -> int:
    cursor = db.execute_sql(
        "INSERT INTO checkpoint (session_id, position, label, created_at) VALUES (?, ?, ?, ?)",
        (session_id, position, label, rows.to_microseconds(now)),
    )
    return int(cursor.lastrowid)


def _check_label(label: str) -> str:
    label = normalise(label)
    shown = f'"{sanitize_line(label[:40])}"'
    if not label.strip() or label.isdigit():
        raise UsageError(f"{shown} would be taken for a message's number: add a letter")
    if len(label) > _MAX_LABEL or sanitize_line(label) != label:
        raise UsageError(
            f"a checkpoint's name has at most {_MAX_LABEL} characters and no control characters"
        )
    return label


def _free_label(db: SqliteDatabase, session_id: int) -> str:
    taken = {c.label for c in of(db, session_id)}
    return next(f"c{n}" for n in range(1, len(taken) + 2) if f"c{n}" not in taken)


def _unknown(db: SqliteDatabase, session_id: int, label: str) -> NotFoundError:
    there = ", ".join(f'"{c.label}"' for c in of(db, session_id) if c.label is not None)
    return NotFoundError(
        f'session {session_id} has no checkpoint "{sanitize_line(label[:40])}"'
        f" (there: {there or 'none'})"
    )


def _checkpoint(row: dict[str, Any]) -> Checkpoint:
    from hfs_cli.conversations import Checkpoint

    return Checkpoint(
        id=row["id"],
        session_id=row["session_id"],
        position=row["position"],
        label=row["label"],
        created_at=rows.to_datetime(row["created_at"]),
    )
