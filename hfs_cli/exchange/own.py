"""The format of our own: JSON that loses nothing.

A document is ``{"format": "hfs", "schema_version": 1, "sessions": [...]}``; as JSON Lines the
same head without ``sessions`` comes first, and each line after it is a session. Positions
count from 1 within a transcript; times are UTC, ISO 8601; attachments are base64.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping

from hfs_cli.conversations import Checkpoint, Conversation
from hfs_cli.messages import Attachment, Message
from hfs_cli.moments import iso

FORMAT = "hfs"
SCHEMA_VERSION = 1
HEAD = {"format": FORMAT, "schema_version": SCHEMA_VERSION}


def json_document(conversations: Iterable[Conversation]) -> Iterator[str]:
    """The document in pieces, so that it never has to fit into memory."""
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
    """A session as JSON has it."""
    return {
        "uid": conversation.uid,
        "name": conversation.name,
        "origin": conversation.origin,
        "listed": conversation.listed,
        "model": conversation.model,
        "created_at": iso(conversation.created_at),
        "updated_at": iso(conversation.updated_at),
        "parent_uid": conversation.parent_uid,
        "fork_position": conversation.fork_position,
        "checkpoints": [_checkpoint(c) for c in conversation.checkpoints],
        "messages": [_message(m) for m in conversation.messages],
    }


def _checkpoint(checkpoint: Checkpoint) -> Mapping[str, object]:
    return {
        "position": checkpoint.position,
        "label": checkpoint.label,
        "created_at": iso(checkpoint.created_at),
    }


def _message(message: Message) -> Mapping[str, object]:
    return {
        "position": message.position,
        "role": message.role,
        "content": message.content,
        "reasoning": message.reasoning,
        "status": message.status,
        "error": message.error,
        "model": message.model,
        "finish_reason": message.finish_reason,
        "finish_raw": message.finish_raw,
        "tool_calls": list(message.tool_calls),
        "usage": None if message.usage is None else message.usage._asdict(),
        "first_token_s": message.first_token_s,
        "total_s": message.total_s,
        "created_at": iso(message.created_at),
        "reply_to": message.reply_to,
        "attachments": [_attachment(a) for a in message.attachments],
    }


def _attachment(attachment: Attachment) -> Mapping[str, object]:
    shape = {"name": attachment.name, "media_type": attachment.media_type}
    if attachment.url is not None:
        return {**shape, "url": attachment.url}
    return {**shape, "data": base64.b64encode(attachment.data).decode("ascii")}
