"""Conversations that come from other programs, as conversations of ours."""

from __future__ import annotations

import base64
import binascii
import json
import mimetypes
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple, cast

from hfs_cli.conversations import Conversation, Incoming, Unread
from hfs_cli.exchange.json_values import Fields
from hfs_cli.messages import Attachment, Call, Message, Origin, Role, Status, Usage
from hfs_cli.naming import cleaned_name

# A uid is made from the other program's own key for a conversation (RFC 9562, version 5), so
# that importing the conversation again finds it.
_NAMESPACE = uuid.UUID("7f0a5e0e-6d0c-5c5b-9f3e-686673636c69")
# What stands in a text for a missing file, and how such files are counted.
A_FILE = "[a file]"
NO_FILE = "file that is not in the export"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The suffix of a branch's name, as for branches that are made here.
_NAMES: Mapping[Origin, str] = {"retry": "variant", "rewind": "rewound"}
_ROLES = ("system", "user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class Said:
    """One message as another program kept it.

    Args:
        created_at: None where the program did not keep it: the message before it, or the
            conversation, gives it.
        model: The name that program has for the model.
        calls: The tools that a reply asked for, with their results.
        extra: What has no place in a message of ours, as JSON has it.
        key: What the program calls it; unique in its conversation, where that has branches.
        after: The key of the message before it, where the conversation has branches.
    """

    role: Role
    content: str
    created_at: datetime | None = None
    model: str | None = None
    usage: Usage | None = None
    total_s: float | None = None
    reasoning: str = ""
    attachments: tuple[Attachment, ...] = ()
    calls: tuple[Call, ...] = ()
    extra: Mapping[str, object] | None = None
    key: str = ""
    after: str | None = None
    status: Status = "complete"
    finish_raw: str | None = None


def uid_of(source: str, key: str) -> str:
    """The uid of the conversation that a program knows by a key."""
    return uuid.uuid5(_NAMESPACE, f"{source}:{key}").hex


def unread(
    source: str,
    document: Iterable[object],
    where: str,
    names: Sequence[str],
    read: Callable[[object, str], Sequence[Conversation]],
) -> Iterator[Incoming]:
    """Conversations, each of which is read when the import needs it: not if it was deleted here.

    Args:
        source: The program.
        document: The conversations, as parsed JSON.
        where: How errors name the file.
        names: The fields that may hold a conversation's key; the first one present counts.
        read: Reads one conversation, given its JSON and how errors name it.
    """
    for number, value in enumerate(document, 1):
        keys = [value.get(name) for name in names] if isinstance(value, dict) else []
        key = next((key for key in keys if key is not None), None)
        # A key that is wrong is reported when the conversation is read.
        is_key = isinstance(key, str) and key.isascii()
        place = f"{where}, conversation {number}"
        yield Unread(uid_of(source, str(key)) if is_key else None, partial(read, value, place))


@dataclass(frozen=True, slots=True)
class About:
    """A conversation of another program, but for its messages.

    Args:
        source: The program.
        key: What it calls the conversation.
        title: Its title there; made into a valid name.
        started: When it began; None where that is not known: the messages' times tell.
        left_out: What does not come with it, complete when the last message was taken.
    """

    source: str
    key: str
    title: str
    started: datetime | None
    left_out: Counter[str] = field(default_factory=Counter)


def arrived(about: About, said: Iterable[Said]) -> tuple[Conversation, ...]:
    """A conversation of ours, or none when nothing was said.

    It names no model to go on with: the other program's names are not ours. A reply answers
    the question before it.

    Args:
        about: What it is called, and when it began.
        said: The messages, oldest first.
    """
    numbered = [replace(one, key=one.key or str(number)) for number, one in enumerate(said)]
    return _family(about, [_Part(numbered, None, 0)])


def parted(about: About, said: Iterable[Said], current: str | None) -> tuple[Conversation, ...]:
    """A conversation of ours with its branches, each after what it parted from.

    A branch is a session that shares its beginning with another, as those that a retry or a
    rewind sets aside here: lists leave it out until it is used.

    Args:
        about: What it is called, and when it began.
        said: The messages in any order: each names the one before it, or none that is there.
        current: The key of the message where the conversation stands; None, or one that is not
            there, for the newest of those that nothing follows.
    """
    return _family(about, _parts(list(said), current))


class _Part(NamedTuple):
    """The messages of one branch.

    Args:
        own: Those that are not its parent's.
        parent: The number of the part that it parts from, or None for the first one.
        shares: How many messages it begins with that are its parent's, or the parent's parent's.
    """

    own: list[Said]
    parent: int | None
    shares: int


def _parts(said: list[Said], current: str | None) -> list[_Part]:
    """Divide a tree into ways that lead to its leaves.

    Of messages 1 to 4, where 3 and 4 both follow 2 and 3 is the current one, the first part is
    1, 2, 3, and the second one 4, which shares 2 messages with it.
    """
    there = {one.key: one for one in said}
    after: dict[str | None, list[str]] = {}
    for one in said:
        after.setdefault(one.after if one.after in there else None, []).append(one.key)
    if current not in there:
        leaves = [one for one in said if one.key not in after] or said
        # Of several of one moment, or of none, the last one.
        newest = max(enumerate(leaves), key=lambda n: (_time(n[1]), n[0]), default=None)
        current = newest and newest[1].key
    way = _way_to(current, there)
    # A message that is its own ancestor has no beginning: the current one's way makes one.
    begins = [way[0], *(k for k in after.get(None, ()) if k != way[0])] if way else []
    parts: list[_Part] = []
    preferred = set(way)
    seen: set[str] = set()
    for start in (*begins, *there):
        todo: list[tuple[str, int | None, int]] = [(start, 0 if parts else None, 0)]
        while todo:
            key, parent, shares = todo.pop()
            if key in seen:
                continue
            own: list[Said] = []
            number = len(parts)
            parts.append(_Part(own, parent, shares))
            follower: str | None = key
            while follower is not None:
                seen.add(follower)
                own.append(there[follower])
                others = [k for k in after.get(follower, ()) if k not in seen]
                # What was said last is what the program showed last.
                chosen = next((k for k in others if k in preferred), others[-1] if others else None)
                place = shares + len(own)
                todo += [(k, number, place) for k in reversed(others) if k != chosen]
                follower = chosen
    return parts


def _way_to(key: str | None, there: Mapping[str, Said]) -> list[str]:
    """The keys from the beginning to a message."""
    way: dict[str, None] = {}
    while key is not None and key in there and key not in way:
        way[key] = None
        key = there[key].after
    return list(way)[::-1]


def _time(one: Said) -> float:
    return one.created_at.timestamp() if one.created_at else 0.0


class _State(NamedTuple):
    """The state of a transcript after a message.

    Args:
        question: The position of the last question, or None.
        reply: The position of the last reply to it, or None; a further reply is a further step of
            the same turn.
        step: The number of that step.
        moment: When the message was written.
    """

    question: int | None
    reply: int | None
    step: int
    moment: datetime


def _family(about: About, parts: list[_Part]) -> tuple[Conversation, ...]:
    if not parts or not parts[0].own:
        return ()
    first = next((o.content for o in parts[0].own if o.role == "user"), "")
    name = cleaned_name(about.title or first[:60])
    known = (one.created_at for one in parts[0].own if one.created_at)
    started = about.started or next(known, _EPOCH)
    states: dict[str, _State] = {}
    begin = _State(None, None, 0, started)
    family: list[Conversation] = []
    for part in parts:
        state = states[part.own[0].after or ""] if part.shares else begin
        messages = []
        for position, one in enumerate(part.own, part.shares + 1):
            message, state = _message(one, position, state)
            states[one.key] = state
            messages.append(message)
        parent = None if part.parent is None else family[part.parent]
        origin: Origin = "retry" if part.own[0].role == "assistant" else "rewind"
        # A branch is known by its first own message, whatever else comes to it later.
        key = about.key if parent is None else f"{about.key}:{part.own[0].key}"
        family.append(
            Conversation(
                uid=uid_of(about.source, key),
                name=name if parent is None else f"{name} ({_NAMES[origin]})",
                origin="import" if parent is None else origin,
                listed=parent is None,
                model=None,
                created_at=started if parent is None else messages[0].created_at,
                updated_at=max(started, *(m.created_at for m in messages)),
                messages=tuple(messages),
                parent_uid=None if parent is None else parent.uid,
                fork_position=None if parent is None else part.shares,
                left_out=+about.left_out if parent is None else {},
                derived=parent is not None,
            )
        )
    return tuple(family)


def _message(one: Said, position: int, before: _State) -> tuple[Message, _State]:
    moment = one.created_at or before.moment
    reply_to, step = None, 0
    after = before._replace(moment=moment)
    if one.role == "user":
        after = _State(position, None, 0, moment)
    elif one.role == "assistant":
        reply_to = before.reply or before.question
        step = 0 if before.reply is None else before.step + 1
        after = after._replace(reply=position, step=step)
    message = Message(
        id=position,
        position=position,
        role=one.role,
        content=one.content,
        created_at=moment,
        status=one.status,
        reasoning=one.reasoning,
        model=one.model,
        usage=one.usage,
        total_s=one.total_s,
        reply_to=reply_to,
        attachments=one.attachments,
        tool_calls=one.calls,
        finish_raw=one.finish_raw,
        step=step,
        extra=one.extra,
    )
    return message, after


def listed(
    source: str, path: Path, messages: Sequence[object], model: str | None = None
) -> Iterator[Incoming]:
    """The conversation of a file that is a bare list of roles and contents.

    Args:
        source: The program.
        path: The file: its name is the conversation's, its time the messages'.
        messages: The list.
        model: Who gave the replies, or None.
    """
    yield Unread(uid_of(source, path.stem), partial(_listed, source, path, messages, model))


def _listed(
    source: str, path: Path, messages: Sequence[object], model: str | None
) -> tuple[Conversation, ...]:
    started = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    said: list[Said] = []
    left_out: Counter[str] = Counter()
    for number, value in enumerate(messages, 1):
        message = Fields(value, f"{path}, message {number}")
        role = cast("Role", message.choice("role", _ROLES))
        one = _content(message, role, left_out)
        key = message.maybe_text("tool_call_id")
        asked = said[-1].calls if said and role == "tool" else ()
        if key is not None and any(call.id == key for call in asked):
            given = (c._replace(result=one.content) if c.id == key else c for c in asked)
            said[-1] = replace(said[-1], calls=tuple(given))
        elif one.content or one.calls or one.attachments:
            said.append(replace(one, model=model if one.role == "assistant" else None))
        else:
            left_out["message without anything in it"] += 1
    return arrived(About(source, path.stem, path.stem, started, left_out), said)


def _content(message: Fields, role: Role, left_out: Counter[str]) -> Said:
    """Text, a list of parts of which some are text, or calls with what they returned."""
    if isinstance(message.whole().get("content"), dict):
        content = message.fields("content")
        calls = tuple(
            result_of(Fields(value, content.where)) for value in content.items("tool_results")
        )
        # The reply that asked, and what it was given, are one message there.
        rest = {n: v for n, v in content.whole().items() if n not in {"tool_results", "text"} and v}
        text = content.maybe_text("text") or ""
        return Said("assistant", text, calls=calls, extra={"content": rest} if rest else None)
    if not message.is_array("content"):
        calls = tuple(_asked(Fields(v, message.where)) for v in message.items("tool_calls"))
        return Said(role, message.maybe_text("content") or "", calls=calls)
    texts: list[str] = []
    files: list[Attachment] = []
    for part in message.items("content"):
        fields = Fields(part, message.where)
        if (said := fields.maybe_text("text")) is not None:
            texts.append(said)
            continue
        picture = fields.maybe_fields("image_url")
        if picture is not None and (file := _linked(picture.maybe_text("url") or "")):
            files.append(file)
        else:
            texts.append(A_FILE)
            left_out[NO_FILE] += 1
    return Said(role, "\n\n".join(texts), attachments=tuple(files))


def _asked(value: Fields) -> Call:
    """A call as the API of OpenAI has it, which shell_gpt keeps."""
    function = value.fields("function")
    arguments = function.maybe_text("arguments") or ""
    return Call(value.maybe_text("id") or "", function.text("name"), arguments)


def result_of(value: Fields) -> Call:
    """A call with its output, as aichat keeps them."""
    asked = value.fields("call")
    return Call(
        asked.maybe_text("id") or "",
        asked.text("name"),
        _as_text(asked.whole().get("arguments")),
        _as_text(value.whole().get("output")),
    )


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _linked(url: str) -> Attachment | None:
    """A picture by its address, or by its bytes in a ``data:`` URL (RFC 2397); None else."""
    if url.startswith(("http://", "https://")):
        name = url.partition("?")[0].rpartition("/")[2] or "picture"
        return Attachment(name, mimetypes.guess_type(name)[0] or "image/png", url=url)
    head, comma, data = url.partition(",")
    if not (head.startswith("data:") and head.endswith(";base64") and comma):
        return None
    try:
        found = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
    media_type = head.removeprefix("data:").removesuffix(";base64").partition(";")[0]
    return Attachment("picture", media_type or "application/octet-stream", found)
