"""Messages of a session: reading its transcript, and adding what the user says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from peewee import Query, Select, Star

from hfs_cli.messages import Attachment, Call, ChatMessage, Message, Status, Turn, answers
from hfs_cli.store import rows, words
from hfs_cli.store.engine import BadRow, Connection, statement
from hfs_cli.store.tables import (
    AttachmentRow,
    CallRow,
    MessageAttachmentRow,
    MessageRow,
    PieceRow,
    SessionRow,
)

# The text of a call, by which it is found; None before it has a result.
CALL_TEXT = CallRow.name.concat(" ").concat(CallRow.arguments).concat(" ").concat(CallRow.result)
# How many values one query has; every database takes this many.
_AT_ONCE = 500

# --- read -----------------------------------------------------------------------------


class Part(NamedTuple):
    """What one session contributes to a transcript: its messages up to a position."""

    session_id: int
    upto: int


def lineage(db: Connection, session_id: int, upto: int = rows.LARGEST) -> list[Part]:
    """The sessions that a transcript is made of, the oldest first.

    Each ancestor contributes its messages up to where its descendant was forked from it.

    Args:
        upto: The last position that is asked for.

    Raises:
        BadRow: A session is its own ancestor.
    """
    # Say session 2 was forked from 1 at 6, and 3 from 2 at 4: of 1 the transcript of 3 has the
    # messages 1 to 4 and not to 6, of 2 nothing (its own begin at 7), and then those of 3 itself:
    # [Part(1, 4), Part(2, 4), Part(3, ...)].
    parts = [Part(session_id, upto)]
    seen = {session_id}
    # One query a step: most sessions have no parent, and a circle is noticed.
    while (row := _parent(db, session_id).fetchone()) and row[0] is not None:
        session_id, shared = rows.numbers(row)
        upto = min(upto, shared)
        if session_id in seen:
            raise BadRow(f"session {session_id} is a branch of itself")
        seen.add(session_id)
        parts.append(Part(session_id, upto))
    return parts[::-1]


def holds(db: Connection, session_id: int, holder: int, position: int) -> bool:
    """Whether a session's transcript has the message that another session holds at a position."""
    return session_id == holder or any(
        part.session_id == holder and part.upto >= position for part in lineage(db, session_id)
    )


@statement
def _parent(session_id: int) -> Select:
    parent = SessionRow.select(SessionRow.parent_id, SessionRow.fork_position, of=None)
    return parent.where(SessionRow.id == session_id)


def transcript(db: Connection, session_id: int, upto: int = rows.LARGEST) -> list[Message]:
    """A session's messages, oldest first.

    Args:
        upto: The last position to read.
    """
    messages = []
    for part in lineage(db, session_id, upto):
        found = list(_messages(db, part.session_id, part.upto))
        if not found:
            continue
        attachments: defaultdict[int, list[Attachment]] = defaultdict(list)
        for message_id, *columns in _attachments(db, part.session_id, part.upto):
            attachments[message_id].append(rows.attachment(columns))
        calls: defaultdict[int, list[Call]] = defaultdict(list)
        for row in _calls(db, part.session_id, part.upto):
            calls[row[1]].append(rows.call(row))
        for row in found:
            message = rows.message(row, attachments.get(row[0], ()), calls.get(row[0], ()))
            if message.status == "partial":
                texts = with_pieces(db, message.id, message.content, message.reasoning)
                message = message._replace(content=texts[0], reasoning=texts[1])
            messages.append(message)
    return messages


def with_pieces(db: Connection, message_id: int, content: str, reasoning: str) -> tuple[str, str]:
    """The text and the reasoning of a partial reply, with the pieces that came since."""
    texts, thoughts = zip((content, reasoning), *pieces(db, message_id), strict=True)
    return "".join(texts), "".join(thoughts)


def pieces(db: Connection, message_id: int) -> list[tuple[str, str]]:
    """The pieces of a partial reply, in order: text and reasoning of each.

    Raises:
        BadRow: One of them is not text.
    """
    found = []
    for content, reasoning in _pieces(db, message_id):
        if not isinstance(content, str) or not isinstance(reasoning, str):
            raise BadRow("a piece of a reply with values of another type")
        found.append((content, reasoning))
    return found


@statement
def _pieces(message_id: int) -> Select:
    pieces = PieceRow.select(PieceRow.content, PieceRow.reasoning)
    return pieces.where(PieceRow.message_id == message_id).order_by(PieceRow.id)


@statement
def _messages(session_id: int, upto: int) -> Select:
    own = MessageRow.select(rows.MESSAGE).where(MessageRow.session_id == session_id)
    return own.where(MessageRow.position <= upto).order_by(MessageRow.position)


@statement
def _attachments(session_id: int, upto: int) -> Select:
    tie = MessageAttachmentRow
    return (
        tie.select(tie.message_id, tie.name, tie.media_type, AttachmentRow.data, tie.url)
        .join(MessageRow, on=tie.message_id == MessageRow.id)
        .join(AttachmentRow, "LEFT OUTER JOIN", on=AttachmentRow.sha256 == tie.sha256)
        .where(MessageRow.session_id == session_id, MessageRow.position <= upto)
        .order_by(tie.message_id, tie.position)
    )


@statement
def _calls(session_id: int, upto: int) -> Select:
    return (
        CallRow.select(Star(CallRow))
        .join(MessageRow, on=CallRow.message_id == MessageRow.id)
        .where(MessageRow.session_id == session_id, MessageRow.position <= upto)
        .order_by(CallRow.message_id, CallRow.position)
    )


def status_at(db: Connection, session_id: int, position: int) -> Status | None:
    """The status of the message at a position of a transcript; None if there is none."""
    for part in lineage(db, session_id, position):
        # An ancestor's messages after the fork are not this session's.
        row = _status(db, part.session_id, position).fetchone() if part.upto == position else None
        if row:
            return rows.status(row[0])
    return None


@statement
def _status(session_id: int, position: int) -> Select:
    there = MessageRow.select(MessageRow.status).where(MessageRow.session_id == session_id)
    return there.where(MessageRow.position == position)


def system_in_force(messages: Iterable[Message]) -> str | None:
    """The last system prompt of a transcript; an empty one switches it off."""
    system = None
    for message in messages:
        if message.role == "system":
            system = message.content
    return system or None


def system_for(turn: Turn, before: Iterable[Message]) -> str | None:
    """The system prompt that a turn is sent with, after these messages."""
    if turn.no_system:
        return None
    return (system_in_force(before) if turn.system is None else turn.system) or None


def context(messages: Sequence[Message]) -> tuple[ChatMessage, ...]:
    """What a model is sent of the past: answered turns, each question with its reply.

    A question without a reply, or with empty ones only, is left out. So is a turn that the vendor
    refused or filtered, because whatever is asked next would be refused with it:
    https://platform.claude.com/docs/test-and-evaluate/strengthen-guardrails/handle-streaming-refusals
    Of a turn with tools each step is sent, with the calls that ran and their results. A summary is
    sent in place of what it stands for.
    """
    summary = summary_in_force(messages)
    start = () if summary is None else summarised(summary)
    return (*start, *(message for turn in answered_turns(messages) for message in turn.sent))


# The prompt that asks a model for a summary. In later requests the summary answers it, so that the
# roles alternate, as every vendor wants them to.
ASKED_FOR_SUMMARY = (
    "Summarise our conversation so far, so that it can go on from your summary alone: what I asked"
    " for, what was found and decided, names, numbers and code that are still needed, and what is"
    " open. Write the summary and nothing else."
)


def summary_in_force(messages: Iterable[Message]) -> Message | None:
    """The last summary of a transcript, or None."""
    summaries = [m for m in messages if m.stands_for is not None and m.content]
    return summaries[-1] if summaries else None


def summarised(summary: Message) -> tuple[ChatMessage, ...]:
    """A summary as a model is sent it."""
    return ChatMessage("user", ASKED_FOR_SUMMARY), ChatMessage("assistant", summary.content)


class AnsweredTurn(NamedTuple):
    """A question with the steps of its turn; the last one is the reply that counts."""

    question: Message
    steps: tuple[Message, ...]

    @property
    def sent(self) -> tuple[ChatMessage, ...]:
        """What a model is sent of it."""
        question = ChatMessage("user", self.question.content, self.question.attachments)
        return (question, *map(_sent, self.steps))


def answered_turns(messages: Sequence[Message]) -> list[AnsweredTurn]:
    """The turns that a model is sent of the past, oldest first: those after the last summary."""
    summary = summary_in_force(messages)
    stood_for = 0 if summary is None else summary.stands_for or 0
    replies = answers(messages, _counts)
    by_id = {m.id: m for m in messages}
    turns = []
    for question in messages:
        if question.position <= stood_for:
            continue
        if question.role == "user" and question.id in replies:
            steps = [replies[question.id]]
            while (before := _step_before(steps[-1], by_id)) is not None:
                steps.append(before)
            turns.append(AnsweredTurn(question, tuple(s for s in reversed(steps) if _counts(s))))
    return turns


def _counts(reply: Message) -> bool:
    """Whether a reply holds something, and may be sent again."""
    return bool(reply.content or _ran(reply)) and reply.finish_reason != "content_filter"


def _step_before(step: Message, by_id: Mapping[int, Message]) -> Message | None:
    before = by_id.get(step.reply_to or 0)
    # In a database that hfs wrote, a step always stands after the one that it follows.
    if before is None or before.role != "assistant" or before.position >= step.position:
        return None
    return before


def _ran(message: Message) -> tuple[Call, ...]:
    """The calls that may have done something; those that never ran are not part of the past."""
    return tuple(c for c in message.tool_calls if c.result is not None or c.interrupted)


def _sent(step: Message) -> ChatMessage:
    calls = _ran(step)
    # The vendor's state covers every call of the reply, and is whole only in a complete one.
    usable = step.status == "complete" and calls == step.tool_calls
    state = step.state if usable else None
    return ChatMessage("assistant", step.content, calls=calls, state=state)


# --- written --------------------------------------------------------------------------


def add(db: Connection, session_id: int, position: int, message: ChatMessage, now: datetime) -> int:
    """Insert a message that is not a reply, with its attachments; its id."""
    content = rows.storable(message.content)
    row = MessageRow.insert(
        session_id=session_id,
        position=position,
        role=message.role,
        content=content,
        reasoning="",
        status="complete",
        created_at=rows.to_microseconds(now),
        step=0,
    )
    message_id = int(row.execute(db))
    db.index("message", message_id, content)
    attach(db, message_id, message.attachments)
    return message_id


def attach(db: Connection, message_id: int, attachments: Iterable[Attachment]) -> None:
    """Tie attachments to a message; the bytes of each are kept once."""
    for place, attachment in enumerate(attachments, 1):
        digest = None
        if attachment.url is None:
            import hashlib

            digest = hashlib.sha256(attachment.data).hexdigest()
            put_bytes(db, digest, attachment.data)
        _tie(
            db,
            message_id,
            place,
            rows.storable(attachment.name),
            attachment.media_type,
            digest,
            attachment.url,
        )


def put_bytes(db: Connection, digest: str, data: bytes) -> None:
    """Keep the bytes of an attachment, unless they are kept."""
    # By the connection, which does not ask for the row: where a policy of a server's hides bytes
    # that are there already, asking for them would fail.
    db.execute(AttachmentRow.insert(sha256=digest, data=data).on_conflict_ignore())


def drop_bytes(db: Connection, digests: Iterable[str]) -> None:
    """Drop the bytes of attachments that no message has any more."""
    if db.frees_attachments:
        return
    tie = MessageAttachmentRow
    once = list(dict.fromkeys(digests))
    for start in range(0, len(once), _AT_ONCE):
        some = once[start : start + _AT_ONCE]
        still = [d for (d,) in db.execute(tie.select(tie.sha256).where(tie.sha256.in_(some)))]
        AttachmentRow.delete().where(AttachmentRow.sha256.in_({*some} - {*still})).execute(db)


@statement
def _tie(
    message_id: int, position: int, name: str, media_type: str, sha256: str | None, url: str | None
) -> Query:
    return MessageAttachmentRow.insert(
        message_id=message_id,
        position=position,
        name=name,
        media_type=media_type,
        sha256=sha256,
        url=url,
    )


def put_call(db: Connection, message_id: int, position: int, call: Call) -> None:
    """Write a call as it is so far: a new row the first time, the same row later.

    Args:
        position: Which of the message's calls it is, from 1.
    """
    columns = rows.call_columns(call)
    if (kept := _call(db, message_id, position).fetchone()) is None:
        insert = CallRow.insert(message_id=message_id, position=position, **columns)
        number = int(insert.execute(db))
    else:
        number, indexed = kept
        if indexed is not None:
            db.unindex("call", number, indexed)
        CallRow.update(**columns).where(CallRow.id == number).execute(db)
    if call.result is not None:
        db.index("call", number, words.of_call(columns))


@statement
def _call(message_id: int, position: int) -> Select:
    kept = CallRow.select(CallRow.id, CALL_TEXT)
    kept = kept.where(CallRow.message_id == message_id)
    return kept.where(CallRow.position == position)
