"""The values that an archive is made of, and the address of a session's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from hfs_cli.conversations import Kept
from hfs_cli.prices import Total

BLOCK = 500
"""Session ids in a block; `archive.js` has the same number."""


class Source(Protocol):
    """The sessions of an archive."""

    ids: list[int]

    def revisions(self, ids: Sequence[int]) -> Mapping[int, tuple[str, datetime]]:
        """For each session that exists, a digest of all that its page shows, and its last use."""
        ...

    def kept(self, session_id: int) -> Kept | None:
        """A session with its branches; None if it was deleted."""
        ...


class Numbers(NamedTuple):
    """Totals of replies, for the charts."""

    days: Sequence[Total]
    models: Sequence[Total]


@dataclass(slots=True)
class Written:
    """The result of writing an archive.

    Args:
        sessions: How many sessions the archive holds.
        messages: How many messages their pages show.
        pages: How many pages were written.
        removed: How many pages were removed.
    """

    sessions: int = 0
    messages: int = 0
    pages: int = 0
    removed: int = 0


class Entry(NamedTuple):
    """A session in the file of its block.

    Args:
        models: The models that replied.
        days: The days of its messages, in local time.
        used: When it was last used, to the minute, in local time.
        at: The same in microseconds since 1970, by which lists are sorted.
        preview: The beginning of its first question.
        revision: A digest of all that its page shows.
        size: The size of its page in bytes.
    """

    id: int
    name: str
    models: list[str]
    days: list[str]
    used: str
    at: int
    messages: int
    preview: str
    revision: str
    size: int


def pages_of(number: int) -> str:
    """The folder of a block's pages."""
    return f"sessions/{number:04d}"


def address(session_id: int) -> str:
    """The path of a session's page in the archive."""
    return f"{pages_of(session_id // BLOCK)}/{session_id}.html"
