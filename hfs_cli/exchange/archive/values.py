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
    """The sessions to be shown."""

    ids: list[int]

    def revisions(self, ids: Sequence[int]) -> Mapping[int, tuple[str, datetime]]:
        """For each that is there what its page is made from, as a digest, and its last use."""
        ...

    def kept(self, session_id: int) -> Kept | None:
        """A session with its branches; None when it is gone."""
        ...


class Numbers(NamedTuple):
    """Replies added up: what the charts show."""

    days: Sequence[Total]
    models: Sequence[Total]


@dataclass(slots=True)
class Written:
    """What was done.

    Args:
        sessions: How many the archive holds.
        messages: How many messages their pages show.
        pages: How many pages were written.
        removed: How many were taken away.
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
    """Where the page of a session is."""
    return f"{pages_of(session_id // BLOCK)}/{session_id}.html"
