"""Conversations that come from other programs, as conversations of ours."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import cast

from hfs_cli.conversations import Conversation, Incoming, Unread
from hfs_cli.exchange.json_values import Fields
from hfs_cli.messages import Attachment, Message, Role, Usage
from hfs_cli.naming import cleaned_name

# Uids are made from what the other program calls a conversation (RFC 9562, version 5), so
# that importing it again finds it.
_NAMESPACE = uuid.UUID("7f0a5e0e-6d0c-5c5b-9f3e-686673636c69")
# What stands for a file in a text, and how it is counted.
A_FILE = "[a file]"
NO_FILE = "file that is not in the export"
_ROLES = ("system", "user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class Said:
    """One message as another program kept it.

    Args:
        created_at: None where the program did not keep it: the message before it, or the
            conversation, gives it.
        model: The name that program has for the model.
    """

    role: Role
    content: str
    created_at: datetime | None = None
    model: str | None = None
    usage: Usage | None = None
    total_s: float | None = None
    reasoning: str = ""
    attachments: tuple[Attachment, ...] = ()


def uid_of(source: str, key: str) -> str:
    """The uid of what another program calls by a key."""
    return uuid.uuid5(_NAMESPACE, f"{source}:{key}").hex


def unread(
    source: str, value: object, names: Sequence[str], read: Callable[[], Conversation | None]
) -> Incoming:
    """A conversation that is read only if it is not there yet.

    Args:
        source: The program.
        value: Parsed JSON.
        names: The fields that may hold its key, the first that does.
        read: How to read it.
    """
    keys = [value.get(name) for name in names] if isinstance(value, dict) else []
    key = next((key for key in keys if key is not None), None)
    # Whatever is wrong with it is said when it is read.
    is_key = isinstance(key, str) and key.isascii()
    return Unread(uid_of(source, str(key)) if is_key else None, read)


def arrived(
    source: str,
    key: str,
    title: str,
    started: datetime,
    said: Iterable[Said],
    left_out: Counter[str] | None = None,
) -> Conversation | None:
    """A conversation of ours, or None when nothing was said.

    It names no model to go on with: the other program's names are not ours. A reply answers
    the question before it.

    Args:
        source: The program.
        key: What it calls the conversation.
        title: Its title there; made into a valid name.
        started: When it began.
        said: The messages, oldest first.
        left_out: What does not come with it, complete when the last message was taken.
    """
    messages: list[Message] = []
    question = None
    moment = started
    for position, one in enumerate(said, 1):
        moment = one.created_at or moment
        messages.append(_message(one, position, moment, question))
        if one.role == "user":
            question = position
    if not messages:
        return None
    first = next((m.content for m in messages if m.role == "user"), "")
    return Conversation(
        uid=uid_of(source, key),
        name=cleaned_name(title or first[:60]),
        origin="import",
        listed=True,
        model=None,
        created_at=started,
        updated_at=max(moment, started),
        messages=tuple(messages),
        left_out=+(left_out or Counter()),
    )


def _message(one: Said, position: int, moment: datetime, question: int | None) -> Message:
    return Message(
        id=position,
        position=position,
        role=one.role,
        content=one.content,
        created_at=moment,
        reasoning=one.reasoning,
        model=one.model,
        usage=one.usage,
        total_s=one.total_s,
        reply_to=question if one.role == "assistant" else None,
        attachments=one.attachments,
    )


def listed(
    source: str, path: Path, messages: Sequence[object], model: str | None = None
) -> Iterator[Incoming]:
    """The conversation of a file that is a bare list of roles and contents.

    Args:
        source: The program.
        path: The file: its name is the conversation's, its time the messages'.
        messages: The list.
        model: Who gave the replies, or None.
    """
    yield Unread(uid_of(source, path.stem), partial(_listed, source, path, messages, model))


def _listed(
    source: str, path: Path, messages: Sequence[object], model: str | None
) -> Conversation | None:
    started = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    said = []
    left_out: Counter[str] = Counter()
    for number, value in enumerate(messages, 1):
        message = Fields(value, f"{path}, message {number}")
        role = cast("Role", message.choice("role", _ROLES))
        if content := _content(message, left_out):
            said.append(Said(role, content, model=model if role == "assistant" else None))
    return arrived(source, path.stem, path.stem, started, said, left_out)


def _content(message: Fields, left_out: Counter[str]) -> str:
    """Text, or a list of parts of which some are text."""
    if not message.is_array("content"):
        return message.maybe_text("content") or ""
    parts = [Fields(part, message.where) for part in message.items("content")]
    texts = [part.maybe_text("text") or A_FILE for part in parts]
    left_out[NO_FILE] += texts.count(A_FILE)
    return "\n\n".join(texts)
