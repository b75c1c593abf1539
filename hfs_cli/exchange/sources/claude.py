"""The data export of Claude: its ZIP, its ``conversations.json``, or one conversation alone.

An array of conversations, each with its ``chat_messages``, which name the message before them.
They are a tree, because an edited question and a regenerated reply are kept beside the original.
In exports up to 2024 they name none, and are in order. A message has its text both in one piece and
in ``content`` blocks, between which tools were called. Attached files come as extracted text, and
others by their names alone. Anthropic does not document it; this is what exports of 2024 to 2026
hold, and what other readers of them expect (looked up 2026-11-29).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from hfs_cli.conversations import Conversation, Incoming
from hfs_cli.exchange.json_values import Fields, text_or_json
from hfs_cli.exchange.sources.foreign import (
    A_FILE,
    NO_FILE,
    ForeignMessage,
    Metadata,
    from_tree,
    unread,
)
from hfs_cli.exchange.zipped import Zipped
from hfs_cli.messages import Attachment, Call

# Fields that have fields of their own in a message of ours, or are repeated in a block.
_PLACED = {"sender", "text", "content", "created_at", "attachments", "files"}
_PLACED_IN_BLOCK = {"text", "thinking", "id", "name", "input", "tool_use_id", "content", "is_error"}


def fits(first: object) -> bool:
    """Whether the first element of an array is such a conversation."""
    return isinstance(first, dict) and "chat_messages" in first


def conversations(
    document: Iterable[object], where: str, files: Zipped | None
) -> Iterator[Incoming]:
    """The conversations of an export; see `chatgpt.conversations`."""
    return unread("claude", document, where, ("uuid",), partial(_read, files=files))


def _read(value: object, where: str, *, files: Zipped | None) -> tuple[Conversation, ...]:
    fields = Fields(value, where)
    key, title = fields.text("uuid"), fields.maybe_text("name") or ""
    metadata = Metadata("claude", key, title, fields.moment("created_at"))
    messages: list[ForeignMessage] = []
    for number, item in enumerate(fields.items("chat_messages"), 1):
        message = Fields(item, f"{where}, message {number}")
        before = messages[-1].key if messages else None
        reader = _Message(message, files, metadata.left_out)
        messages.append(reader.message(str(number), before))
    if not any(one.content or one.reasoning or one.calls or one.attachments for one in messages):
        return ()
    # A tree has no place for two messages with one key.
    once = {one.key: one for one in messages}
    metadata.left_out["message that is there twice"] += len(messages) - len(once)
    kept = list(once.values())
    rest = fields.rest({"chat_messages", "name"})
    kept[0] = replace(kept[0], extra={"conversation": rest, **(kept[0].extra or {})})
    return from_tree(metadata, kept, fields.maybe_text("current_leaf_message_uuid"))


class _Message:
    """One message while its blocks are read.

    Args:
        message: The message.
        files: The ZIP that the conversation was in, or None.
        left_out: Counts what is not imported.
    """

    def __init__(self, message: Fields, files: Zipped | None, left_out: Counter[str]) -> None:
        self._message = message
        self._files = files
        self._left_out = left_out
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._calls: dict[str, Call] = {}
        self._rest: list[Mapping[str, object]] = []
        for value in message.items("content"):
            self._take(Fields(value, message.where))

    def message(self, number: str, before: str | None) -> ForeignMessage:
        """The message.

        Args:
            number: Its key if it names none.
            before: The key of the message before it if it names none.
        """
        message = self._message
        extra = message.rest(_PLACED)
        if any(rest.keys() - {"type"} for rest in self._rest):
            extra["content"] = self._rest
        texts = [t for t in self._texts if t] or [message.maybe_text("text") or ""]
        attachments = tuple(self._attachments(texts))
        sender = message.choice("sender", ("human", "assistant"))
        has_parent = "parent_message_uuid" in message.raw
        return ForeignMessage(
            role="user" if sender == "human" else "assistant",
            content="\n\n".join(text for text in texts if text),
            created_at=message.moment("created_at"),
            reasoning="\n\n".join(t for t in self._thoughts if t),
            attachments=attachments,
            calls=tuple(self._calls.values()),
            extra=extra or None,
            key=message.maybe_text("uuid") or number,
            after=message.maybe_text("parent_message_uuid") if has_parent else before,
        )

    def _take(self, block: Fields) -> None:
        kind = block.maybe_text("type") or ""
        if kind == "text":
            self._texts.append(block.maybe_text("text") or "")
        elif kind.endswith("thinking"):
            self._thoughts.append(block.maybe_text("thinking") or "")
        elif kind.endswith("tool_use"):
            given = block.raw.get("input")
            key = block.maybe_text("id") or f"call {len(self._calls) + 1}"
            call = Call(
                key,
                block.maybe_text("name") or "tool",
                json.dumps(given, ensure_ascii=False) if given is not None else "",
                started_at=block.maybe_moment("start_timestamp"),
            )
            self._calls[key] = call
        elif kind.endswith("tool_result"):
            self._answer(block)
        else:
            self._rest.append(block.raw)
            return
        self._rest.append(block.rest(_PLACED_IN_BLOCK))

    def _answer(self, block: Fields) -> None:
        """Give a result to the call that it names, or else to the last one without a result."""
        key = block.maybe_text("tool_use_id")
        if key not in self._calls:
            open_ = [k for k, call in self._calls.items() if call.result is None]
            key = open_[-1] if open_ else key or f"call {len(self._calls) + 1}"
        asked = self._calls.get(key) or Call(key, block.maybe_text("name") or "tool")
        failed = block.raw.get("is_error") is True
        self._calls[key] = asked._replace(
            result=_result(block),
            failed=failed,
            ended_at=block.maybe_moment("stop_timestamp"),
        )

    def _attachments(self, texts: list[str]) -> Iterator[Attachment]:
        """The message's files; the name or the extracted text of a missing one joins `texts`."""
        message = self._message
        for value in message.items("attachments"):
            file = Fields(value, message.where)
            name = file.maybe_text("file_name") or "a file"
            if extracted := file.maybe_text("extracted_content"):
                texts.append(f"[{name}]\n{extracted}")
            else:
                yield from self._file(file, texts)
        for value in message.items("files"):
            yield from self._file(Fields(value, message.where), texts)

    def _file(self, file: Fields, texts: list[str]) -> Iterator[Attachment]:
        name = file.maybe_text("file_name") or ""
        key = file.maybe_text("file_uuid") or file.maybe_text("id") or ""
        found = self._files.file(key, name) if self._files is not None and key else None
        if found is not None:
            yield found
        else:
            texts.append(f"[{name}]" if name else A_FILE)
            self._left_out[NO_FILE] += 1


def _result(block: Fields) -> str:
    """The output of a tool: a text, or the blocks of one; blocks that are not text become JSON."""
    if not block.is_array("content"):
        return text_or_json(block.raw.get("content") or "")
    parts = []
    for value in block.items("content"):
        text = value.get("text") if isinstance(value, dict) else None
        parts.append(text if isinstance(text, str) else json.dumps(value, ensure_ascii=False))
    return "\n\n".join(parts)
