"""Chats that are a bare list of roles and contents, as shell_gpt and aichat keep them.

Times are not kept: the file's own time stands for them, and its name is the conversation's. What
shell_gpt writes is a JSON array of messages with calls and their results in the form of OpenAI's
API (shell_gpt 1.5.1 from PyPI, run and read 2026-11-29); for aichat see `sources.aichat`.
"""

from __future__ import annotations

import mimetypes
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from hfs_cli.conversations import Conversation, Incoming, Unread
from hfs_cli.exchange.json_values import ROLES, Fields, from_base64, text_or_json
from hfs_cli.exchange.sources.foreign import (
    A_FILE,
    NO_FILE,
    ForeignMessage,
    Metadata,
    from_sequence,
    uid_of,
)
from hfs_cli.messages import Attachment, Call, Role


def fits(first: object) -> bool:
    """Whether the first element of an array is a message."""
    return isinstance(first, dict) and {"role", "content"} <= first.keys()


def conversations(
    source: str, path: Path, messages: Sequence[object], model: str | None = None
) -> Iterator[Incoming]:
    """The conversation of a file.

    Args:
        source: The program.
        path: The file.
        messages: The list.
        model: The model that gave the replies, or None.
    """
    yield Unread(uid_of(source, path.stem), partial(_read, source, path, messages, model))


def _read(
    source: str, path: Path, messages: Sequence[object], model: str | None
) -> tuple[Conversation, ...]:
    started = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    found: list[ForeignMessage] = []
    left_out: Counter[str] = Counter()
    for number, value in enumerate(messages, 1):
        message = Fields(value, f"{path}, message {number}")
        role = message.choice("role", ROLES)
        one = _content(message, role, left_out)
        key = message.maybe_text("tool_call_id")
        asked = found[-1].calls if found and role == "tool" else ()
        if key is not None and any(call.id == key for call in asked):
            given = (c._replace(result=one.content) if c.id == key else c for c in asked)
            found[-1] = replace(found[-1], calls=tuple(given))
        elif one.content or one.calls or one.attachments:
            found.append(replace(one, model=model if one.role == "assistant" else None))
        else:
            left_out["message without anything in it"] += 1
    return from_sequence(Metadata(source, path.stem, path.stem, started, left_out), found)


def _content(message: Fields, role: Role, left_out: Counter[str]) -> ForeignMessage:
    """A message's content: text, a list of parts, or calls with their results."""
    if isinstance(message.raw.get("content"), dict):
        content = message.fields("content")
        calls = tuple(
            result_of(Fields(value, content.where)) for value in content.items("tool_results")
        )
        # The reply that asks and the results that it got are one message in aichat.
        rest = content.rest({"tool_results", "text"})
        reply = content.maybe_text("text") or ""
        return ForeignMessage(
            "assistant", reply, calls=calls, extra={"content": rest} if rest else None
        )
    if not message.is_array("content"):
        calls = tuple(_asked(Fields(v, message.where)) for v in message.items("tool_calls"))
        return ForeignMessage(role, message.maybe_text("content") or "", calls=calls)
    texts: list[str] = []
    files: list[Attachment] = []
    for value in message.items("content"):
        part = Fields(value, message.where)
        if (text := part.maybe_text("text")) is not None:
            texts.append(text)
            continue
        picture = part.maybe_fields("image_url")
        if picture is not None and (file := _linked(picture.maybe_text("url") or "")):
            files.append(file)
        else:
            texts.append(A_FILE)
            left_out[NO_FILE] += 1
    return ForeignMessage(role, "\n\n".join(texts), attachments=tuple(files))


def _asked(value: Fields) -> Call:
    """A call in the form of OpenAI's API, which shell_gpt keeps."""
    function = value.fields("function")
    arguments = function.maybe_text("arguments") or ""
    return Call(value.maybe_text("id") or "", function.text("name"), arguments)


def result_of(value: Fields) -> Call:
    """A call with its output, as aichat keeps it."""
    asked = value.fields("call")
    return Call(
        asked.maybe_text("id") or "",
        asked.text("name"),
        text_or_json(asked.raw.get("arguments")),
        text_or_json(value.raw.get("output")),
    )


def _linked(url: str) -> Attachment | None:
    """A picture on the web or in a ``data:`` URL (RFC 2397); None for any other URL."""
    if url.startswith(("http://", "https://")):
        name = url.partition("?")[0].rpartition("/")[2] or "picture"
        return Attachment(name, mimetypes.guess_type(name)[0] or "image/png", url=url)
    head, comma, data = url.partition(",")
    if not (comma and head.startswith("data:") and head.endswith(";base64")):
        return None
    if (found := from_base64(data)) is None:
        return None
    media_type = head.removeprefix("data:").removesuffix(";base64").partition(";")[0]
    return Attachment("picture", media_type or "application/octet-stream", found)
