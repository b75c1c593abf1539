"""Rows of sessions: made, named, and in order of use."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from peewee import SqliteDatabase, fn

from hfs_cli.errors import NotFoundError, UsageError
from hfs_cli.naming import MAX_NAME, normalise
from hfs_cli.store import rows
from hfs_cli.store.sqlite import indexing
from hfs_cli.store.tables import SessionRow
from hfs_cli.store.transcripts import fetch

if TYPE_CHECKING:
    from hfs_cli.conversations import Origin


def session_row(db: SqliteDatabase, session_id: int) -> dict[str, Any]:
    """A session's row by its id.

    Raises:
        NotFoundError: There is none.
    """
    found = fetch(db, "SELECT * FROM session WHERE id = ?", (session_id,))
    if not found:
        raise NotFoundError(f"session {session_id} does not exist any more: it was deleted")
    return found[0]


def next_use() -> Any:  # noqa: ANN401  peewee's own expression type
    """The number that makes a session the last used one."""
    # An alias: inside UPDATE the bare table would be the row that is being updated.
    latest = SessionRow.alias("latest")
    return latest.select(fn.COALESCE(fn.MAX(latest.use_seq), 0) + 1)


def touch(db: SqliteDatabase, session_id: int) -> None:
    """Make a session the last used one.

    Raises:
        NotFoundError: There is none.
    """
    session_row(db, session_id)
    now = rows.to_microseconds(datetime.now(UTC))
    change = SessionRow.update(use_seq=next_use(), updated_at=now)
    change.where(SessionRow.id == session_id).execute(db)


def refuse_taken(db: SqliteDatabase, name: str, but: int | None = None) -> None:
    """Refuse a name that a session other than `but` has.

    Raises:
        UsageError: It has.
    """
    found = fetch(db, "SELECT id FROM session WHERE name = ? AND id IS NOT ?", (name, but))
    if found:
        raise UsageError(f'the name "{name}" is taken by session {found[0]["id"]}: choose another')


def free_name(db: SqliteDatabase, name: str) -> str:
    """`name`, or the first of ``name (2)``, ``name (3)`` ... that is not taken."""
    name = normalise(name)
    # Room for the number; a cut must not end in white space.
    short = name[: MAX_NAME - 12].rstrip()
    if len(name) > MAX_NAME:
        name = short
    if not fetch(db, "SELECT 1 FROM session WHERE name = ?", (name,)):
        return name
    name = short
    # How many there are tells where to begin; only where some were deleted is there a
    # number or two to skip.
    taken = "SELECT count(*) AS n FROM session WHERE name >= ? AND name < ?"
    number = fetch(db, taken, (f"{name} (", f"{name} )"))[0]["n"] + 2
    while fetch(db, "SELECT 1 FROM session WHERE name = ?", (f"{name} ({number})",)):
        number += 1
    return f"{name} ({number})"


def add_session(db: SqliteDatabase, name: str, origin: Origin, now: datetime) -> int:
    """Insert an empty session; its id."""
    moment = rows.to_microseconds(now)
    session_id = int(
        SessionRow.insert(
            uid=uuid.uuid4().hex,
            name=name,
            origin=origin,
            message_count=0,
            created_at=moment,
            updated_at=moment,
        ).execute(db)
    )
    indexing.index_name(db, session_id, name)
    return session_id


def rename(db: SqliteDatabase, session_id: int, name: str) -> None:
    """Give a session another name.

    Raises:
        NotFoundError: There is no such session.
        UsageError: Another session has the name.
    """
    row = session_row(db, session_id)
    refuse_taken(db, name, but=session_id)
    indexing.unindex_name(db, session_id, row["name"])
    SessionRow.update(name=name).where(SessionRow.id == session_id).execute(db)
    indexing.index_name(db, session_id, name)
