"""Take away what an import has brought."""

from __future__ import annotations

from collections.abc import Sequence

from hfs_cli.store import rows
from hfs_cli.store.engine import Connection, Engine, own
from hfs_cli.store.incoming import bulk
from hfs_cli.store.messages import CALL_TEXT, drop_bytes
from hfs_cli.store.tables import CallRow, ImportRow, MessageAttachmentRow, MessageRow, SessionRow

# How many sessions one transaction takes away.
_SESSIONS = 50


def take_back(engine: Engine) -> None:
    """Delete what one's own imports that did not end have brought, a little at a time.

    Only for the holder of the lock of `Engine.importing`: then all of them are dead.
    """
    while True:
        with engine.staging() as db:
            going_on = own(ImportRow.ended_at.is_null(), ImportRow)
            row = db.execute(ImportRow.select(ImportRow.id).where(going_on))
            if (unfinished := row.fetchone()) is None:
                return
            _take_back_some(db, rows.numbers(unfinished)[0])


def _take_back_some(db: Connection, number: int) -> None:
    """Delete as much of an import as one transaction may, and the import itself in the end."""
    brought = SessionRow.select(SessionRow.id, of=None).where(SessionRow.import_id == number)
    some = list(db.execute(brought.limit(_SESSIONS)))
    left = bulk.MESSAGES
    for (session_id,) in some:
        left = remove_messages(db, session_id, left)
        if not left:
            return
        remove_session(db, session_id)
    if not some:
        ImportRow.delete().where(ImportRow.id == number).execute(db)


def remove_session(db: Connection, session_id: int) -> None:
    """Delete a session that is not shown, and whose messages are gone."""
    row = db.execute(SessionRow.select(SessionRow.name, of=None).where(SessionRow.id == session_id))
    db.unindex("session", session_id, *(row.fetchone() or ("",)))
    children = SessionRow.update(parent_id=None, fork_position=None)
    children.where(SessionRow.parent_id == session_id).execute(db)
    SessionRow.delete().where(SessionRow.id == session_id).execute(db)


def remove_messages(db: Connection, session_id: int, most: int) -> int:
    """Delete up to a number of a session's messages.

    Returns:
        How many more it might have been; 0 where some may be left.
    """
    there = MessageRow.select(MessageRow.id, MessageRow.content, MessageRow.status)
    there = there.where(MessageRow.session_id == session_id).limit(most)
    size = 0
    ids = []
    for message_id, content, status in db.execute(there):
        ids.append(message_id)
        size += len(content)
        if status == "complete":
            db.unindex("message", message_id, content)
        if size > bulk.CHARACTERS:
            most = len(ids)
            break
    if ids:
        _remove_rows(db, ids)
    return most - len(ids)


def remove_message(db: Connection, number: int) -> None:
    """Delete one message."""
    complete = (MessageRow.id == number) & (MessageRow.status == "complete")
    for (content,) in list(db.execute(MessageRow.select(MessageRow.content).where(complete))):
        db.unindex("message", number, content)
    _remove_rows(db, [number])


def _remove_rows(db: Connection, ids: Sequence[int]) -> None:
    """Delete messages that are no longer in the index, with what only they carry."""
    tie = MessageAttachmentRow
    carried = tie.select(tie.sha256).where(tie.message_id.in_(ids), tie.sha256.is_null(False))
    digests = [digest for (digest,) in db.execute(carried.distinct())]
    if digests:
        tie.delete().where(tie.message_id.in_(ids)).execute(db)
        drop_bytes(db, digests)
    called = CallRow.select(CallRow.id, CALL_TEXT).where(CallRow.message_id.in_(ids))
    for call_id, text in list(db.execute(called.where(CallRow.result.is_null(False)))):
        db.unindex("call", call_id, text)
    MessageRow.delete().where(MessageRow.id.in_(ids)).execute(db)
