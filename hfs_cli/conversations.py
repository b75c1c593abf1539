"""Frozen values about kept conversations: found messages, branches, checkpoints, numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import NamedTuple, Protocol

from hfs_cli.messages import Message, Origin, Role, Session, Status


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """What a search is limited to; None is no limit.

    Args:
        model: ``provider/id`` or the id alone; only replies have one.
        since: Written at or after this moment.
        until: Written before this moment.
        session_id: In the transcript of this session.
    """

    role: Role | None = None
    model: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    session_id: int | None = None


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A message, or the name of a session, that contains the words.

    Args:
        position: The message's number in its session; None when the name was found.
        snippet: The part of the text around the words.
        spans: Where in the snippet the words are: start and end, in characters.
        score: Lower is better (bm25).
        owner: That of the session.
    """

    session_id: int
    session_name: str
    message_id: int | None
    position: int | None
    role: Role | None
    status: Status | None
    created_at: datetime
    snippet: str
    spans: tuple[tuple[int, int], ...]
    score: float
    owner: str = ""


class KeptKey(NamedTuple):
    """Where in what is kept a key or token was found; never the key itself.

    Args:
        session_id: The session that it is in; None for a file that belongs to no session.
        session_name: The name of that session, with keys taken out.
        position: The message's number; None if it is in no message.
        place: The part that holds it: ``text``, ``result``, ``name`` ….
        family: The kind of key: ``github-token``.
        excerpt: What may be shown of it: ``ghp_…3fX9``.
        file: The file that it is in, if it is not in the database.
    """

    session_id: int | None
    session_name: str
    position: int | None
    place: str
    family: str
    excerpt: str
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A named point in a session.

    Args:
        position: The last message before it.
        label: Its name, or None for an automatic one.
    """

    id: int
    session_id: int
    position: int
    label: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Branch:
    """One member of a session's family.

    Args:
        origin: How it came to be.
        listed: False for a tail that was set aside and has not been used since.
        depth: 0 for the oldest, 1 for those that branched off it, and so on.
        turns: The position of the last message of each of its own turns, ascending.
        checkpoints: Its own, by position.
    """

    session: Session
    origin: Origin
    listed: bool
    depth: int
    turns: tuple[int, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """A session as it travels between databases, without the numbers that a database gives.

    Args:
        parent_uid: The session it is a branch of, or None.
        fork_position: How many of the parent's messages it begins with, or None.
        messages: Its own messages, after those it shares. Their `id` is their position, and
            `reply_to` the position of the message answered.
        checkpoints: Its own; their ids mean nothing.
        left_out: How often something in the file was left out, by the reason.
        derived: Whether its uid only marks where another program's conversation branched. That
            point moves when the conversation goes on elsewhere, so what it holds may already be
            kept in another session.
    """

    uid: str
    name: str
    origin: Origin
    listed: bool
    model: str | None
    created_at: datetime
    updated_at: datetime
    messages: tuple[Message, ...]
    parent_uid: str | None = None
    fork_position: int | None = None
    checkpoints: tuple[Checkpoint, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    derived: bool = False

    @property
    def length(self) -> int:
        """How many messages its transcript holds, the shared ones included."""
        return (self.fork_position or 0) + len(self.messages)

    def read(self) -> tuple[Conversation, ...]:
        """Itself: see `Incoming`."""
        return (self,)

    def end(self) -> End:
        """Where it ends: see `Incoming`."""
        labels = sum(mark.label is not None for mark in self.checkpoints)
        if not self.messages:
            return End(self.length, "", labels)
        last = self.messages[-1]
        return End(self.length, digest_of(last, answered_calls(last)), labels)


@dataclass(frozen=True, slots=True)
class Kept:
    """A session as a page shows it.

    Args:
        conversation: All its messages, shared ones included.
        parent: The session that it branched off, or None.
        forks: The sessions that branched off it, or off what was set aside from it.
        tails: What was set aside from it, each with its own messages.
    """

    session: Session
    conversation: Conversation
    parent: Session | None
    forks: tuple[Session, ...]
    tails: tuple[tuple[Session, Conversation], ...]


class End(NamedTuple):
    """What shows, without reading a conversation, that nothing in it is new.

    Args:
        length: How many messages its transcript holds.
        last: The digest of its own last message; empty if it has none.
        labels: How many named checkpoints it has.
    """

    length: int
    last: str
    labels: int


def answered_calls(message: Message) -> int:
    """How many calls of a message have a result."""
    return sum(call.result is not None for call in message.tool_calls)


def digest_of(message: Message, answered: int = 0) -> str:
    """A digest that tells a message from others at the same position: 32 hexadecimal digits.

    Args:
        answered: How many of its calls have a result.
    """
    from hashlib import sha256

    parts = [message.role, message.status, message.created_at.isoformat(), message.content]
    if answered:
        parts.append(str(answered))
    return sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Incoming(Protocol):
    """A conversation to import, which need not be read if it is here already."""

    @property
    def uid(self) -> str | None:
        """The uid of the first conversation that `read` gives, or None until it is read."""
        ...

    def end(self) -> End | None:
        """Where it ends, or None until it is read, or if `read` gives several conversations."""
        ...

    def read(self) -> Sequence[Conversation]:
        """The conversation and then its branches, each after its parent; nothing if it is empty.

        Raises:
            UsageError: It is malformed.
        """
        ...


class Unread(NamedTuple):
    """An `Incoming` that is still to be read."""

    uid: str | None
    read: Callable[[], Sequence[Conversation]]
    end: Callable[[], End | None] = lambda: None


@dataclass(slots=True)
class Imported:
    """What an import did, or would do.

    Args:
        sessions: How many came in, branches included.
        messages: How many messages came in.
        present: How many were here already and brought nothing new.
        extended: How many that were here already gained what followed.
        parted: How many branches came in because the session here had gone on differently.
        deleted: How many had been deleted here and did not come back.
        branches: How many of the sessions that came in are forks or were set aside.
        attachments: How many attachments these carry.
        calls: How many calls of tools they ask for.
        broken: How many were skipped because they are malformed.
        left_out: How often something in the file was left out, by the reason.
    """

    sessions: int = 0
    messages: int = 0
    present: int = 0
    extended: int = 0
    parted: int = 0
    deleted: int = 0
    branches: int = 0
    attachments: int = 0
    calls: int = 0
    broken: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    def add(self, other: Imported) -> None:
        """Add the counts of another import to these."""
        for count in (entry.name for entry in fields(self) if entry.name != "left_out"):
            setattr(self, count, getattr(self, count) + getattr(other, count))
        for reason, often in other.left_out.items():
            self.left_out[reason] = self.left_out.get(reason, 0) + often


@dataclass(frozen=True, slots=True)
class Tally:
    """Replies of one model under one heading, added up.

    Args:
        key: The heading: a day (``2026-11-22``), a model, or a session's name.
        model: ``provider/id``, or None where it is not known.
        turns: How many replies, broken ones included.
        input_tokens: What the providers counted; replies without a count add nothing.
        first_token_s: Mean seconds to the first token, or None where none was measured.
    """

    key: str
    model: str | None
    turns: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    first_token_s: float | None
