"""Write a turn: its session and question before the request, its reply as it comes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from peewee import Case, Query, Select, fn

from hfs_cli.errors import NotFoundError
from hfs_cli.messages import Call, ChatMessage, Message, Opened, Place, Reply, Status, Turn
from hfs_cli.moments import local
from hfs_cli.naming import automatic_name, check_name
from hfs_cli.store import messages, rows, sessions
from hfs_cli.store.engine import Connection, statement
from hfs_cli.store.tables import CheckpointRow, MessageRow, PieceRow, SessionRow


def begin(db: Connection, turn: Turn, is_asked: Callable[[int], bool]) -> Opened:
    """Keep the session (if new) and the question, and read what came before it; see `Store.begin`.

    The session becomes the last used one with its reply and not before: a refused request does not
    change what ``-c`` continues, and a new session without a reply is not listed.

    Args:
        is_asked: See `Engine.is_asked`.
    """
    if turn.place.answers is not None:
        from hfs_cli.store import retry

        return retry.begin(db, turn, turn.place.answers)
    now = datetime.now(UTC)
    session_id, count = _session(db, turn, is_asked)
    if turn.place.at is not None and turn.place.at != count:
        from hfs_cli.store import branches

        branches.set_aside(db, session_id, turn.place.at, "rewind")
        count = turn.place.at
    history = messages.transcript(db, session_id, count) if count else []
    system = messages.system_for(turn, history)
    if not turn.no_system and system != messages.system_in_force(history):
        count += 1
        messages.add(db, session_id, count, ChatMessage("system", system or ""), now)
    count += 1
    question = messages.add(db, session_id, count, turn.prompt, now)
    _asked(db, session_id, count, turn.model)
    sessions.note_question(db, session_id, rows.to_microseconds(now))
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


def peek(db: Connection, session_id: int, turn: Turn) -> tuple[list[Message], Opened]:
    """A session's transcript, and what a turn in it would begin with; nothing is kept.

    Raises:
        NotFoundError: The session is gone.
    """
    history = messages.transcript(db, sessions.get(db, session_id).id)
    before = what_precedes(history, turn.place)
    opened = Opened(
        session=None,
        user_message_id=None,
        messages=(*messages.context(before), turn.prompt),
        system=messages.system_for(turn, before),
    )
    return history, opened


def what_precedes(history: list[Message], place: Place) -> list[Message]:
    """The messages of a transcript that a turn at a place goes on from.

    Raises:
        NotFoundError: The question to answer again is not there any more.
    """
    before = history[: place.at]
    if place.answers is None:
        return before
    from hfs_cli.store.retry import said_before

    return said_before(before, place.answers)


def _session(db: Connection, turn: Turn, is_asked: Callable[[int], bool]) -> tuple[int, int]:
    """The id of the turn's session, which is made if it is new, and how many messages it has."""
    if turn.place.session_id is not None:
        return turn.place.session_id, sessions.get(db, turn.place.session_id).messages
    if turn.place.name is None:
        automatic = automatic_name(turn.prompt.content, local(datetime.now(UTC)))
        return sessions.add(db, sessions.free_name(db, automatic), "chat"), 0
    name = check_name(turn.place.name)
    found = sessions.find(db, name)
    # A session whose only request was refused or killed gives its name up; one that waits does not.
    if found and (
        turn.place.or_existing
        or (found.unanswered and (_was_refused(db, found.id) or not is_asked(found.id)))
    ):
        return found.id, found.messages
    sessions.refuse_taken(db, name, "choose another, or go on with that one by -S")
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
    now = rows.now()
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
    db.index("message", int(insert.execute(db)), content)
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
        db.index("message", known, str(columns["content"]))
        if not reply.tool_calls:  # else the turn goes on
            _mark(db, session_id, position, now, retention)
    _answered(db, session_id, position, reply.status, rows.to_microseconds(now))
    return known


def _mark(db: Connection, session_id: int, position: int, now: datetime, retention: int) -> None:
    """Put an automatic checkpoint at the end of a completed reply, and forget the oldest ones.

    Args:
        retention: How many the session keeps; 0 makes none.
    """
    if retention:
        _add_mark(db, session_id, position, rows.to_microseconds(now))
    # More than one has to go only where the setting was lowered.
    _keep_newest_marks(db, session_id, min(retention, rows.LARGEST))


@statement
def _add_mark(session_id: int, position: int, created_at: int) -> Query:
    return CheckpointRow.insert(session_id=session_id, position=position, created_at=created_at)


@statement
def _keep_newest_marks(session_id: int, count: int) -> Query:
    automatic = (CheckpointRow.session_id == session_id, CheckpointRow.label.is_null())
    kept = CheckpointRow.select(CheckpointRow.id).where(*automatic)
    kept = kept.order_by(CheckpointRow.id.desc()).limit(count)
    return CheckpointRow.delete().where(*automatic, CheckpointRow.id.not_in(kept))


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
    if not messages.holds(db, session.id, owner, position):
        # The question has been set aside meanwhile (by a rewind): its reply goes to that branch.
        session = sessions.get(db, owner)
    elif first and session.messages == opened.session.messages > position:
        from hfs_cli.store.retry import set_replies_aside

        set_replies_aside(db, session.id, answered, position)
        session = sessions.get(db, session.id)
    return session.id, session.messages + 1


def _deleted(opened: Opened) -> NotFoundError:
    assert opened.session is not None
    return NotFoundError(
        f"session {opened.session.id} was deleted while its reply came: the reply is not kept"
    )
