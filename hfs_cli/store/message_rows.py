"""Rows of messages, and what messages carry."""

from datetime import datetime

from peewee import SqliteDatabase

from hfs_cli.messages import Attachment, ChatMessage
from hfs_cli.store import rows
from hfs_cli.store.sqlite import indexing
from hfs_cli.store.tables import AttachmentRow, MessageAttachmentRow, MessageRow


def add_message(
    db: SqliteDatabase, session_id: int, position: int, message: ChatMessage, now: datetime
) -> int:
    """Insert a message that is not a reply, with what it carries; its id."""
    message_id = int(
        MessageRow.insert(
            session=session_id,
            position=position,
            role=message.role,
            content=rows.storable(message.content),
            status="complete",
            created_at=rows.to_microseconds(now),
        ).execute(db)
    )
    indexing.index_message(db, message_id, rows.storable(message.content))
    for place, attachment in enumerate(message.attachments, 1):
        attach(db, message_id, place, attachment)
    return message_id


def attach(db: SqliteDatabase, message_id: int, place: int, attachment: Attachment) -> None:
    """Tie an attachment to a message; its bytes are kept once."""
    digest = None
    if attachment.url is None:
        import hashlib

        digest = hashlib.sha256(attachment.data).hexdigest()
        (AttachmentRow.insert(sha256=digest, data=attachment.data).on_conflict_ignore().execute(db))
    MessageAttachmentRow.insert(
        message=message_id,
        position=place,
        name=rows.storable(attachment.name),
        media_type=attachment.media_type,
        sha256=digest,
        url=attachment.url,
    ).execute(db)
