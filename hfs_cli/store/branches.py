"""Part ways: fork a session, set its tail aside, and see the whole family.

A branch is a session that names its parent and how many of the parent's messages it begins
with. Nothing is copied: a fork is one row, and setting a tail aside gives the tail's rows to
a new session.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from peewee import SqliteDatabase

from hfs_cli.errors import NotFoundError, UsageError
from hfs_cli.naming import check_name
from hfs_cli.store import checkpoints, rows
from hfs_cli.store.session_rows import (
    add_session,
    free_name,
    next_use,
    refuse_taken,
    session_row,
    touch,
)
from hfs_cli.store.tables import SessionRow
from hfs_cli.store.transcripts import LINEAGE, fetch, transcript

if TYPE_CHECKING:
    from hfs_cli.conversations import Branch, Origin

_NAMES = {"rewind": "rewound", "undo": "undone", "retry": "variant"}


def fork(db: SqliteDatabase, session_id: int, at: int | None, name: str | None) -> int:
    """A new session that begins with another's messages.

    Args:
        at: How many messages; None for all of them.
        name: Its name, or None for the parent's with "(fork)".

    Returns:
        The fork's id; it is the last used session now.

    Raises:
        NotFoundError: The session, or that many messages, are not there.
        UsageError: The name cannot be used or is taken.
    """
    row = session_row(db, session_id)
    at = row["message_count"] if at is None else at
    _check_position(row, at, first=1)
    if name is not None:
        name = check_name(name)
        refuse_taken(db, name)
    forked = add_session(
        db, name or free_name(db, f"{row['name']} (fork)"), "fork", datetime.now(UTC)
    )
    SessionRow.update(
        parent=session_id,
        fork_position=at,
        message_count=at,
        model=row["model"],
        last_status=_status_at(db, session_id, at),
        use_seq=next_use(),
    ).where(SessionRow.id == forked).execute(db)
    return forked


def set_aside(db: SqliteDatabase, session_id: int, keep: int, origin: Origin) -> int:
    """Let a session continue from an earlier point; what followed becomes a branch.

    Args:
        keep: How many messages the session keeps.
        origin: Why.

    Returns:
        The branch's id. It is not listed until it is used.

    Raises:
        NotFoundError: The session does not have that many messages.
        UsageError: There is nothing after them.
    """
    row = session_row(db, session_id)
    _check_position(row, keep, first=0)
    if keep == row["message_count"]:
        raise UsageError(f"session {session_id} already ends at message {keep}")
    name = free_name(db, f"{row['name']} ({_NAMES[origin]})")
    branch = add_session(db, name, origin, datetime.now(UTC))
    shares, parent = keep, session_id
    if row["parent_id"] is not None and keep < row["fork_position"]:
        # The cut lies in what the session shares: it becomes a shorter fork of its parent,
        # and the branch takes the place that it had.
        shares, parent = row["fork_position"], row["parent_id"]
        SessionRow.update(fork_position=keep).where(SessionRow.id == session_id).execute(db)
    SessionRow.update(
        parent=parent,
        fork_position=shares,
        message_count=row["message_count"],
        model=row["model"],
        last_status=row["last_status"],
        updated_at=row["updated_at"],
    ).where(SessionRow.id == branch).execute(db)
    _move(db, session_id, branch, keep)
    status = _status_at(db, session_id, keep)
    change = SessionRow.update(message_count=keep, last_status=status)
    change.where(SessionRow.id == session_id).execute(db)
    touch(db, session_id)
    return branch


def _move(db: SqliteDatabase, session_id: int, branch: int, keep: int) -> None:
    """Give messages, checkpoints and forks that lie after `keep` to the branch."""
    for statement in (
        "UPDATE message SET session_id = ? WHERE session_id = ? AND position > ?",
        "UPDATE checkpoint SET session_id = ? WHERE session_id = ? AND position > ?",
    ):
        db.execute_sql(statement, (branch, session_id, keep))
    db.execute_sql(
        "UPDATE session SET parent_id = ? WHERE parent_id = ? AND fork_position > ? AND id <> ?",
        (branch, session_id, keep, branch),
    )


def undo(db: SqliteDatabase, session_id: int, turns: int) -> int:
    """Set the last turns aside, each a user message and all that follows it.

    Returns:
        The branch's id.

    Raises:
        UsageError: The session does not have that many turns.
    """
    messages = transcript(db, session_id)
    questions = [m.position for m in messages if m.role == "user"]
    if len(questions) < turns:
        raise UsageError(f"session {session_id} has {len(questions)} turns, not {turns}")
    keep = questions[-turns] - 1
    # A system prompt that came with the turn goes with it; the first one is the session's.
    while keep > 1 and messages[keep - 1].role == "system":
        keep -= 1
    return set_aside(db, session_id, keep, "undo")


def family(db: SqliteDatabase, session_id: int) -> list[Branch]:
    """A session's family: the oldest first, each followed by what parted from it."""
    from hfs_cli.conversations import Branch

    row = session_row(db, session_id)
    while row["parent_id"] is not None:
        row = session_row(db, row["parent_id"])
    found: list[Branch] = []
    # Not recursion: a fork of a fork of a fork may go on longer than Python's stack.
    todo = [(row, 0)]
    while todo:
        row, depth = todo.pop()
        found.append(
            Branch(
                session=rows.session(row),
                origin=row["origin"],
                listed=row["use_seq"] is not None,
                depth=depth,
                turns=_turn_ends(db, row),
                checkpoints=checkpoints.of(db, row["id"]),
            )
        )
        children = fetch(
            db,
            "SELECT * FROM session WHERE parent_id = ? ORDER BY fork_position, id",
            (row["id"],),
        )
        todo += [(child, depth + 1) for child in reversed(children)]
    return found


def _turn_ends(db: SqliteDatabase, row: dict[str, Any]) -> tuple[int, ...]:
    """Where the session's own turns end: before the next question, and at the end."""
    found = fetch(
        db,
        "SELECT position - 1 AS e FROM message WHERE session_id = ? AND role = 'user' ORDER BY e",
        (row["id"],),
    )
    ends = (*(f["e"] for f in found), row["message_count"])
    return tuple(e for e in dict.fromkeys(ends) if e > (row["fork_position"] or 0))


def _check_position(row: dict[str, Any], position: int, *, first: int) -> None:
    count = row["message_count"]
    if not first <= position <= count:
        raise NotFoundError(
            f"session {row['id']} has messages {min(first, count)} to {count}, not {position}"
        )


def _status_at(db: SqliteDatabase, session_id: int, position: int) -> str | None:
    found = fetch(
        db,
        LINEAGE
        + """SELECT m.status FROM lineage l
        JOIN message m ON m.session_id = l.session_id AND m.position <= l.upto
        WHERE m.position = ?""",
        (session_id, position, position),
    )
    return found[0]["status"] if found else None
