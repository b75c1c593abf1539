"""The format of hfs itself: JSON that loses nothing.

A document is ``{"format": "hfs", "schema_version": 1, "sessions": [...]}``; as JSON Lines the
same head without ``sessions`` comes first, and each line after it is a session. Positions
count from 1 within a transcript; times are UTC, ISO 8601; attachments are base64.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO, get_args

from hfs_cli.conversations import Checkpoint, Conversation, End, Incoming, Unread
from hfs_cli.errors import UsageError
from hfs_cli.exchange.json_stream import MAX_VALUE, WHAT_IS_READ, object_on, parse_json
from hfs_cli.exchange.json_values import ROLES, Fields
from hfs_cli.messages import (
    Attachment,
    Call,
    Citation,
    KeptState,
    Message,
    Origin,
    Status,
)
from hfs_cli.moments import iso
from hfs_cli.shapes import checkpoint_shape, message_shape

FORMAT = "hfs"
SCHEMA_VERSION = 1
HEAD = {"format": FORMAT, "schema_version": SCHEMA_VERSION}
_NOTHING: tuple[object, ...] = (None, [])
_ORIGINS: tuple[Origin, ...] = get_args(Origin)
_STATUSES: tuple[Status, ...] = get_args(Status)


def json_document(conversations: Iterable[Conversation]) -> Iterator[str]:
    """The document in pieces, so that it need not fit into memory."""
    yield f'{{"format": "{FORMAT}", "schema_version": {SCHEMA_VERSION}, "sessions": ['
    separator = "\n"
    for conversation in conversations:
        yield separator + json.dumps(session_shape(conversation), ensure_ascii=False, indent=1)
        separator = ",\n"
    yield "\n]}\n"


def json_lines(conversations: Iterable[Conversation]) -> Iterator[str]:
    """The document as JSON Lines."""
    yield json.dumps(HEAD) + "\n"
    for conversation in conversations:
        yield json.dumps(session_shape(conversation), ensure_ascii=False) + "\n"


def session_shape(conversation: Conversation) -> Mapping[str, object]:
    """A session as a JSON object."""
    end = conversation.end()
    return {
        # First, so that a session that is known need not be parsed further (`_glance`).
        "uid": conversation.uid,
        "length": end.length,
        "last": end.last,
        "labels": end.labels,
        "name": conversation.name,
        "origin": conversation.origin,
        "listed": conversation.listed,
        "model": conversation.model,
        "created_at": iso(conversation.created_at),
        "updated_at": iso(conversation.updated_at),
        "parent_uid": conversation.parent_uid,
        "fork_position": conversation.fork_position,
        "checkpoints": [checkpoint_shape(c) for c in conversation.checkpoints],
        "messages": [message_shape(m, data=True) for m in conversation.messages],
    }


# --- read -----------------------------------------------------------------------------


def check_head(head: Fields) -> None:
    """Check that a document is ours and was not made by a newer hfs.

    Raises:
        UsageError: It is not, or was.
    """
    if head.maybe_text("format") != FORMAT:
        raise UsageError(f"{head.where} is in no format that can be imported ({WHAT_IS_READ})")
    version = head.count("schema_version")
    if version > SCHEMA_VERSION:
        raise UsageError(
            f"{head.where} was made by a newer hfs (schema {version}, this one knows "
            f"{SCHEMA_VERSION}): upgrade hfs"
        )
    if version < 1:
        raise UsageError(f"{head.where}: schema_version must be 1 or more")


def is_head(line: bytes) -> bool:
    """Whether a line is the head of JSON Lines, and not a document on one line."""
    head = object_on(line)
    return head is not None and "format" in head and "sessions" not in head


def sessions(values: Iterable[object], where: str) -> Iterator[Incoming]:
    """The sessions of a document.

    Args:
        values: Its sessions, as parsed JSON.
        where: How errors name the file.
    """
    for number, value in enumerate(values, 1):
        uid = value.get("uid") if isinstance(value, dict) else None
        known = uid if isinstance(uid, str) and _is_uid(uid) else None
        read = partial(_read, value, f"{where}, session {number}")
        yield Unread(known, read, partial(_end, value))


def session_lines(stream: BinaryIO, where: str) -> Iterator[Incoming]:
    """The sessions of JSON Lines.

    Args:
        stream: The file, after its head.
        where: How errors name it.

    Raises:
        UsageError: A line is too long.
    """
    number = 1
    while line := stream.readline(MAX_VALUE + 1):
        number += 1
        place = f"{where}, line {number}"
        if len(line) > MAX_VALUE:
            raise UsageError(f"{place} is over {MAX_VALUE // 10**6} MB")
        if line.strip():
            uid, end = _glance(line)
            yield Unread(uid, partial(_read_line, line, place), partial(lambda end: end, end))


def _read_line(line: bytes, where: str) -> tuple[Conversation, ...]:
    return _read(parse_json(line, where), where)


# What `session_shape` writes first, with or without line breaks.
_FIRST = re.compile(
    rb'\s*\{\s*"uid": ?"([0-9a-f]{32})"'
    rb'(?:,\s*"length": ?(\d{1,9}),\s*"last": ?"([0-9a-f]*)",\s*"labels": ?(\d{1,9})\b)?'
)


def _glance(line: bytes) -> tuple[str | None, End | None]:
    """The uid of a session, and its end, as far as its first bytes tell."""
    if (match := _FIRST.match(line)) is None:
        return None, None
    uid, length, last, labels = match.groups()
    end = None if length is None else End(int(length), last.decode(), int(labels))
    return uid.decode(), end


def _end(value: object) -> End | None:
    """The end of a session, as far as its JSON tells without being checked."""
    if not isinstance(value, dict):
        return None
    match value.get("length"), value.get("last"), value.get("labels"):
        case int(length), str(last), int(labels):
            return End(length, last, labels)
    return None


def _is_uid(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{32}", text) is not None


def _read(value: object, where: str) -> tuple[Conversation, ...]:
    """A session of the document; refuses what this module does not write."""
    fields = Fields(value, where)
    uid = fields.text("uid")
    if not _is_uid(uid):
        raise UsageError(f"{where}: uid must be 32 hexadecimal digits")
    parent = fields.maybe_text("parent_uid")
    shared = fields.maybe_count("fork_position")
    if (parent is None) != (shared is None):
        raise UsageError(f"{where}: parent_uid and fork_position go together")
    if parent is not None and not _is_uid(parent):
        raise UsageError(f"{where}: parent_uid must be 32 hexadecimal digits")
    first = (shared or 0) + 1
    messages = tuple(
        _message(m, f"{where}, message {n}", n)
        for n, m in enumerate(fields.items("messages"), first)
    )
    last = first + len(messages) - 1
    conversation = Conversation(
        uid=uid,
        name=fields.text("name"),
        origin=fields.choice("origin", _ORIGINS),
        listed=fields.flag("listed"),
        model=fields.maybe_text("model"),
        created_at=fields.moment("created_at"),
        updated_at=fields.moment("updated_at"),
        messages=messages,
        parent_uid=parent,
        fork_position=shared,
        checkpoints=_checkpoints(fields, last),
    )
    return (conversation,)


def _checkpoints(fields: Fields, last: int) -> tuple[Checkpoint, ...]:
    found = []
    labels: set[str] = set()
    for value in fields.items("checkpoints"):
        point = Fields(value, f"{fields.where}, a checkpoint")
        label = point.maybe_text("label")
        if point.count("position") > last or label in labels:
            raise UsageError(f"{point.where}: beyond the last message, or its label is there twice")
        labels |= {label} - {None}  # type: ignore[arg-type]
        found.append(Checkpoint(0, 0, point.count("position"), label, point.moment("created_at")))
    return tuple(found)


def _message(value: object, where: str, position: int) -> Message:
    fields = Fields(value, where)
    if fields.count("position") != position:
        raise UsageError(f"{where}: position must be {position}")
    # Only the fields that hold something are read: there may be a million messages.
    value_of = fields.raw.get
    more: Any = {
        name: read(fields) for name, read in _MORE.items() if value_of(name) not in _NOTHING
    }
    if value_of("calls") or value_of("tool_calls"):
        more["tool_calls"] = _calls(fields)
    if more.get("stands_for", 0) >= position:
        raise UsageError(f"{where}: stands_for must be below its position")
    return Message(
        id=position,
        position=position,
        role=fields.choice("role", ROLES),
        content=fields.text("content"),
        created_at=fields.moment("created_at"),
        status=fields.choice("status", _STATUSES),
        **more,
    )


def _calls(message: Fields) -> tuple[Call, ...]:
    where = f"{message.where}, a tool call"
    if not message.is_array("calls"):  # before 0.3 only the names were kept
        return tuple(
            Call("", Fields({"name": name}, where).text("name"))
            for name in message.items("tool_calls")
        )
    calls = (Fields(value, where) for value in message.items("calls"))
    return tuple(
        Call(
            id=call.text("id"),
            name=call.text("name"),
            arguments=call.text("arguments"),
            result=call.maybe_text("result"),
            failed=call.flag("failed"),
            extra=call.maybe_object("extra"),
            started_at=call.maybe_moment("started_at"),
            ended_at=call.maybe_moment("ended_at"),
        )
        for call in calls
    )


def _state(message: Fields) -> KeptState:
    state = message.fields("state")
    items = (Fields(item, f"{state.where}, an item") for item in state.items("items"))
    return KeptState(state.text("provider"), tuple(item.raw for item in items))


def _citations(message: Fields) -> tuple[Citation, ...]:
    found = (Fields(value, f"{message.where}, a citation") for value in message.items("citations"))
    return tuple(
        Citation(
            fields.text("url"),
            fields.text("title"),
            fields.text("quote"),
            fields.maybe_count("start"),
            fields.maybe_count("end"),
        )
        for fields in found
    )


def _attachments(message: Fields) -> tuple[Attachment, ...]:
    where = f"{message.where}, an attachment"
    return tuple(_attachment(Fields(value, where)) for value in message.items("attachments"))


def _attachment(fields: Fields) -> Attachment:
    name, media_type = fields.text("name"), fields.text("media_type")
    url = fields.maybe_text("url")
    if url is not None:
        return Attachment(name, media_type, url=url)
    return Attachment(name, media_type, fields.data("data"))


# The optional fields of a message but for its calls, and how each is read.
_MORE: Mapping[str, Callable[[Fields], object]] = {
    "reasoning": lambda message: message.text("reasoning"),
    "finish_reason": lambda message: message.text("finish_reason"),
    "model": lambda message: message.text("model"),
    "usage": lambda message: message.usage("usage"),
    "reply_to": lambda message: message.count("reply_to"),
    "error": lambda message: message.text("error"),
    "first_token_s": lambda message: message.maybe_number("first_token_s"),
    "total_s": lambda message: message.maybe_number("total_s"),
    "attachments": _attachments,
    "finish_raw": lambda message: message.text("finish_raw"),
    "citations": _citations,
    "step": lambda message: message.count("step"),
    "state": _state,
    "extra": lambda message: message.maybe_object("extra"),
    "stands_for": lambda message: message.count("stands_for"),
}
