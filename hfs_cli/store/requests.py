"""The requests that were answered, for `--reuse`: their replies are used again."""

from __future__ import annotations

from datetime import datetime

from hfs_cli.messages import Message
from hfs_cli.store import rows, sessions
from hfs_cli.store.engine import ByOwners, Connection
from hfs_cli.store.tables import MessageRow, RequestRow


def find_reply(db: Connection, sha256: str, since: datetime) -> Message | None:
    """The newest complete reply to a request that `note_request` recorded, or None.

    Args:
        since: Older replies do not count.
    """
    answered = MessageRow.select(rows.MESSAGE)
    answered = answered.join(RequestRow, on=RequestRow.message_id == MessageRow.id)
    asked = RequestRow.sha256 == sha256
    answered = answered.where(
        ByOwners(asked, one=asked & sessions.is_of_shown(MessageRow.session_id)),
        MessageRow.status == "complete",
        MessageRow.created_at >= rows.to_microseconds(since),
    )
    row = db.execute(answered.order_by(MessageRow.created_at.desc()).limit(1)).fetchone()
    return None if row is None else rows.message(row)


def note_request(db: Connection, message_id: int, sha256: str) -> None:
    """Record which request a reply answered, unless the reply was deleted meanwhile."""
    there = MessageRow.select(MessageRow.id).where(MessageRow.id == message_id)
    if db.execute(there).fetchone() is not None:
        RequestRow.insert(message_id=message_id, sha256=sha256).execute(db)
