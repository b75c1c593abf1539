"""Frozen values about kept conversations: found messages, branches, checkpoints, numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hfs_cli.messages import Role, Session, Status

Origin = Literal["chat", "fork", "rewind", "undo", "retry", "import"]


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """What a found message must be; None asks for nothing.

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
    """A message, or the name of a session, that holds the words.

    Args:
        position: The message's number in its session; None when the name was found.
        snippet: The part of the text around the words.
        spans: Where in the snippet the words are: start and end, in characters.
        score: The better the match, the lower (bm25).
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
        depth: 0 for the oldest, 1 for what parted from it, and so on.
        turns: Where its own turns end: the position of each last message, rising.
        checkpoints: Its own, by position.
    """

    session: Session
    origin: Origin
    listed: bool
    depth: int
    turns: tuple[int, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
