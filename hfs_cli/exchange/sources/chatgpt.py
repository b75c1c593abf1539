"""The ``conversations.json`` of a ChatGPT data export.

An array of conversations. Each holds a ``mapping`` of nodes that name their parents;
``current_node`` is where the conversation stood, and the way from it to the root is what the
user last saw. Replies that were regenerated away lie beside that way and are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial

from hfs_cli.conversations import Conversation, Incoming
from hfs_cli.errors import UsageError
from hfs_cli.exchange.json_values import Fields
from hfs_cli.exchange.sources.foreign import A_FILE, NO_FILE, About, Said, arrived, unread
from hfs_cli.moments import from_seconds

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What a person saw; the rest is the service's own bookkeeping.
_SHOWN = {"text", "multimodal_text", "code"}


def fits(first: object) -> bool:
    """Whether the first element of an array is such a conversation."""
    return isinstance(first, dict) and "mapping" in first


def conversations(document: Iterable[object], where: str) -> Iterator[Incoming]:
    """All of them."""
    for number, value in enumerate(document, 1):
        yield unread(
            "chatgpt", value, ("conversation_id", "id"), partial(_read, value, where, number)
        )


def _read(value: object, where: str, number: int) -> tuple[Conversation, ...]:
    fields = Fields(value, f"{where}, conversation {number}")
    started = from_seconds(fields.maybe_number("create_time")) or _EPOCH
    key = fields.maybe_text("conversation_id") or fields.maybe_text("id")
    if key is None:
        raise UsageError(f"{fields.where}: neither conversation_id nor id is there")
    left_out: Counter[str] = Counter()
    said = _said(fields, left_out)
    about = About("chatgpt", key, fields.maybe_text("title") or "", started, left_out)
    return arrived(about, said)


def _said(conversation: Fields, left_out: Counter[str]) -> Iterator[Said]:
    nodes = conversation.fields("mapping")
    name = conversation.maybe_text("current_node")
    way = []
    seen = set()
    while name is not None and name not in seen:
        seen.add(name)
        node = nodes.maybe_fields(name)
        if node is None:
            break
        way.append(node)
        name = node.maybe_text("parent")
    left_out["message of a version that was replaced"] += len(nodes.names() - seen)
    for node in reversed(way):
        message = node.maybe_fields("message")
        said = message and _message(message, left_out)
        if said:
            yield said


def _message(message: Fields, left_out: Counter[str]) -> Said | None:
    role = message.fields("author").text("role")
    content = message.fields("content")
    addressed = message.maybe_text("recipient") or "all"
    if role not in {"user", "assistant", "system"} or addressed != "all":
        left_out["call of a tool, or what it returned"] += 1
        return None
    if content.maybe_text("content_type") not in _SHOWN:
        left_out["message that the service keeps for itself"] += 1
        return None
    text = _text(content, left_out)
    if not text.strip():
        return None
    about = message.maybe_fields("metadata")
    return Said(
        role="user" if role == "user" else "assistant" if role == "assistant" else "system",
        content=text,
        created_at=from_seconds(message.maybe_number("create_time")),
        model=about.maybe_text("model_slug") if about and role == "assistant" else None,
    )


def _text(content: Fields, left_out: Counter[str]) -> str:
    """The parts that are text; a picture is a reference to a file that is not in here."""
    alone = content.maybe_text("text")
    if alone is not None:
        return alone
    parts = content.texts("parts", otherwise=A_FILE)
    left_out[NO_FILE] += parts.count(A_FILE)
    return "\n\n".join(parts)
