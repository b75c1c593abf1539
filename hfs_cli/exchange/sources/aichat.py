"""The sessions of aichat, and its log of questions asked outside of sessions.

A session is YAML with settings and a list of roles and contents (`chat_list`). A content is a text,
a list of texts and pictures, or ``tool_results``: each call with its output.

The log, ``messages.md``, has an entry for each question. The model sees none of the earlier ones,
so each entry is a conversation::

    # CHAT: the question's beginning [2026-02-23T19:16:27+08:00] (role#rag)
    the question
    --------
    <tool_calls>
    [{"call": {"name": …, "arguments": …, "id": …}, "output": …}]
    </tool_calls>
    the reply
    --------

A line of hyphens in a text is not escaped: the first one ends the question. Until October 2023 a
heading was ``# CHAT:[TIME] (role)``. (``src/client/message.rs``, ``src/function.rs`` and
``save_message`` of ``src/config/mod.rs`` of sigoden/aichat, 82976d3 of 2026-02-23 and its history,
read 2026-11-29.)
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from hfs_cli.conversations import Conversation, Incoming, Unread
from hfs_cli.errors import UsageError
from hfs_cli.exchange.json_stream import MAX_VALUE, parse_json
from hfs_cli.exchange.json_values import Fields
from hfs_cli.exchange.sources import chat_list
from hfs_cli.exchange.sources.foreign import ForeignMessage, Metadata, from_sequence, uid_of
from hfs_cli.moments import from_iso

_HEADING = re.compile(
    rb"# CHAT:(?P<title>.*)\[(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d))\]"
    rb"(?: (?P<scope>.*))?\r?\n?"
)
_LINE = b"--------"
_CALLS, _END_OF_CALLS = "<tool_calls>\n", "\n</tool_calls>\n"
_FILES = "question's files, of which the log of aichat keeps the names alone"


def conversations(data: bytes, path: Path) -> Iterator[Incoming]:
    """The conversation of a session's file.

    Args:
        data: The file's content.
        path: The file.

    Raises:
        UsageError: It is not YAML of that shape, or PyYAML is not installed.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 (byte {error.start})") from error
    fields = Fields(_parse_yaml(text, path), str(path))
    model = fields.maybe_text("model") or None
    # Messages that were compressed out of the context still belong to the conversation.
    messages = (*fields.items("compressed_messages"), *fields.items("messages"))
    yield from chat_list.conversations("aichat", path, messages, model)


def begins_log(head: bytes) -> bool:
    """Whether a file that begins with this line is the log."""
    return _HEADING.fullmatch(head) is not None


def log(stream: BinaryIO, head: bytes, where: str) -> Iterator[Incoming]:
    """The entries of the log, each a conversation.

    Args:
        stream: The file, after its first line.
        head: That line.
        where: How errors name the file.
    """
    seen: Counter[str] = Counter()
    moment = b""
    for number, entry in enumerate(_entries(stream, head, where), 1):
        heading = _HEADING.match(entry)
        assert heading is not None
        if heading["time"] != moment:  # times only rise: an entry of another second is another one
            seen.clear()
            moment = heading["time"]
        asked = entry[heading.end() :].partition(b"\n" + _LINE)[0]
        digest = hashlib.sha256(moment + b"\n" + asked).hexdigest()
        seen[digest] += 1
        key = f"log:{digest}:{seen[digest]}"
        yield Unread(uid_of("aichat", key), partial(_logged, entry, key, f"{where}, chat {number}"))


def _entries(stream: BinaryIO, head: bytes, where: str) -> Iterator[bytes]:
    """The entries, each up to the next heading after a line of hyphens and an empty line."""
    lines, size = [head], len(head)
    while line := stream.readline(MAX_VALUE):
        ended = len(lines) > 2 and lines[-2].rstrip() == _LINE and not lines[-1].strip()
        if ended and begins_log(line):
            yield b"".join(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line)
        if size > MAX_VALUE:
            raise UsageError(f"{where} holds a chat of over {MAX_VALUE // 10**6} MB")
    yield b"".join(lines)


def _logged(entry: bytes, key: str, where: str) -> tuple[Conversation, ...]:
    try:
        text = entry.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{where} is not UTF-8") from error
    head, _, body = text.partition("\n")
    heading = _HEADING.match(head.encode())
    assert heading is not None
    try:
        moment = from_iso(heading["time"].decode())
    except ValueError as error:
        raise UsageError(f"{where} has a time that no calendar shows") from error
    line = _LINE.decode()
    question, has_reply, reply = f"\n{body}".partition(f"\n{line}\n")
    question = question.removeprefix("\n")
    title = heading["title"].decode().strip()
    if not title:  # the earlier format, with an empty line after the question
        question = question.removesuffix("\n")
    complete, ended, _ = reply.rstrip("\n").rpartition(f"\n{line}")
    metadata = Metadata("aichat", key, title, moment)
    if question.startswith(".file "):
        metadata.left_out[_FILES] += 1
    scope = (heading["scope"] or b"").decode().strip()
    extra = {"role": scope.strip("()")} if scope else None
    messages = [ForeignMessage("user", question, moment, extra=extra)]
    if has_reply:
        messages += _replies(complete if ended else reply, where)
        if not ended:
            messages[-1] = replace(messages[-1], status="partial")
    return from_sequence(metadata, messages)


def _replies(reply: str, where: str) -> list[ForeignMessage]:
    """The reply, after the message that asked for tools, if there was one."""
    asking, ended, rest = reply.removeprefix(_CALLS).partition(_END_OF_CALLS)
    if not (reply.startswith(_CALLS) and ended):
        return [ForeignMessage("assistant", reply)]
    text, _, results = asking.rpartition("\n")
    try:
        values = parse_json(results.encode(), where)
    except UsageError:
        values = None
    if not isinstance(values, list):
        return [ForeignMessage("assistant", reply)]
    calls = tuple(chat_list.result_of(Fields(value, f"{where}, a tool call")) for value in values)
    request = ForeignMessage("assistant", text, calls=calls)
    return [request, ForeignMessage("assistant", rest)] if rest else [request]


def _parse_yaml(text: str, path: Path) -> object:
    try:
        import yaml
    except ImportError:
        from hfs_cli.extras import how_to_add

        raise UsageError(f"reading {path} needs PyYAML: {how_to_add('yaml')}") from None

    # BaseLoader builds only strings, lists and mappings and ignores tags, so a text that looks
    # like a date stays text, and `!!bool perhaps` does no harm.
    class Loader(yaml.BaseLoader):  # type: ignore[misc]  # PyYAML has no types
        """Refuses aliases: a few lines of them can stand for gigabytes."""

        def compose_node(self, parent: object, index: object) -> object:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("aliases are not read")
            return super().compose_node(parent, index)

    try:
        return yaml.load(text, Loader)  # noqa: S506  (a BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"{path} is not valid YAML: {str(error).splitlines()[0]}") from error
