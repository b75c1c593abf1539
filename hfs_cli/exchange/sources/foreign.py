"""Conversations of other programs, turned into conversations of ours."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from hfs_cli.conversations import Conversation, Incoming, Unread
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


@dataclass(frozen=True, slots=True)
class ForeignMessage:
    """One message as another program kept it.

    Args:
        created_at: None if the program did not keep it: the time of the previous message, or of
            the conversation, is used then.
        model: That program's name for the model.
        calls: The tools that a reply asked for, with their results.
        extra: What has no field in a message of ours, as JSON has it.
        key: The program's own key, unique in its conversation; needed only for branches.
        after: The key of the previous message; needed only for branches.
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
class Metadata:
    """What is known of another program's conversation besides its messages.

    Args:
        source: The program.
        key: The program's key for the conversation.
        title: Its title there; made into a valid name.
        started: When it began, or None if only the messages' times tell. If these are not kept
            either, the file's own time is better than none, which is 1970.
        left_out: What is not imported: how often, by the reason. Complete once the last message
            was taken.
    """

    source: str
    key: str
    title: str
    started: datetime | None
    left_out: Counter[str] = field(default_factory=Counter)


def from_sequence(
    metadata: Metadata, messages: Iterable[ForeignMessage]
) -> tuple[Conversation, ...]:
    """A conversation without branches; nothing if it has no messages.

    It has no model to continue with, for the other program's model names are not ours. A reply
    answers the question before it.

    Args:
        metadata: The rest of the conversation.
        messages: Oldest first.
    """
    numbered = [replace(one, key=one.key or str(n)) for n, one in enumerate(messages)]
    return _conversations(metadata, [_Branch(numbered, None, 0)])


def from_tree(
    metadata: Metadata, messages: Iterable[ForeignMessage], current: str | None
) -> tuple[Conversation, ...]:
    """A conversation with its branches, each after the one that it parted from.

    A branch is a session that shares its beginning with another, like those that a retry or a
    rewind sets aside here: lists leave it out until it is used.

    Args:
        metadata: The rest of the conversation.
        messages: In any order; each names the message before it, or one that does not exist.
        current: The key of the message that the conversation has reached. If it is None or does
            not exist, the newest message that nothing follows.
    """
    return _conversations(metadata, _branches(list(messages), current))


class _Branch(NamedTuple):
    """The messages of one branch.

    Args:
        messages: Those that are not its parent's.
        parent: The number of the branch that it parts from, or None for the first one.
        shared: How many messages of its transcript come from its parent and the parent's parents.
    """

    messages: list[ForeignMessage]
    parent: int | None
    shared: int


def _branches(messages: list[ForeignMessage], current: str | None) -> list[_Branch]:
    """Divide a tree into paths that lead to its leaves.

    Of messages 1 to 4, where 3 and 4 both follow 2 and 3 is the current one, the first branch is
    1, 2, 3, and the second one 4, which shares 2 messages with it.
    """
    by_key = {one.key: one for one in messages}
    followers: dict[str | None, list[str]] = {}
    for one in messages:
        followers.setdefault(one.after if one.after in by_key else None, []).append(one.key)
    if current not in by_key:
        leaves = [one for one in messages if one.key not in followers] or messages
        # Of several with the same time, or with none, the last one.
        newest = max(enumerate(leaves), key=lambda n: (_time(n[1]), n[0]), default=None)
        current = newest and newest[1].key
    path = _path_to(current, by_key)
    # In a circle no message is the first; the current one's path picks one then.
    roots = [path[0], *(k for k in followers.get(None, ()) if k != path[0])] if path else []
    branches: list[_Branch] = []
    preferred = set(path)
    seen: set[str] = set()
    for root in (*roots, *by_key):
        todo: list[tuple[str, int | None, int]] = [(root, 0 if branches else None, 0)]
        while todo:
            key, parent, shared = todo.pop()
            if key in seen:
                continue
            own: list[ForeignMessage] = []
            number = len(branches)
            branches.append(_Branch(own, parent, shared))
            following: str | None = key
            while following is not None:
                seen.add(following)
                own.append(by_key[following])
                choices = [k for k in followers.get(following, ()) if k not in seen]
                # Without a preference the newest: it is what the program showed last.
                last = choices[-1] if choices else None
                chosen = next((k for k in choices if k in preferred), last)
                place = shared + len(own)
                todo += [(k, number, place) for k in reversed(choices) if k != chosen]
                following = chosen
    return branches


def _path_to(key: str | None, by_key: Mapping[str, ForeignMessage]) -> list[str]:
    """The keys from the first message to this one."""
    path: dict[str, None] = {}
    while key is not None and key in by_key and key not in path:
        path[key] = None
        key = by_key[key].after
    return list(path)[::-1]


def _time(message: ForeignMessage) -> float:
    return message.created_at.timestamp() if message.created_at else 0.0


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


def _conversations(metadata: Metadata, branches: list[_Branch]) -> tuple[Conversation, ...]:
    if not branches or not branches[0].messages:
        return ()
    main = branches[0].messages
    title = metadata.title or next((m.content for m in main if m.role == "user"), "")[:60]
    name = cleaned_name(title)
    started = metadata.started or next((m.created_at for m in main if m.created_at), _EPOCH)
    states: dict[str, _State] = {}
    family: list[Conversation] = []
    for branch in branches:
        first = branch.messages[0]
        state = states[first.after or ""] if branch.shared else _State(None, None, 0, started)
        messages = []
        for position, one in enumerate(branch.messages, branch.shared + 1):
            message, state = _message(one, position, state)
            states[one.key] = state
            messages.append(message)
        conversation = Conversation(
            uid=uid_of(metadata.source, metadata.key),
            name=name,
            origin="import",
            listed=True,
            model=None,
            created_at=started,
            updated_at=max(started, *(m.created_at for m in messages)),
            messages=tuple(messages),
            left_out=+metadata.left_out,
        )
        if branch.parent is not None:
            # A branch is known by its first own message, whatever else comes to it later.
            uid = uid_of(metadata.source, f"{metadata.key}:{first.key}")
            parent = family[branch.parent].uid
            conversation = _as_branch(conversation, uid, parent, branch.shared)
        family.append(conversation)
    return tuple(family)


def _as_branch(conversation: Conversation, uid: str, parent: str, shared: int) -> Conversation:
    """A conversation as a branch that a retry or a rewind has set aside."""
    first = conversation.messages[0]
    origin: Origin = "retry" if first.role == "assistant" else "rewind"
    return replace(
        conversation,
        uid=uid,
        name=f"{conversation.name} ({_NAMES[origin]})",
        origin=origin,
        listed=False,
        created_at=first.created_at,
        parent_uid=parent,
        fork_position=shared,
        left_out={},
        derived=True,
    )


def _message(one: ForeignMessage, position: int, before: _State) -> tuple[Message, _State]:
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
