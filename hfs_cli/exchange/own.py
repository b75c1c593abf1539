"""The format of our own: JSON that loses nothing.

A document is ``{"format": "hfs", "schema_version": 1, "sessions": [...]}``; as JSON Lines the
same head without ``sessions`` comes first, and each line after it is a session. Positions
count from 1 within a transcript; times are UTC, ISO 8601; attachments are base64.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from hfs_cli.conversations import Conversation
from hfs_cli.moments import iso
from hfs_cli.shapes import checkpoint_shape, message_shape

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
        "checkpoints": [checkpoint_shape(c) for c in conversation.checkpoints],
        "messages": [message_shape(m, data=True) for m in conversation.messages],
    }
