"""The values of an archive, and where in it a session lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from hfs_cli.conversations import Kept
from hfs_cli.prices import Total

BLOCK = 500
"""Sessions in a block, by their number; `archive.js` counts with it too."""


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
        models: Those that replied in it.
        days: Those, in the user's own time, that it has messages of.
        used: When it was last used, to the minute.
        preview: How it begins.
        revision: What its page was made from.
        size: The bytes of its page.
    """

    id: int
    name: str
    models: list[str]
    days: list[str]
    used: str
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
