"""The ``conversations.json`` of a Claude data export.

An array of conversations, each with its ``chat_messages`` in order. A message has its text
both whole and in ``content`` blocks; files that were attached are there as extracted text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial

from hfs_cli.conversations import Conversation, Incoming
from hfs_cli.exchange.json_values import Fields
from hfs_cli.exchange.sources.foreign import NO_FILE, About, Said, arrived, unread


def fits(first: object) -> bool:
    """Whether the first element of an array is such a conversation."""
    return isinstance(first, dict) and "chat_messages" in first


def conversations(document: Iterable[object], where: str) -> Iterator[Incoming]:
    """All of them."""
    for number, value in enumerate(document, 1):
        yield unread("claude", value, ("uuid",), partial(_read, value, where, number))


def _read(value: object, where: str, number: int) -> tuple[Conversation, ...]:
    fields = Fields(value, f"{where}, conversation {number}")
    left_out: Counter[str] = Counter()
    said = [
        _message(Fields(m, f"{fields.where}, message {n}"), left_out)
        for n, m in enumerate(fields.items("chat_messages"), 1)
    ]
    about = About(
        "claude",
        fields.text("uuid"),
        fields.maybe_text("name") or "",
        fields.moment("created_at"),
        left_out,
    )
    return arrived(about, [one for one in said if one.content or one.reasoning])


def _message(message: Fields, left_out: Counter[str]) -> Said:
    blocks = [Fields(b, message.where) for b in message.items("content")]
    texts = [b.maybe_text("text") or "" for b in blocks if b.maybe_text("type") == "text"]
    thoughts = [b.maybe_text("thinking") or "" for b in blocks]
    parts = ["\n\n".join(t for t in texts if t) or message.maybe_text("text") or ""]
    left_out["call of a tool, or what it returned"] += sum(
        (b.maybe_text("type") or "").startswith("tool_") for b in blocks
    )
    left_out[NO_FILE] += len(message.items("files"))
    for value in message.items("attachments"):
        file = Fields(value, message.where)
        extracted = file.maybe_text("extracted_content")
        if not extracted:
            left_out[NO_FILE] += 1
        else:
            parts.append(f"[{file.maybe_text('file_name') or 'a file'}]\n{extracted}")
    return Said(
        role="user" if message.choice("sender", ("human", "assistant")) == "human" else "assistant",
        content="\n\n".join(part for part in parts if part),
        created_at=message.moment("created_at"),
        reasoning="\n\n".join(t for t in thoughts if t),
    )
