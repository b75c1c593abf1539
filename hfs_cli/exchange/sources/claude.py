"""The ``conversations.json`` of a Claude data export.

An array of conversations, each with its ``chat_messages`` in order. A message has its text
both whole and in ``content`` blocks; files that were attached are there as extracted text.
"""

from __future__ import annotations

from collections.abc import Iterator

from hfs_cli.conversations import Conversation
from hfs_cli.exchange.json_values import Fields
from hfs_cli.exchange.sources.foreign import Said, arrived


def fits(document: object) -> bool:
    """Whether it is an array of such conversations."""
    return (
        isinstance(document, list)
        and bool(document)
        and isinstance(document[0], dict)
        and "chat_messages" in document[0]
    )


def conversations(document: list[object], where: str) -> Iterator[Conversation]:
    """All of them.

    Raises:
        UsageError: One is not what it should be.
    """
    for number, value in enumerate(document, 1):
        fields = Fields(value, f"{where}, conversation {number}")
        said = [
            _message(Fields(m, f"{fields.where}, message {n}"))
            for n, m in enumerate(fields.items("chat_messages"), 1)
        ]
        found = arrived(
            "claude",
            fields.text("uuid"),
            fields.maybe_text("name") or "",
            fields.moment("created_at"),
            [one for one in said if one.content or one.reasoning],
        )
        if found is not None:
            yield found


def _message(message: Fields) -> Said:
    blocks = [Fields(b, message.where) for b in message.items("content")]
    texts = [b.maybe_text("text") or "" for b in blocks if b.maybe_text("type") == "text"]
    thoughts = [b.maybe_text("thinking") or "" for b in blocks]
    parts = ["\n\n".join(t for t in texts if t) or message.maybe_text("text") or ""]
    for value in message.items("attachments"):
        file = Fields(value, message.where)
        extracted = file.maybe_text("extracted_content")
        if extracted:
            parts.append(f"[{file.maybe_text('file_name') or 'a file'}]\n{extracted}")
    return Said(
        role="user" if message.choice("sender", ("human", "assistant")) == "human" else "assistant",
        content="\n\n".join(part for part in parts if part),
        created_at=message.moment("created_at"),
        reasoning="\n\n".join(t for t in thoughts if t),
    )
