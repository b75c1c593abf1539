"""Write a turn: its session and question before the request, its reply as it comes."""

import uuid
from datetime import UTC, datetime
from typing import Any

from peewee import Case, SqliteDatabase, fn

from hfs_cli.errors import NotFoundError, UsageError
from hfs_cli.messages import Attachment, ChatMessage, Opened, Opening, Reply
from hfs_cli.naming import automatic_name, check_name, normalise
from hfs_cli.store import indexing, rows
from hfs_cli.store.tables import AttachmentRow, MessageAttachmentRow, MessageRow, SessionRow
from hfs_cli.store.transcripts import context, fetch, system_in_force, transcript


def begin(db: SqliteDatabase, opening: Opening) -> Opened:
    """Keep the session (if new) and the question, and read what came before it.

    Raises:
        NotFoundError: The session to continue is gone.
        UsageError: The new session's name cannot be used or is taken.
    """
    now = datetime.now(UTC)
    session_id, count = _session(db, opening, now)
    history = transcript(db, session_id, count)
    system = system_in_force(history)
    if opening.no_system:
        system = None
    elif opening.system is not None and (opening.system or None) != system:
        system = opening.system or None
        count += 1
        add_message(db, session_id, count, ChatMessage("system", opening.system), now)
    count += 1
    question = add_message(db, session_id, count, opening.prompt, now)
    SessionRow.update(
        message_count=count,
        last_status="complete",
        model=opening.model,
        updated_at=rows.to_microseconds(now),
        use_seq=next_use(),
    ).where(SessionRow.id == session_id).execute(db)
    return Opened(
        session=rows.session(session_row(db, session_id)),
        user_message_id=question,
        messages=(*context(history), opening.prompt),
        system=system,
    )


def peek(db: SqliteDatabase, session_id: int, opening: Opening) -> Opened:
    """What a turn in a session would begin with, without keeping anything.

    Raises:
        NotFoundError: The session is gone.
    """
    row = session_row(db, session_id)
    history = transcript(db, session_id, row["message_count"])
    system = opening.system if opening.system is not None else system_in_force(history)
    return Opened(
        session=None,
        user_message_id=None,
        messages=(*context(history), opening.prompt),
        system=None if opening.no_system else system or None,
    )


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


def _session(db: SqliteDatabase, opening: Opening, now: datetime) -> tuple[int, int]:
    """The session's id and how many messages it has; made when it is new."""
    if opening.session_id is not None:
        row = session_row(db, opening.session_id)
        return row["id"], row["message_count"]
    name = None
    if opening.name is not None:
        name = check_name(opening.name)
        found = fetch(db, "SELECT id, message_count FROM session WHERE name = ?", (name,))
        if found and opening.or_existing:
            return found[0]["id"], found[0]["message_count"]
        refuse_taken(db, name)
    name = name or free_name(db, automatic_name(opening.prompt.content, now.astimezone()))
    return add_session(db, name, "chat", now), 0


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
    if not fetch(db, "SELECT 1 FROM session WHERE name = ?", (name,)):
        return name
    # How many there are tells where to begin; only where some were deleted is there a
    # number or two to skip.
    taken = "SELECT count(*) AS n FROM session WHERE name >= ? AND name < ?"
    number = fetch(db, taken, (f"{name} (", f"{name} )"))[0]["n"] + 2
    while fetch(db, "SELECT 1 FROM session WHERE name = ?", (f"{name} ({number})",)):
        number += 1
    return f"{name} ({number})"


def add_session(db: SqliteDatabase, name: str, origin: str, now: datetime) -> int:
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


def save_reply(db: SqliteDatabase, opened: Opened, reply: Reply, known: int | None) -> int:
    """Write the reply as it stands.

    Args:
        known: The row that an earlier call returned, or None for the first.

    Returns:
        The reply's row.

    Raises:
        NotFoundError: The session was deleted meanwhile.
    """
    if known is None:
        known = _add_reply(db, opened)
    before = fetch(db, "SELECT session_id, position, status FROM message WHERE id = ?", (known,))
    if not before:
        raise _deleted(opened)
    row = before[0]
    columns = _columns(reply)
    MessageRow.update(**columns).where(MessageRow.id == known).execute(db)
    if reply.status == "complete" and row["status"] == "partial":
        indexing.index_message(db, known, columns["content"])
    # Turns may overlap: only the last message's status is the session's.
    is_last = SessionRow.message_count == row["position"]
    SessionRow.update(
        updated_at=rows.to_microseconds(datetime.now(UTC)),
        last_status=Case(None, [(is_last, reply.status)], SessionRow.last_status),
    ).where(SessionRow.id == row["session_id"]).execute(db)
    return known


def _add_reply(db: SqliteDatabase, opened: Opened) -> int:
    assert opened.session is not None
    question = fetch(db, "SELECT id FROM message WHERE id = ?", (opened.user_message_id,))
    session = fetch(db, "SELECT * FROM session WHERE id = ?", (opened.session.id,))
    if not question or not session:
        raise _deleted(opened)
    position = session[0]["message_count"] + 1
    SessionRow.update(message_count=position).where(SessionRow.id == opened.session.id).execute(db)
    return int(
        MessageRow.insert(
            session=opened.session.id,
            position=position,
            role="assistant",
            content="",
            status="partial",
            created_at=rows.to_microseconds(datetime.now(UTC)),
            reply_to=opened.user_message_id,
        ).execute(db)
    )


def _columns(reply: Reply) -> dict[str, Any]:
    return {
        "content": rows.storable(reply.text),
        "reasoning": rows.storable(reply.reasoning),
        "status": reply.status,
        "finish_reason": reply.finish_reason,
        "finish_raw": reply.finish_raw,
        "model": reply.model,
        "tool_calls": rows.tool_calls_column(reply.tool_calls),
        "error": None if reply.error is None else rows.storable(reply.error),
        "first_token_s": reply.first_token_s,
        "total_s": reply.total_s,
        **rows.usage_columns(reply.usage),
    }


def _deleted(opened: Opened) -> NotFoundError:
    assert opened.session is not None
    return NotFoundError(
        f"session {opened.session.id} was deleted while its reply came: the reply is not kept"
    )
