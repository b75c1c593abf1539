"""Take conversations out of the database and put them into another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge
from operator import itemgetter

from peewee import Query, Select

from hfs_cli.conversations import Conversation, Imported
from hfs_cli.errors import UsageError
from hfs_cli.messages import Message, Session
from hfs_cli.naming import check_name
from hfs_cli.store import checkpoints, rows, sessions
from hfs_cli.store.engine import Connection, statement
from hfs_cli.store.messages import attach, put_call, transcript
from hfs_cli.store.tables import MessageRow, SessionRow


def conversations(
    db: Connection, ids: Iterable[int] | None, *, tails: bool
) -> Iterator[Conversation]:
    """Sessions one by one, in order of use; an import keeps this order.

    A branch whose parent is not among them carries the shared messages itself.

    Args:
        ids: Which, or None for all.
        tails: With the tails that were set aside from them.
    """
    chosen = None if ids is None else set(ids)
    if chosen is not None and tails:
        chosen = _with_tails(db, chosen)
    # Listed sessions in order of use, then the tails.
    unlisted = SessionRow.use_seq.is_null()
    every = SessionRow.select(SessionRow.id).order_by(
        unlisted, SessionRow.use_seq, SessionRow.created_at, SessionRow.uid
    )
    if chosen is None and not tails:
        # Not listed and yet no tail: a session that never had a reply.
        every = every.where(SessionRow.use_seq.is_null(False) | (SessionRow.origin == "chat"))
    for (number,) in list(db.execute(every)):
        if chosen is None or number in chosen:
            yield _conversation(db, sessions.get(db, number), chosen, whole=not tails)


def _with_tails(db: Connection, chosen: set[int]) -> set[int]:
    unlisted = SessionRow.select(SessionRow.id, SessionRow.parent_id)
    tails = list(db.execute(unlisted.where(SessionRow.use_seq.is_null())))
    more = chosen
    while more:
        more = {number for number, parent in tails if parent in chosen} - chosen
        chosen |= more
    return chosen


def _conversation(
    db: Connection, session: Session, chosen: set[int] | None, *, whole: bool
) -> Conversation:
    parent = None
    if session.parent_id is not None and not whole:
        parent = session.parent_id if chosen is None or session.parent_id in chosen else None
    shared = 0 if parent is None else session.fork_position
    return Conversation(
        uid=session.uid,
        name=session.name,
        origin=session.origin,
        listed=session.listed,
        model=session.model,
        created_at=session.created_at,
        updated_at=session.updated_at,
        messages=_numbered(transcript(db, session.id))[shared:],
        parent_uid=None if parent is None else sessions.get(db, parent).uid,
        fork_position=None if parent is None else session.fork_position,
        checkpoints=checkpoints.of(db, session.id),
    )


def _numbered(messages: list[Message]) -> tuple[Message, ...]:
    """Messages with positions in place of the database's numbers."""
    positions: dict[int | None, int] = {m.id: m.position for m in messages}
    return tuple(m._replace(id=m.position, reply_to=positions.get(m.reply_to)) for m in messages)


def put(db: Connection, incoming: Iterable[Conversation]) -> Imported:
    """Insert conversations that are not there yet.

    Parents and branches may come in any order: they are tied at the end. What is listed
    comes with the oldest use first.

    Raises:
        UsageError: A parent is missing, or a position does not fit.
    """
    added: list[tuple[int, Conversation]] = []
    messages = present = 0
    for conversation in incoming:
        if _of_uid(db, conversation.uid).fetchone():
            present += 1
            continue
        session_id = _put_session(db, conversation)
        _put_messages(db, session_id, conversation)
        added.append((session_id, conversation))
        messages += len(conversation.messages)
    for session_id, conversation in added:
        _tie(db, session_id, conversation)
    for session_id, conversation in added:
        _check_lineage(db, session_id, conversation)
        _tie_replies(db, session_id, conversation)
    _put_in_order(db, added)
    return Imported(len(added), messages, present)


@statement
def _of_uid(uid: str) -> Select:
    return SessionRow.select(SessionRow.id, SessionRow.message_count).where(SessionRow.uid == uid)


def _put_session(db: Connection, conversation: Conversation) -> int:
    last = conversation.messages[-1].status if conversation.messages else None
    return sessions.add(
        db,
        sessions.free_name(db, check_name(conversation.name)),
        conversation.origin,
        uid=conversation.uid,
        model=conversation.model,
        message_count=(conversation.fork_position or 0) + len(conversation.messages),
        last_status=last,
        created_at=rows.to_microseconds(conversation.created_at),
        updated_at=rows.to_microseconds(conversation.updated_at),
    )


def _put_in_order(db: Connection, added: Iterable[tuple[int, Conversation]]) -> None:
    """Give what came in its place in the order of use: below all that was used here.

    So an import never changes what ``-c`` continues. Sessions that were only ever imported
    are numbered down from 0, by the times of their last use; those that came together keep
    their order, whatever a clock has done to the times.
    """
    came = [
        (rows.to_microseconds(conversation.updated_at), session_id)
        for session_id, conversation in added
        if conversation.listed
    ]
    if not came:
        return
    imported = SessionRow.select(SessionRow.updated_at, SessionRow.id)
    imported = imported.where(SessionRow.use_seq <= 0).order_by(SessionRow.use_seq)
    there = list(db.execute(imported))
    # Numbers are unique at every moment: the old ones go before the new ones are given.
    SessionRow.update(use_seq=None).where(SessionRow.use_seq <= 0).execute(db)
    order = list(merge(map(rows.numbers, there), came, key=itemgetter(0)))
    for number, (_, session_id) in enumerate(order, 1 - len(order)):
        _place(db, session_id, number)


@statement
def _place(session_id: int, number: int) -> Query:
    return SessionRow.update(use_seq=number).where(SessionRow.id == session_id)


def _put_messages(db: Connection, session_id: int, conversation: Conversation) -> None:
    for position, message in enumerate(
        conversation.messages, (conversation.fork_position or 0) + 1
    ):
        row = MessageRow.insert(
            session_id=session_id,
            position=position,
            role=message.role,
            content=message.content,
            created_at=rows.to_microseconds(message.created_at),
            **rows.message_columns(message),
            extra=rows.as_json(message.extra),
        )
        message_id = int(row.execute(db))
        attach(db, message_id, message.attachments)
        for place, call in enumerate(message.tool_calls, 1):
            put_call(db, message_id, place, call)
        if message.status == "complete":
            db.index_message(message_id, message.content)
    for mark in conversation.checkpoints:
        created_at = rows.to_microseconds(mark.created_at)
        checkpoints.insert(db, session_id, mark.position, mark.label, created_at)


def _tie(db: Connection, session_id: int, conversation: Conversation) -> None:
    """Name the parent, which may have come after its branch or have been there before."""
    if conversation.parent_uid is None:
        return
    parent = _of_uid(db, conversation.parent_uid).fetchone()
    if parent is None or parent[1] < (conversation.fork_position or 0):
        raise UsageError(
            f'"{conversation.name}" is a branch of a session that is not there, or too short: '
            "import the file that holds both"
        )
    sessions.change(db, session_id, parent_id=parent[0], fork_position=conversation.fork_position)


def _check_lineage(db: Connection, session_id: int, conversation: Conversation) -> None:
    """Refuse branches that are their own ancestors: their transcripts would have no start."""
    seen = {session_id}
    while (parent := sessions.get(db, session_id).parent_id) is not None:
        if parent in seen:
            raise UsageError(f'"{conversation.name}" is a branch of itself')
        seen.add(parent)
        session_id = parent


def _tie_replies(db: Connection, session_id: int, conversation: Conversation) -> None:
    answers = {m.position: m.reply_to for m in conversation.messages if m.reply_to is not None}
    if not answers:
        return
    kept = {m.position: m.id for m in transcript(db, session_id)}
    for position, question in answers.items():
        if question >= position or question not in kept:
            raise UsageError(f'"{conversation.name}": message {position} answers none before it')
        _answer(db, kept[position], kept[question])


@statement
def _answer(message_id: int, question_id: int) -> Query:
    return MessageRow.update(reply_to=question_id).where(MessageRow.id == message_id)
