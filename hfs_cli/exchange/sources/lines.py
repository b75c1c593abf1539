"""The format of lines that any history can be converted to: an object for each message.

docs/import.md describes it, and how to convert the histories of some programs. A line names its
session and its role; everything else is optional. A message follows the line before it, or the
message that it names as its parent; two messages with one parent are two branches.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import cast

from hfs_cli.conversations import Conversation, Incoming, Unread
from hfs_cli.errors import UsageError
from hfs_cli.exchange.json_stream import parse_json
from hfs_cli.exchange.json_values import ROLES, Fields
from hfs_cli.exchange.sources.foreign import ForeignMessage, Metadata, from_tree, uid_of
from hfs_cli.exchange.sources.records import Record, check_size
from hfs_cli.messages import Attachment, Call, Role
from hfs_cli.moments import from_seconds

SOURCE = "lines"
_FIELDS = {
    *("session", "title", "role", "content", "id", "parent", "current", "time", "model"),
    *("reasoning", "usage", "attachments", "calls", "call", "failed", "extra"),
}
# A line that begins with the name of its session, as a string in JSON.
_BEGINS = re.compile(rb'\s*\{\s*"session"\s*:\s*("(?:[^"\\]|\\.)*")')
_UNKNOWN = "field that the format does not have"


def fits(first: Mapping[str, object]) -> bool:
    """Whether the first line of a file is a message in this format."""
    return {"session", "role"} <= first.keys()


def conversations(lines: Iterator[Record], where: str) -> Iterator[Incoming]:
    """The sessions, each as soon as its last line was read.

    A damaged line makes its session one that cannot be read. If it does not say whose it is, that
    is the session before it and the one after it, since either may have lost a message.

    Raises:
        UsageError: The lines of a session do not stand together, or are too many.
    """
    group: list[Record] = []
    group_key, size = "", 0
    ended: set[bytes] = set()
    stray: list[Record] = []  # one is enough to tell, and there may be no end of them
    for line in lines:
        try:
            key = _key(line)
        except UsageError as error:
            stray = stray or [line._replace(value=None, lost=error.message)]
            continue
        if group and key != group_key:
            yield _incoming(group_key, [*group, *stray])
            ended.add(_digest(group_key))
            if _digest(key) in ended:
                raise UsageError(
                    f"{line.where}: the lines of session {key!r} do not stand together: "
                    "sort the file by session"
                )
            group, size = [], 0
        size += line.size
        check_size(size, where)
        group_key = key
        group += [*stray, line]
        stray = []
    if group or stray:
        yield _incoming(group_key, [*group, *stray])


def _key(line: Record) -> str:
    """Whose a line is, which its beginning may say although the rest of it is damaged.

    Raises:
        UsageError: It does not say.
    """
    if line.lost and (begins := _BEGINS.match(cast("bytes", line.value))):
        with suppress(UsageError):
            key = parse_json(begins[1], line.where)
            return Fields({"session": key}, line.where).text("session")
    return line.fields().text("session")


def _digest(key: str) -> bytes:
    return bytes.fromhex(uid_of(SOURCE, key))


def _incoming(key: str, lines: list[Record]) -> Incoming:
    # What is damaged is said even if its session was deleted here.
    uid = None if any(line.lost for line in lines) else uid_of(SOURCE, key)
    return Unread(uid, partial(_read, key, lines))


def _read(key: str, lines: list[Record]) -> tuple[Conversation, ...]:
    messages: dict[str, ForeignMessage] = {}
    places: dict[str, str] = {}  # how errors name each message
    calls: dict[str, tuple[str, int]] = {}  # a call's message, and its place there
    left_out: Counter[str] = Counter()
    title, current, last = "", None, None
    for number, line in enumerate(lines, 1):
        fields = line.fields()
        left_out[_UNKNOWN] += len(fields.raw.keys() - _FIELDS)
        title = title or fields.maybe_text("title") or ""
        role = fields.choice("role", ROLES)
        if role == "tool":
            _answer(fields, messages, calls)
            continue
        one = _message(fields, role, number, last)
        if one.key in messages:
            raise UsageError(f"{line.where}: id {one.key!r} is there twice")
        messages[one.key] = one
        places[one.key] = line.where
        calls |= {call.id: (one.key, place) for place, call in enumerate(one.calls) if call.id}
        last = one.key
        if "current" in fields.raw and fields.flag("current"):
            current = one.key
    for name, one in messages.items():
        if one.after is not None and one.after not in messages:
            raise UsageError(f"{places[name]}: no message of the session has the id {one.after!r}")
    return from_tree(Metadata(SOURCE, key, title, None, left_out), messages.values(), current)


def _message(fields: Fields, role: Role, number: int, last: str | None) -> ForeignMessage:
    return ForeignMessage(
        role=role,
        content=fields.maybe_text("content") or "",
        created_at=_time(fields),
        model=fields.maybe_text("model"),
        usage=fields.usage("usage"),
        reasoning=fields.maybe_text("reasoning") or "",
        attachments=tuple(_attachment(a, fields.where) for a in fields.items("attachments")),
        calls=tuple(_call(Fields(c, fields.where)) for c in fields.items("calls")),
        extra=fields.maybe_object("extra"),
        key=fields.maybe_text("id") or f"line {number}",
        after=fields.maybe_text("parent") if "parent" in fields.raw else last,
    )


def _time(fields: Fields) -> datetime | None:
    """Seconds since 1970, or ISO 8601."""
    value = fields.raw.get("time")
    if isinstance(value, str):
        return fields.moment("time")
    moment = from_seconds(fields.maybe_number("time"))
    if moment is None and value is not None:
        raise UsageError(f"{fields.where}: time is in no calendar: use seconds since 1970")
    return moment


def _attachment(value: object, where: str) -> Attachment:
    fields = Fields(value, f"{where}, an attachment")
    name = fields.maybe_text("name") or "attachment"
    media_type = fields.maybe_text("media_type") or "application/octet-stream"
    if url := fields.maybe_text("url"):
        return Attachment(name, media_type, url=url)
    return Attachment(name, media_type, fields.data("data"))


def _call(call: Fields) -> Call:
    return Call(
        id=call.maybe_text("id") or "",
        name=call.text("name"),
        arguments=_as_text(call, "arguments") or "",
        result=_as_text(call, "result"),
        failed="failed" in call.raw and call.flag("failed"),
    )


def _as_text(fields: Fields, name: str) -> str | None:
    """A string as it is, or the JSON of anything else."""
    value = fields.raw.get(name)
    if value is None or isinstance(value, str):
        return fields.maybe_text(name)
    return json.dumps(value)


def _answer(
    fields: Fields, messages: dict[str, ForeignMessage], calls: Mapping[str, tuple[str, int]]
) -> None:
    """Give a call its result.

    Raises:
        UsageError: No call before it has its id.
    """
    name = fields.text("call")
    if name not in calls:
        raise UsageError(f"{fields.where}: no call before it has the id {name!r}")
    key, place = calls[name]
    one = messages[key]
    failed = "failed" in fields.raw and fields.flag("failed")
    result = fields.maybe_text("content") or ""
    made = list(one.calls)
    made[place] = made[place]._replace(result=result, failed=failed)
    messages[key] = replace(one, calls=tuple(made))
