"""Write a turn: its session and question before the request, its reply as it comes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from peewee import Case, Query, Select, fn

from hfs_cli.errors import NotFoundError
from hfs_cli.messages import Call, ChatMessage, Message, Opened, Reply, Status, Turn
from hfs_cli.moments import local
from hfs_cli.naming import automatic_name, check_name
from hfs_cli.store import checkpoints, messages, rows, sessions
from hfs_cli.store.engine import Connection, statement
from hfs_cli.store.tables import MessageRow, PieceRow, SessionRow


def begin(db: Connection, turn: Turn, is_asked: Callable[[int], bool]) -> Opened:
    """Keep the session (if new) and the question, and read what came before it.

    The session is not used yet: it becomes the last used one with its reply, so that a refused
    request changes nothing of what ``-c`` continues, and a new session without one is not listed.

    Args:
        is_asked: Whether somebody waits for the first reply of a session; see `Engine.is_asked`.

    Raises:
        NotFoundError: The session to continue is gone.
        UsageError: The new session's name cannot be used or is taken.
    """
    if turn.place.answers is not None:
        return _begin_again(db, turn, turn.place.answers)
    now = datetime.now(UTC)
    session_id, count = _session(db, turn, is_asked)
    if turn.place.at is not None and turn.place.at != count:
        from hfs_cli.store import branches

        branches.set_aside(db, session_id, turn.place.at, "rewind")
        count = turn.place.at
    history = messages.transcript(db, session_id, count) if count else []
    system = messages.system_in_force(history)
    if turn.no_system:
        system = None
    elif turn.system is not None and (turn.system or None) != system:
        system = turn.system or None
        count += 1
        messages.add(db, session_id, count, ChatMessage("system", turn.system), now)
    count += 1
    question = messages.add(db, session_id, count, turn.prompt, now)
    _asked(db, session_id, count, turn.model)
    return Opened(
        session=sessions.get(db, session_id),
        user_message_id=question,
        messages=(*messages.context(history), turn.prompt),
        system=system,
    )


@statement
def _asked(session_id: int, count: int, model: str) -> Query:
    """Count a question that a session has gained.

    The session keeps its model. Another one becomes its own by replying, so that a model that does
    not exist is asked once and not in every later turn.
    """
    change = SessionRow.update(
        message_count=count,
        last_status="complete",
        model=fn.COALESCE(SessionRow.model, model),
    )
    return change.where(SessionRow.id == session_id)


def _begin_again(db: Connection, turn: Turn, question_id: int) -> Opened:
    """Open a question that is kept already; what answered it is set aside by the new reply.

    Not now: if no reply comes, the session is as it was.
    """
    assert turn.place.session_id is not None
    session = sessions.get(db, turn.place.session_id)
    history = messages.transcript(db, session.id, session.messages)
    earlier = said_before(history, question_id)
    question = _question(history, question_id)
    if question.error is not None:  # its request runs once more
        MessageRow.update(error=None).where(MessageRow.id == question.id).execute(db)
    # What is asked for this one reply is not kept: the question stands where it stood.
    system = messages.system_in_force(earlier) if turn.system is None else turn.system
    return Opened(
        session=session,
        user_message_id=question.id,
        messages=(*messages.context(earlier), turn.prompt),
        system=None if turn.no_system else system or None,
    )


def _question(history: list[Message], question_id: int) -> Message:
    for message in history:
        if message.id == question_id:
            return message
    raise NotFoundError("the message to answer again is not in the session any more")


def said_before(history: list[Message], question_id: int) -> list[Message]:
    """What was said before a question: replies to earlier ones may have come after it.

    So may a summary of what was said before it.

    Raises:
        NotFoundError: The question is not there any more.
    """
    position = _question(history, question_id).position
    return [
        m
        for m in history
        if m.position < position
        or (m.role == "assistant" and m.reply_to)
        or (m.stands_for is not None and m.stands_for < position)
    ]


def peek(db: Connection, session_id: int, turn: Turn) -> Opened:
    """What a turn in a session would begin with, without keeping anything.

    Raises:
        NotFoundError: The session is gone.
    """
    session = sessions.get(db, session_id)
    count = session.messages if turn.place.at is None else turn.place.at
    history = messages.transcript(db, session_id, count)
    if turn.place.answers is not None:
        history = said_before(history, turn.place.answers)
    system = turn.system if turn.system is not None else messages.system_in_force(history)
    return Opened(
        session=None,
        user_message_id=None,
        messages=(*messages.context(history), turn.prompt),
        system=None if turn.no_system else system or None,
    )


def _session(db: Connection, turn: Turn, is_asked: Callable[[int], bool]) -> tuple[int, int]:
    """The session's id and how many messages it has; made when it is new."""
    if turn.place.session_id is not None:
        return turn.place.session_id, sessions.get(db, turn.place.session_id).messages
    if turn.place.name is None:
        automatic = automatic_name(turn.prompt.content, local(datetime.now(UTC)))
        return sessions.add(db, sessions.free_name(db, automatic), "chat"), 0
    name = check_name(turn.place.name)
    found = sessions.find(db, name)
    # A request that was refused, or killed, has not taken the name; one that still waits has.
    if found and (
        turn.place.or_existing
        or (found.unanswered and (_was_refused(db, found.id) or not is_asked(found.id)))
    ):
        return found.id, found.messages
    sessions.refuse_taken(db, name)
    return sessions.add(db, name, "chat"), 0


def note_refusal(db: Connection, session_id: int, why: str) -> None:
    """Record why a session's last question has no reply; until then its request may be running."""
    if (row := db.execute(_last_message(session_id)).fetchone()) and row[1] == "user":
        noted = MessageRow.update(error=rows.storable(why))
        noted.where(MessageRow.id == rows.numbers(row[:1])[0]).execute(db)


def _was_refused(db: Connection, session_id: int) -> bool:
    row = db.execute(_last_message(session_id)).fetchone()
    return row is not None and row[2] is not None


def _last_message(session_id: int) -> Query:
    chosen = MessageRow.select(MessageRow.id, MessageRow.role, MessageRow.error)
    chosen = chosen.where(MessageRow.session_id == session_id)
    return chosen.order_by(MessageRow.position.desc()).limit(1)


def add_summary(db: Connection, session_id: int, reply: Reply, stands_for: int) -> int:
    """Keep a summary at the end of a session; its position.

    Args:
        stands_for: How many messages, from the first, it stands for.

    Raises:
        NotFoundError: The session, or what it stands for, is not there any more.
    """
    session = sessions.get(db, session_id)
    if stands_for > session.messages:
        raise NotFoundError(f"session {session_id} was changed while it was summarised")
    now = rows.to_microseconds(datetime.now(UTC))
    position = session.messages + 1
    content = rows.storable(reply.text)
    insert = MessageRow.insert(
        session_id=session_id,
        position=position,
        role="assistant",
        content=content,
        created_at=now,
        stands_for=stands_for,
        **rows.message_columns(reply),
    )
    db.index_message(int(insert.execute(db)), content)
    sessions.change(
        db, session_id, message_count=position, last_status=reply.status, updated_at=now
    )
    return position


class Rows(NamedTuple):
    """The rows that a reply is tied to.

    Args:
        known: Its own, which an earlier save returned, or None.
        answered: That of its question, or of the step before it in its turn.
    """

    known: int | None
    answered: int


def save_reply(db: Connection, opened: Opened, reply: Reply, at: Rows, retention: int) -> int:
    """Write a reply as it is so far, with the calls that it asks for; see `Keeper.save_reply`.

    Args:
        retention: How many automatic checkpoints the session keeps.

    Returns:
        The reply's row.
    """
    if at.known is not None:
        _drop_pieces(db, at.known)
    columns = {"content": rows.storable(reply.text), **rows.message_columns(reply)}
    saved = _write(db, opened, reply, columns, at, retention)
    for place, call in enumerate(reply.tool_calls, 1):
        messages.put_call(db, saved, place, call)
    return saved


def save_piece(db: Connection, opened: Opened, piece: Reply, at: Rows) -> int:
    """Add to a reply that is still coming, and return its row; see `Keeper.save_piece`.

    The message itself stays small, so that a long reply is not written again each time: of a reply
    of 10 MB that takes ten seconds, 10 MB are written and not 50.
    """
    columns = rows.message_columns(piece)
    reasoning = columns.pop("reasoning")
    if at.known is None:
        columns |= {"content": "", "reasoning": ""}
    saved = _write(db, opened, piece, columns, at, retention=0)
    _add_piece(db, saved, rows.storable(piece.text), str(reasoning))
    return saved


def save_call(db: Connection, message_id: int, position: int, call: Call) -> None:
    """See `hfs_cli.turn.protocols.Keeper`."""
    if _reply(db, message_id).fetchone() is None:
        raise NotFoundError(
            "the session was deleted while a tool ran: what it did, and its result, are not kept"
        )
    messages.put_call(db, message_id, position, call)


@statement
def _add_piece(message_id: int, content: str, reasoning: str) -> Query:
    return PieceRow.insert(message_id=message_id, content=content, reasoning=reasoning)


@statement
def _drop_pieces(message_id: int) -> Query:
    return PieceRow.delete().where(PieceRow.message_id == message_id)


def _write(
    db: Connection,
    opened: Opened,
    reply: Reply,
    columns: dict[str, object],
    at: Rows,
    retention: int,
) -> int:
    now = datetime.now(UTC)
    known = at.known
    row = None if known is None else _reply(db, known).fetchone()
    if known is None:
        session_id, position = _place(db, opened, at.answered, first=reply.step == 0)
        insert = MessageRow.insert(
            session_id=session_id,
            position=position,
            role="assistant",
            created_at=rows.to_microseconds(now),
            reply_to=at.answered,
            **columns,
        )
        known = int(insert.execute(db))
        use = sessions.next_use()
        sessions.change(db, session_id, message_count=position, model=reply.model, use_seq=use)
        was: Status = "partial"
    elif row:
        session_id, position = rows.numbers(row[:2])
        was = rows.status(row[2])
        MessageRow.update(**columns).where(MessageRow.id == known).execute(db)
    else:
        raise _deleted(opened)
    if reply.status == "complete" and was == "partial":
        db.index_message(known, str(columns["content"]))
        if not reply.tool_calls:  # the turn goes on
            checkpoints.add_automatic(db, session_id, position, now, retention)
    _answered(db, session_id, position, reply.status, rows.to_microseconds(now))
    return known


@statement
def _answered(session_id: int, position: int, status: str, now: int) -> Query:
    # Turns may overlap: only the last message's status is the session's.
    last = Case(None, [(SessionRow.message_count == position, status)], SessionRow.last_status)
    change = SessionRow.update(updated_at=now, last_status=last)
    return change.where(SessionRow.id == session_id)


@statement
def _reply(message_id: int) -> Select:
    row = MessageRow.select(MessageRow.session_id, MessageRow.position, MessageRow.status)
    return row.where(MessageRow.id == message_id)


def _place(db: Connection, opened: Opened, answered: int, *, first: bool) -> tuple[int, int]:
    """Where a new reply goes: a session and a position in it.

    Args:
        answered: The question, or the step before it.
        first: Whether it is the first step of its turn.
    """
    assert opened.session is not None
    question = _reply(db, answered).fetchone()
    try:
        session = sessions.get(db, opened.session.id)
    except NotFoundError:
        raise _deleted(opened) from None
    if question is None:
        raise _deleted(opened)
    owner, position = rows.numbers(question[:2])
    if not _holds(db, session.id, owner, position):
        # The question was set aside meanwhile (a rewind): its reply goes with it.
        session = sessions.get(db, owner)
    elif first and session.messages == opened.session.messages > position:
        _set_replies_aside(db, session.id, answered, position)
        session = sessions.get(db, session.id)
    return session.id, session.messages + 1


def _holds(db: Connection, session_id: int, owner_id: int, position: int) -> bool:
    """Whether a message that is kept with `owner_id` is part of a session's transcript."""
    if session_id == owner_id:
        return True
    parts = messages.lineage(db, session_id)
    return any(part.session_id == owner_id and part.upto >= position for part in parts)


def _set_replies_aside(db: Connection, session_id: int, question_id: int, position: int) -> None:
    """Make room for another reply: the ones so far become a branch.

    Where a reply to an earlier question stands among them (turns overlapped) they stay, and
    the new reply comes after them; the last reply to a question is the one that counts. What
    comes up to a summary stays too, for the new reply goes on from that.
    """
    own, last = {None, question_id}, position
    for message in messages.transcript(db, session_id)[position:]:
        last = message.position
        if message.stands_for is not None:
            position = last
            continue
        if message.role != "assistant" or message.reply_to not in own:
            return
        own.add(message.id)
    if last == position:
        return
    from hfs_cli.store import branches

    branches.set_aside(db, session_id, position, "retry")


def _deleted(opened: Opened) -> NotFoundError:
    assert opened.session is not None
    return NotFoundError(
        f"session {opened.session.id} was deleted while its reply came: the reply is not kept"
    )
