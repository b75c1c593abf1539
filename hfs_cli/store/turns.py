"""Write a turn: its session and question before the request, its reply as it comes."""

from datetime import UTC, datetime
from typing import Any

from peewee import Case, SqliteDatabase, fn

from hfs_cli.errors import NotFoundError
from hfs_cli.messages import ChatMessage, Message, Opened, Reply, Session, Turn
from hfs_cli.moments import local
from hfs_cli.naming import automatic_name, check_name
from hfs_cli.store import branches, checkpoints, rows
from hfs_cli.store.message_rows import add_message
from hfs_cli.store.session_rows import add_session, free_name, next_use, refuse_taken, session_row
from hfs_cli.store.sqlite import indexing
from hfs_cli.store.tables import MessageRow, SessionRow
from hfs_cli.store.transcripts import context, fetch, holds, system_in_force, transcript


def begin(db: SqliteDatabase, turn: Turn) -> Opened:
    """Keep the session (if new) and the question, and read what came before it.

    Raises:
        NotFoundError: The session to continue is gone.
        UsageError: The new session's name cannot be used or is taken.
    """
    if turn.place.answers is not None:
        return _begin_again(db, turn, turn.place.answers)
    now = datetime.now(UTC)
    session_id, count = _session(db, turn, now)
    if turn.place.at is not None and turn.place.at != count:
        branches.set_aside(db, session_id, turn.place.at, "rewind")
        count = turn.place.at
    history = transcript(db, session_id, count)
    system = system_in_force(history)
    if turn.no_system:
        system = None
    elif turn.system is not None and (turn.system or None) != system:
        system = turn.system or None
        count += 1
        add_message(db, session_id, count, ChatMessage("system", turn.system), now)
    count += 1
    question = add_message(db, session_id, count, turn.prompt, now)
    change = SessionRow.update(message_count=count, last_status="complete")
    change.where(SessionRow.id == session_id).execute(db)
    return Opened(
        session=_used(db, session_id, turn.model, now),
        user_message_id=question,
        messages=(*context(history), turn.prompt),
        system=system,
    )


def _begin_again(db: SqliteDatabase, turn: Turn, question_id: int) -> Opened:
    """Open a question that is kept already; what answered it is set aside by the new reply.

    Not now: if no reply comes, the session is as it was.
    """
    assert turn.place.session_id is not None
    row = session_row(db, turn.place.session_id)
    history = transcript(db, row["id"], row["message_count"])
    question = _question(history, question_id)
    earlier = _before(history, question)
    return Opened(
        session=_used(db, row["id"], turn.model, datetime.now(UTC)),
        user_message_id=question.id,
        messages=(*context(earlier), turn.prompt),
        system=None if turn.no_system else system_in_force(earlier),
    )


def _question(history: list[Message], question_id: int) -> Message:
    for message in history:
        if message.id == question_id:
            return message
    raise NotFoundError("the message to answer again is not in the session any more")


def _before(history: list[Message], question: Message) -> list[Message]:
    """What was said before a question: replies to earlier ones may have come after it."""
    return [
        m
        for m in history
        if m.position < question.position or (m.role == "assistant" and m.reply_to)
    ]


def _used(db: SqliteDatabase, session_id: int, model: str, now: datetime) -> Session:
    """Mark a session as the last used one.

    It goes on with the model that it has: another one becomes its own by replying, so that a
    model that does not exist is asked once and not ever after.
    """
    change = SessionRow.update(
        model=fn.COALESCE(SessionRow.model, model),
        updated_at=rows.to_microseconds(now),
        use_seq=next_use(),
    )
    change.where(SessionRow.id == session_id).execute(db)
    return rows.session(session_row(db, session_id))


def peek(db: SqliteDatabase, session_id: int, turn: Turn) -> Opened:
    """What a turn in a session would begin with, without keeping anything.

    Raises:
        NotFoundError: The session is gone.
    """
    row = session_row(db, session_id)
    count = row["message_count"] if turn.place.at is None else turn.place.at
    history = transcript(db, session_id, count)
    if turn.place.answers is not None:
        history = _before(history, _question(history, turn.place.answers))
    system = turn.system if turn.system is not None else system_in_force(history)
    return Opened(
        session=None,
        user_message_id=None,
        messages=(*context(history), turn.prompt),
        system=None if turn.no_system else system or None,
    )


def _session(db: SqliteDatabase, turn: Turn, now: datetime) -> tuple[int, int]:
    """The session's id and how many messages it has; made when it is new."""
    if turn.place.session_id is not None:
        row = session_row(db, turn.place.session_id)
        return row["id"], row["message_count"]
    name = None
    if turn.place.name is not None:
        name = check_name(turn.place.name)
        found = fetch(db, "SELECT id, message_count FROM session WHERE name = ?", (name,))
        if found and turn.place.or_existing:
            return found[0]["id"], found[0]["message_count"]
        refuse_taken(db, name)
    name = name or free_name(db, automatic_name(turn.prompt.content, local(now)))
    return add_session(db, name, "chat", now), 0


def save_reply(
    db: SqliteDatabase, opened: Opened, reply: Reply, known: int | None, retention: int
) -> int:
    """Write the reply as it stands.

    Args:
        known: The row that an earlier call returned, or None for the first.
        retention: How many automatic checkpoints the session keeps.

    Returns:
        The reply's row.

    Raises:
        NotFoundError: The session was deleted meanwhile.
    """
    if known is None:
        known = _add_reply(db, opened, reply.model)
    before = fetch(db, "SELECT session_id, position, status FROM message WHERE id = ?", (known,))
    if not before:
        raise _deleted(opened)
    row = before[0]
    columns = _columns(reply)
    MessageRow.update(**columns).where(MessageRow.id == known).execute(db)
    now = datetime.now(UTC)
    if reply.status == "complete" and row["status"] == "partial":
        indexing.index_message(db, known, columns["content"])
        checkpoints.add_automatic(db, row["session_id"], row["position"], now, retention)
    # Turns may overlap: only the last message's status is the session's.
    is_last = SessionRow.message_count == row["position"]
    SessionRow.update(
        updated_at=rows.to_microseconds(now),
        last_status=Case(None, [(is_last, reply.status)], SessionRow.last_status),
    ).where(SessionRow.id == row["session_id"]).execute(db)
    return known


def _add_reply(db: SqliteDatabase, opened: Opened, model: str) -> int:
    """Insert an empty reply at the end of the session that holds the question."""
    assert opened.session is not None
    found = fetch(
        db, "SELECT id, session_id, position FROM message WHERE id = ?", (opened.user_message_id,)
    )
    session = fetch(db, "SELECT * FROM session WHERE id = ?", (opened.session.id,))
    if not found or not session:
        raise _deleted(opened)
    question = found[0]
    if not holds(db, opened.session.id, question["session_id"], question["position"]):
        # The question was set aside meanwhile (a rewind): its reply goes with it.
        session = [session_row(db, question["session_id"])]
    elif session[0]["message_count"] == opened.session.messages > question["position"]:
        session = [_replies_set_aside(db, session[0], question)]
    position = session[0]["message_count"] + 1
    change = SessionRow.update(message_count=position, last_status="partial", model=model)
    change.where(SessionRow.id == session[0]["id"]).execute(db)
    return int(
        MessageRow.insert(
            session=session[0]["id"],
            position=position,
            role="assistant",
            content="",
            status="partial",
            created_at=rows.to_microseconds(datetime.now(UTC)),
            reply_to=opened.user_message_id,
        ).execute(db)
    )


def _replies_set_aside(
    db: SqliteDatabase, session: dict[str, Any], question: dict[str, Any]
) -> dict[str, Any]:
    """Make room for another reply: the ones so far become a branch.

    Where a reply to an earlier question stands among them (turns overlapped) they stay, and
    the new reply comes after them; the last reply to a question is the one that counts.
    """
    after = transcript(db, session["id"])[question["position"] :]
    if all(m.role == "assistant" and m.reply_to in {None, question["id"]} for m in after):
        branches.set_aside(db, session["id"], question["position"], "retry")
    return session_row(db, session["id"])


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
