"""What was deleted here, so that an import does not bring it back: uids and nothing else.

An entry is forgotten a year after an import last met it: by then nobody has a copy that comes in
again and again, and what nobody sends needs no entry.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from peewee import ColumnBase, Insert, Query, Select, Value

from hfs_cli.store import rows
from hfs_cli.store.engine import Connection, own, statement
from hfs_cli.store.tables import DeletedRow, SessionRow

if TYPE_CHECKING:
    from hfs_cli.conversations import Checkpoint

_KEPT = timedelta(days=365)
# How old an entry has to be before an import that meets it renews it: so most imports write none.
_MET_ANEW = timedelta(days=30)
# Names of checkpoints are private, too: only a digest is kept (RFC 9562, version 5).
_NAMESPACE = uuid.UUID("0d6f2f0e-51a4-5d0b-9c1d-686673646c74")


def note(db: Connection, which: ColumnBase) -> None:
    """Note that sessions are deleted, before they are.

    Args:
        which: The condition that their rows meet.
    """
    columns = SessionRow.uid, Value(rows.now(), converter=False)
    there = SessionRow.select(*columns, of=None).where(which)
    insert = DeletedRow.insert_from(there, [DeletedRow.uid, DeletedRow.seen_at])
    _seen_last(insert).execute(db)


def note_mark(db: Connection, session_uid: str, mark: Checkpoint) -> None:
    """Note that a named checkpoint is deleted."""
    insert = DeletedRow.insert(uid=_uid_of(session_uid, mark), seen_at=rows.now())
    _seen_last(insert).execute(db)


def _seen_last(insert: Insert) -> Insert:
    """Where there is an entry already, give it the later time."""
    once = [DeletedRow.uid, DeletedRow.owner]
    return insert.on_conflict(conflict_target=once, preserve=[DeletedRow.seen_at])


def is_deleted(db: Connection, uid: str) -> bool:
    """Whether a session was deleted here."""
    return _seen(db, uid).fetchone() is not None


def is_mark_deleted(db: Connection, session_uid: str, mark: Checkpoint) -> bool:
    """Whether a named checkpoint was deleted here."""
    return is_deleted(db, _uid_of(session_uid, mark))


def met(db: Connection, uids: list[str]) -> None:
    """Renew the entries that an import has met."""
    now = rows.now()
    for uid in uids:
        _meet(db, uid, now, now - _MET_ANEW // timedelta(microseconds=1))


def restored(db: Connection, number: int) -> None:
    """Forget that what an import has brought was deleted."""
    brought = SessionRow.select(SessionRow.uid, of=None).where(SessionRow.import_id == number)
    DeletedRow.delete().where(own(DeletedRow.uid.in_(brought), DeletedRow)).execute(db)


def forget_old(db: Connection) -> None:
    """Forget what no import has met for a year."""
    long_ago = rows.now() - _KEPT // timedelta(microseconds=1)
    DeletedRow.delete().where(own(DeletedRow.seen_at < long_ago, DeletedRow)).execute(db)


@statement
def _seen(uid: str) -> Select:
    return DeletedRow.select(DeletedRow.seen_at).where(own(DeletedRow.uid == uid, DeletedRow))


@statement
def _meet(uid: str, now: int, before: int) -> Query:
    seen = DeletedRow.update(seen_at=now)
    return seen.where(own(DeletedRow.uid == uid, DeletedRow), DeletedRow.seen_at < before)


def _uid_of(session_uid: str, mark: Checkpoint) -> str:
    moment = rows.to_microseconds(mark.created_at)
    return uuid.uuid5(_NAMESPACE, f"{session_uid}:{moment}:{mark.label}").hex
