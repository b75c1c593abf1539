"""Read a session's transcript: its ancestors' shared messages, then its own."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from peewee import SqliteDatabase

from hfs_cli.messages import Attachment, ChatMessage, Message
from hfs_cli.store import rows

_ALL = 2**63 - 1

# Each ancestor gives its messages up to where its descendant parted from it.
LINEAGE = """
WITH RECURSIVE lineage (session_id, upto) AS (
    SELECT ?, ?
    UNION ALL
    SELECT s.parent_id, min(l.upto, s.fork_position)
    FROM lineage l JOIN session s ON s.id = l.session_id
    WHERE s.parent_id IS NOT NULL
)
"""


def fetch(db: SqliteDatabase, sql: str, parameters: Iterable[object] = ()) -> list[dict[str, Any]]:
    """Run one statement; its rows by column name."""
    cursor = db.execute_sql(sql, tuple(parameters))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def transcript(db: SqliteDatabase, session_id: int, upto: int = _ALL) -> list[Message]:
    """A session's messages, oldest first.

    Args:
        upto: The last position to read.
    """
    found = fetch(
        db,
        LINEAGE
        + """SELECT m.* FROM lineage l
        JOIN message m ON m.session_id = l.session_id AND m.position <= l.upto
        ORDER BY m.position""",
        (session_id, upto),
    )
    carried = _attachments(db, session_id, upto)
    return [rows.message(row, carried[row["id"]]) for row in found]


def holds(db: SqliteDatabase, session_id: int, owner_id: int, position: int) -> bool:
    """Whether a message that is kept with `owner_id` is part of a session's transcript."""
    sql = LINEAGE + "SELECT 1 FROM lineage WHERE session_id = ? AND upto >= ?"
    return bool(fetch(db, sql, (session_id, _ALL, owner_id, position)))


def _attachments(
    db: SqliteDatabase, session_id: int, upto: int
) -> defaultdict[int, list[Attachment]]:
    carried: defaultdict[int, list[Attachment]] = defaultdict(list)
    cursor = db.execute_sql(
        LINEAGE
        + """SELECT ma.message_id, ma.name, ma.media_type, a.data, ma.url FROM lineage l
        JOIN message m ON m.session_id = l.session_id AND m.position <= l.upto
        JOIN message_attachment ma ON ma.message_id = m.id
        LEFT JOIN attachment a ON a.sha256 = ma.sha256
        ORDER BY ma.message_id, ma.position""",
        (session_id, upto),
    )
    for message_id, name, media_type, data, url in cursor:
        carried[message_id].append(Attachment(name, media_type, bytes(data or b""), url))
    return carried


def system_in_force(messages: Iterable[Message]) -> str | None:
    """The last system prompt of a transcript; an empty one switches it off."""
    system = None
    for message in messages:
        if message.role == "system":
            system = message.content
    return system or None


def context(messages: Iterable[Message]) -> tuple[ChatMessage, ...]:
    """What a model is told of the past: answered turns, each question with its reply.

    Turns that overlapped lie interleaved in the transcript; here each question is followed
    by the reply that answers it. A question without a reply, or with an empty one, is left
    out; of several replies to one question the last counts.
    """
    questions: dict[int, Message] = {}
    replies: dict[int, Message] = {}
    last_question = None
    for message in messages:
        if message.role == "user":
            questions[message.id] = message
            last_question = message.id
        elif message.role == "assistant":
            answered = message.reply_to or last_question
            if answered is not None and message.content:
                replies[answered] = message
    turns = []
    for number, question in questions.items():
        if number in replies:
            turns.append(ChatMessage("user", question.content, question.attachments))
            turns.append(ChatMessage("assistant", replies[number].content))
    return tuple(turns)
