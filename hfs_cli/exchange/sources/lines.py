"""The format of lines that any history can be brought into: an object a message.

docs/import.md describes it, with the way there from some programs. A line names its session and
its role; all else may be left out. A message follows the line before it, or the one that it names
as its parent: two with one parent are two branches.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import cast

from hfs_cli.conversations import Conversation, Incoming, Unread
from hfs_cli.errors import UsageError
from hfs_cli.exchange.json_values import Fields
from hfs_cli.exchange.sources.foreign import About, Said, parted, uid_of
from hfs_cli.exchange.sources.records import Record, Sizes
from hfs_cli.messages import Attachment, Call, Role, Usage
from hfs_cli.moments import from_seconds

SOURCE = "lines"
_ROLES = ("system", "user", "assistant", "tool")
_USAGE = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
_FIELDS = {
    *("session", "title", "role", "content", "id", "parent", "current", "time", "model"),
    *("reasoning", "usage", "attachments", "calls", "call", "failed", "extra"),
}
_UNKNOWN = "field that the format does not have"


def fits(first: Mapping[str, object]) -> bool:
    """Whether the first line of a file is a message in this format."""
    return {"session", "role"} <= first.keys()


def conversations(lines: Iterator[Record], where: str) -> Iterator[Incoming]:
    """The sessions, each as soon as its last line was read.

    Raises:
        UsageError: A line names no session, or one whose lines came before those of another.
    """
    group: list[Record] = []
    group_key, sizes = "", Sizes(where)
    ended: set[bytes] = set()
    for line in lines:
        key = line.fields().text("session")
        if group and key != group_key:
            yield _incoming(group_key, group)
            ended.add(_digest(group_key))
            if _digest(key) in ended:
                raise UsageError(
                    f"{line.where}: the lines of session {key!r} do not stand together: "
                    "sort the file by session"
                )
            group, sizes = [], Sizes(where)
        sizes.add(line.size)
        group_key = key
        group.append(line)
    if group:
        yield _incoming(group_key, group)


def _digest(key: str) -> bytes:
    return bytes.fromhex(uid_of(SOURCE, key))


def _incoming(key: str, lines: list[Record]) -> Incoming:
    return Unread(uid_of(SOURCE, key), partial(_read, key, lines))


def _read(key: str, lines: list[Record]) -> tuple[Conversation, ...]:
    said: dict[str, Said] = {}
    places: dict[str, str] = {}
    calls: dict[str, tuple[str, int]] = {}
    left_out: Counter[str] = Counter()
    title, current, last = "", None, None
    for number, line in enumerate(lines, 1):
        fields = line.fields()
        left_out[_UNKNOWN] += len(fields.names() - _FIELDS)
        title = title or fields.maybe_text("title") or ""
        role = cast("Role", fields.choice("role", _ROLES))
        if role == "tool":
            _answer(fields, said, calls)
            continue
        one = _message(fields, role, number, last)
        if one.key in said:
            raise UsageError(f"{line.where}: id {one.key!r} is there twice")
        said[one.key] = one
        places[one.key] = line.where
        calls |= {call.id: (one.key, place) for place, call in enumerate(one.calls) if call.id}
        last = one.key
        if "current" in fields.names() and fields.flag("current"):
            current = one.key
    for name, one in said.items():
        if one.after is not None and one.after not in said:
            raise UsageError(f"{places[name]}: no message of the session has the id {one.after!r}")
    return parted(About(SOURCE, key, title, None, left_out), said.values(), current)


def _message(fields: Fields, role: Role, number: int, last: str | None) -> Said:
    usage = fields.maybe_fields("usage")
    return Said(
        role=role,
        content=fields.maybe_text("content") or "",
        created_at=_time(fields),
        model=fields.maybe_text("model"),
        usage=Usage(*(usage.maybe_count(name) for name in _USAGE)) if usage else None,
        reasoning=fields.maybe_text("reasoning") or "",
        attachments=tuple(_attachment(a, fields.where) for a in fields.items("attachments")),
        calls=tuple(_call(Fields(c, fields.where)) for c in fields.items("calls")),
        extra=fields.maybe_object("extra"),
        key=fields.maybe_text("id") or f"line {number}",
        after=fields.maybe_text("parent") if "parent" in fields.names() else last,
    )


def _time(fields: Fields) -> datetime | None:
    """Seconds since 1970, or ISO 8601."""
    value = fields.whole().get("time")
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
    try:
        return Attachment(name, media_type, base64.b64decode(fields.text("data"), validate=True))
    except (binascii.Error, ValueError):
        raise UsageError(f"{fields.where}: data must be base64") from None


def _call(call: Fields) -> Call:
    return Call(
        id=call.maybe_text("id") or "",
        name=call.text("name"),
        arguments=_as_text(call, "arguments") or "",
        result=_as_text(call, "result"),
        failed="failed" in call.names() and call.flag("failed"),
    )


def _as_text(fields: Fields, name: str) -> str | None:
    """A string as it is, or the JSON of anything else."""
    value = fields.whole().get(name)
    if value is None or isinstance(value, str):
        return fields.maybe_text(name)
    return json.dumps(value)


def _answer(fields: Fields, said: dict[str, Said], calls: Mapping[str, tuple[str, int]]) -> None:
    """Put the result of a call where the call is.

    Raises:
        UsageError: No call before it has its id.
    """
    name = fields.text("call")
    if name not in calls:
        raise UsageError(f"{fields.where}: no call before it has the id {name!r}")
    key, place = calls[name]
    one = said[key]
    failed = "failed" in fields.names() and fields.flag("failed")
    result = fields.maybe_text("content") or ""
    made = list(one.calls)
    made[place] = made[place]._replace(result=result, failed=failed)
    said[key] = replace(one, calls=tuple(made))
