"""The ``conversations.json`` of a ChatGPT data export.

An array of conversations. Each holds a ``mapping`` of nodes that name their parents;
``current_node`` is where the conversation stood, and the way from it to the root is what the
user last saw. Replies that were regenerated away lie beside that way and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from hfs_cli.conversations import Conversation
from hfs_cli.errors import UsageError
from hfs_cli.exchange.json_values import Fields
from hfs_cli.exchange.sources.foreign import Said, arrived
from hfs_cli.moments import from_seconds

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What a person saw; the rest is the service's own bookkeeping.
_SHOWN = {"text", "multimodal_text", "code"}


def fits(document: object) -> bool:
    """Whether it is an array of such conversations."""
    return (
        isinstance(document, list)
        and bool(document)
        and isinstance(document[0], dict)
        and "mapping" in document[0]
    )


def conversations(document: list[object], where: str) -> Iterator[Conversation]:
    """All of them.

    Raises:
        UsageError: One is not what it should be.
    """
    for number, value in enumerate(document, 1):
        fields = Fields(value, f"{where}, conversation {number}")
        started = from_seconds(fields.maybe_number("create_time")) or _EPOCH
        key = fields.maybe_text("conversation_id") or fields.maybe_text("id")
        if key is None:
            raise UsageError(f"{fields.where}: neither conversation_id nor id is there")
        found = arrived("chatgpt", key, fields.maybe_text("title") or "", started, _said(fields))
        if found is not None:
            yield found


def _said(conversation: Fields) -> Iterator[Said]:
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
    for node in reversed(way):
        message = node.maybe_fields("message")
        said = message and _message(message)
        if said:
            yield said


def _message(message: Fields) -> Said | None:
    role = message.fields("author").text("role")
    content = message.fields("content")
    addressed = message.maybe_text("recipient") or "all"
    if role not in {"user", "assistant", "system"} or addressed != "all":
        return None  # A tool, or a call of one.
    if content.maybe_text("content_type") not in _SHOWN:
        return None
    text = _text(content)
    if not text.strip():
        return None
    about = message.maybe_fields("metadata")
    return Said(
        role="user" if role == "user" else "assistant" if role == "assistant" else "system",
        content=text,
        created_at=from_seconds(message.maybe_number("create_time")),
        model=about.maybe_text("model_slug") if about and role == "assistant" else None,
    )


def _text(content: Fields) -> str:
    """The parts that are text; a picture is a reference to a file that is not in here."""
    alone = content.maybe_text("text")
    if alone is not None:
        return alone
    return "\n\n".join(content.texts("parts", otherwise="[a file]"))
