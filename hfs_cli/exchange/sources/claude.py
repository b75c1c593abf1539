"""The data export of Claude: its ZIP, its ``conversations.json``, or one conversation alone.

An array of conversations, each with its ``chat_messages``, which name the message before them:
a tree, for a question that was changed and a reply that was given anew are kept beside the first.
Exports of 2024 and before name none, and are in order. A message has its text both whole and in
``content`` blocks, between which tools were called; files that were attached are there as
extracted text, and others by their names. Anthropic does not document it; this is what exports of
2024 to 2026 hold, and what other readers of them expect (looked up 2026-11-29).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from hfs_cli.conversations import Conversation, Incoming
from hfs_cli.exchange.json_values import Fields
from hfs_cli.exchange.sources.foreign import A_FILE, NO_FILE, About, Said, parted, unread
from hfs_cli.exchange.zipped import Zipped
from hfs_cli.messages import Attachment, Call

# Fields that have fields of their own in a message of ours, or are repeated in a block.
_PLACED = {"sender", "text", "content", "created_at", "attachments", "files"}
_PLACED_IN_BLOCK = {"text", "thinking", "id", "name", "input", "tool_use_id", "content", "is_error"}


def fits(first: object) -> bool:
    """Whether the first element of an array is such a conversation."""
    return isinstance(first, dict) and "chat_messages" in first


def conversations(
    document: Iterable[object], where: str, files: Zipped | None = None
) -> Iterator[Incoming]:
    """All of them; `files` is what came with the document."""
    return unread("claude", document, where, ("uuid",), partial(_read, files=files))


def _read(value: object, where: str, *, files: Zipped | None) -> tuple[Conversation, ...]:
    fields = Fields(value, where)
    about = About(
        "claude",
        fields.text("uuid"),
        fields.maybe_text("name") or "",
        fields.moment("created_at"),
    )
    said: list[Said] = []
    for number, found in enumerate(fields.items("chat_messages"), 1):
        message = Fields(found, f"{where}, message {number}")
        before = said[-1].key if said else None
        said.append(_Message(message, files, about.left_out).said(str(number), before))
    if not any(one.content or one.reasoning or one.calls or one.attachments for one in said):
        return ()
    # One that is there twice would stand for itself alone.
    once = {one.key: one for one in said}
    about.left_out["message that is there twice"] += len(said) - len(once)
    kept = list(once.values())
    rest = {n: v for n, v in fields.whole().items() if n not in {"chat_messages", "name"} and v}
    kept[0] = replace(kept[0], extra={"conversation": rest, **(kept[0].extra or {})})
    return parted(about, kept, fields.maybe_text("current_leaf_message_uuid"))


class _Message:
    """One message as its blocks are read.

    Args:
        message: The message.
        files: What came with the export.
        left_out: Counts what does not come in.
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

    def said(self, number: str, before: str | None) -> Said:
        """The message.

        Args:
            number: What it is called where it has no name.
            before: What it follows where it does not say.
        """
        message = self._message
        extra = {n: v for n, v in message.whole().items() if n not in _PLACED and v}
        if any(rest.keys() - {"type"} for rest in self._rest):
            extra["content"] = self._rest
        texts = [t for t in self._texts if t] or [message.maybe_text("text") or ""]
        attachments = tuple(self._attachments(texts))
        sender = message.choice("sender", ("human", "assistant"))
        has_parent = "parent_message_uuid" in message.names()
        return Said(
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
            given = block.whole().get("input")
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
            # Whatever it is, all of it is kept.
            self._rest.append(block.whole())
            return
        rest = {n: v for n, v in block.whole().items() if n not in _PLACED_IN_BLOCK and v}
        self._rest.append(rest)

    def _answer(self, block: Fields) -> None:
        """Give a result to the call that it names; else to the last one without any."""
        key = block.maybe_text("tool_use_id")
        if key not in self._calls:
            open_ = [k for k, call in self._calls.items() if call.result is None]
            key = open_[-1] if open_ else key or f"call {len(self._calls) + 1}"
        asked = self._calls.get(key) or Call(key, block.maybe_text("name") or "tool")
        failed = block.whole().get("is_error") is True
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
    """What a tool returned: text, or blocks; those that are not text stay JSON."""
    if not block.is_array("content"):
        given = block.whole().get("content") or ""
        return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    parts = []
    for value in block.items("content"):
        text = value.get("text") if isinstance(value, dict) else None
        parts.append(text if isinstance(text, str) else json.dumps(value, ensure_ascii=False))
    return "\n\n".join(parts)
