"""Take conversations out of the database and put them into another."""

from collections.abc import Iterable, Iterator
from heapq import merge
from operator import itemgetter
from typing import Any

from peewee import SqliteDatabase

from hfs_cli.conversations import Conversation, Imported
from hfs_cli.errors import UsageError
from hfs_cli.messages import Message
from hfs_cli.naming import check_name
from hfs_cli.store import checkpoints, rows
from hfs_cli.store.message_rows import attach
from hfs_cli.store.session_rows import free_name
from hfs_cli.store.sqlite import indexing
from hfs_cli.store.tables import MessageRow, SessionRow
from hfs_cli.store.transcripts import fetch, transcript

# Listed sessions in order of use, then the tails: an order that an import keeps.
_ORDER = "ORDER BY use_seq IS NULL, use_seq, created_at, uid"


def conversations(
    db: SqliteDatabase, ids: Iterable[int] | None, *, tails: bool
) -> Iterator[Conversation]:
    """Sessions one by one, in order of use.

    A branch whose parent is not among them carries the shared messages itself.

    Args:
        ids: Which, or None for all.
        tails: With the tails that were set aside from them.
    """
    chosen = None if ids is None else set(ids)
    if chosen is not None and tails:
        chosen = _with_tails(db, chosen)
    listed = "" if tails or chosen else "WHERE use_seq IS NOT NULL"
    for row in fetch(db, f"SELECT id FROM session {listed} {_ORDER}"):
        if chosen is None or row["id"] in chosen:
            yield _conversation(db, row["id"], chosen, whole=not tails)


def _with_tails(db: SqliteDatabase, chosen: set[int]) -> set[int]:
    tails = fetch(db, "SELECT id, parent_id FROM session WHERE use_seq IS NULL")
    more = chosen
    while more:
        more = {t["id"] for t in tails if t["parent_id"] in chosen} - chosen
        chosen |= more
    return chosen


def _conversation(
    db: SqliteDatabase, session_id: int, chosen: set[int] | None, *, whole: bool
) -> Conversation:
    row = fetch(
        db,
        "SELECT s.*, p.uid AS parent_uid FROM session s LEFT JOIN session p ON p.id = s.parent_id "
        "WHERE s.id = ?",
        (session_id,),
    )[0]
    alone = whole or (chosen is not None and row["parent_id"] not in chosen)
    shared = 0 if alone else row["fork_position"] or 0
    return Conversation(
        uid=row["uid"],
        name=row["name"],
        origin=row["origin"],
        listed=row["use_seq"] is not None,
        model=row["model"],
        created_at=rows.to_datetime(row["created_at"]),
        updated_at=rows.to_datetime(row["updated_at"]),
        messages=_numbered(transcript(db, session_id))[shared:],
        parent_uid=None if alone else row["parent_uid"],
        fork_position=None if alone else row["fork_position"],
        checkpoints=checkpoints.of(db, session_id),
    )


def _numbered(messages: list[Message]) -> tuple[Message, ...]:
    """Messages with positions in place of the database's numbers."""
    positions: dict[int | None, int] = {m.id: m.position for m in messages}
    return tuple(m._replace(id=m.position, reply_to=positions.get(m.reply_to)) for m in messages)


def put(db: SqliteDatabase, incoming: Iterable[Conversation]) -> Imported:
    """Insert conversations that are not there yet.

    Parents and branches may come in any order: they are tied at the end. What is listed
    comes with the oldest use first.

    Raises:
        UsageError: A parent is missing, or a position does not fit.
    """
    added: list[tuple[int, Conversation]] = []
    messages = present = 0
    for conversation in incoming:
        if fetch(db, "SELECT 1 FROM session WHERE uid = ?", (conversation.uid,)):
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
    _place(db, added)
    return Imported(len(added), messages, present)


def _put_session(db: SqliteDatabase, conversation: Conversation) -> int:
    name = free_name(db, check_name(conversation.name))
    last = conversation.messages[-1].status if conversation.messages else None
    session_id = int(
        SessionRow.insert(
            uid=conversation.uid,
            name=name,
            origin=conversation.origin,
            model=conversation.model,
            message_count=(conversation.fork_position or 0) + len(conversation.messages),
            last_status=last,
            created_at=rows.to_microseconds(conversation.created_at),
            updated_at=rows.to_microseconds(conversation.updated_at),
        ).execute(db)
    )
    indexing.index_name(db, session_id, name)
    return session_id


def _place(db: SqliteDatabase, added: Iterable[tuple[int, Conversation]]) -> None:
    """Give what came in its place in the order of use: below all that was used here.

    So an import never changes what ``-c`` continues. Sessions that were only ever imported
    are numbered down from 0, by the times of their last use; those that came together keep
    their order, whatever a clock has done to the times.
    """
    came = [
        {"id": session_id, "updated_at": rows.to_microseconds(conversation.updated_at)}
        for session_id, conversation in added
        if conversation.listed
    ]
    if not came:
        return
    there = fetch(db, "SELECT id, updated_at FROM session WHERE use_seq <= 0 ORDER BY use_seq")
    # Numbers are unique at every moment: the old ones go before the new ones are given.
    db.execute_sql("UPDATE session SET use_seq = NULL WHERE use_seq <= 0")
    order = list(merge(there, came, key=itemgetter("updated_at")))
    for number, row in enumerate(order, 1 - len(order)):
        db.execute_sql("UPDATE session SET use_seq = ? WHERE id = ?", (number, row["id"]))


def _put_messages(db: SqliteDatabase, session_id: int, conversation: Conversation) -> None:
    for position, message in enumerate(
        conversation.messages, (conversation.fork_position or 0) + 1
    ):
        message_id = int(
            MessageRow.insert(session=session_id, position=position, **_columns(message)).execute(
                db
            )
        )
        for place, attachment in enumerate(message.attachments, 1):
            attach(db, message_id, place, attachment)
        if message.status == "complete":
            indexing.index_message(db, message_id, message.content)
    for checkpoint in conversation.checkpoints:
        db.execute_sql(
            "INSERT INTO checkpoint (session_id, position, label, created_at) VALUES (?, ?, ?, ?)",
            (
                session_id,
                checkpoint.position,
                checkpoint.label,
                rows.to_microseconds(checkpoint.created_at),
            ),
        )


def _columns(message: Message) -> dict[str, Any]:
    return {
        "role": message.role,
        "content": message.content,
        "reasoning": message.reasoning,
        "status": message.status,
        "finish_reason": message.finish_reason,
        "finish_raw": message.finish_raw,
        "model": message.model,
        "tool_calls": rows.tool_calls_column(message.tool_calls),
        "error": message.error,
        "first_token_s": message.first_token_s,
        "total_s": message.total_s,
        "created_at": rows.to_microseconds(message.created_at),
        **rows.usage_columns(message.usage),
    }


def _tie(db: SqliteDatabase, session_id: int, conversation: Conversation) -> None:
    """Name the parent, which may have come after its branch or have been there before."""
    if conversation.parent_uid is None:
        return
    parent = fetch(
        db, "SELECT id, message_count FROM session WHERE uid = ?", (conversation.parent_uid,)
    )
    if not parent or parent[0]["message_count"] < (conversation.fork_position or 0):
        raise UsageError(
            f'"{conversation.name}" is a branch of a session that is not there, or too short: '
            "import the file that holds both"
        )
    SessionRow.update(parent=parent[0]["id"], fork_position=conversation.fork_position).where(
        SessionRow.id == session_id
    ).execute(db)


def _check_lineage(db: SqliteDatabase, session_id: int, conversation: Conversation) -> None:
    """Refuse branches that are their own ancestors: their transcripts would have no start."""
    seen = {session_id}
    parent = session_id
    while parent:
        row = fetch(db, "SELECT parent_id FROM session WHERE id = ?", (parent,))[0]
        parent = row["parent_id"]
        if parent in seen:
            raise UsageError(f'"{conversation.name}" is a branch of itself')
        seen.add(parent)


def _tie_replies(db: SqliteDatabase, session_id: int, conversation: Conversation) -> None:
    answers = {m.position: m.reply_to for m in conversation.messages if m.reply_to is not None}
    if not answers:
        return
    kept = {m.position: m.id for m in transcript(db, session_id)}
    for position, question in answers.items():
        if question >= position or question not in kept:
            raise UsageError(f'"{conversation.name}": message {position} answers none before it')
        change = MessageRow.update(reply_to=kept[question])
        change.where(MessageRow.id == kept[position]).execute(db)
