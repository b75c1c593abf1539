"""Histories that are written line by line, each line a JSON object."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import BinaryIO, NamedTuple, Protocol

from hfs_cli.conversations import Conversation, Incoming, Unread
from hfs_cli.errors import UsageError
from hfs_cli.exchange.json_stream import MAX_VALUE, parse_json, refuse_many_parts
from hfs_cli.exchange.json_values import Fields

# The most bytes that the lines of one conversation may have; all are in memory at once.
MAX_CONVERSATION = 256_000_000
# Lines of a file to which its program is still writing, or was when it was killed.
CUT = "last line, which is not whole yet"
BROKEN = "line that is not whole"


class Record(NamedTuple):
    """One line.

    Args:
        where: How errors name it.
        value: Its object, or None for one that breaks off.
        size: How many bytes it has.
        lost: Why it has none, as a report says it.
    """

    where: str
    value: object
    size: int
    lost: str = ""

    def fields(self) -> Fields:
        """Its object.

        Raises:
            UsageError: It is something else.
        """
        return Fields(self.value, self.where)


def first_object(line: bytes) -> Mapping[str, object] | None:
    """The object that a line is, or None."""
    try:
        text = line.decode("utf-8-sig")
        refuse_many_parts(text, "")
        value = json.loads(text)
    except (ValueError, RecursionError, UsageError):
        return None
    return value if isinstance(value, dict) else None


def records(stream: BinaryIO, where: str, begun: bytes, *, growing: bool) -> Iterator[Record]:
    """The lines of a file; those that are empty are passed over.

    Args:
        stream: Where they come from.
        where: How errors name it.
        begun: What was read of the stream already.
        growing: A program may be writing to it, or was killed as it did: a line need not be whole.

    Raises:
        UsageError: A line is not an object of JSON, or too long.
    """
    number = 0
    while True:
        line = begun if begun.endswith(b"\n") else begun + stream.readline(MAX_VALUE + 1)
        begun = b""
        if not line:
            return
        number += 1
        place = f"{where}, line {number}"
        if len(line) > MAX_VALUE:
            raise UsageError(f"{place} is over {MAX_VALUE // 10**6} MB")
        if not line.strip():
            continue
        value, lost = None, ""
        try:
            value = parse_json(line, place)
        except UsageError:
            if not growing:
                raise
            lost = BROKEN if line.endswith(b"\n") else CUT
        yield Record(place, value, len(line), lost)


class Sizes:
    """Keeps what is held of one conversation within bounds."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._bytes = 0

    def add(self, size: int) -> None:
        """Count what is held.

        Args:
            size: Bytes.

        Raises:
            UsageError: It is too much.
        """
        self._bytes += size
        if self._bytes > MAX_CONVERSATION:
            most = MAX_CONVERSATION // 10**6
            raise UsageError(f"{self._where}: a conversation is over {most} MB")


class Session(Protocol):
    """A session that is read line by line."""

    left_out: Counter[str]

    def take(self, line: Fields) -> None:
        """Read the next line."""

    def conversations(self, where: str) -> tuple[Conversation, ...]:
        """The session, once all lines were read."""


def of_one_session(
    make: Callable[[], Session], lines: Iterable[Record], where: str
) -> Iterator[Incoming]:
    """The session that a file holds; lines that are not whole are counted.

    Args:
        make: Makes one of which nothing was read.
        lines: The lines of the file.
        where: How errors name it.
    """
    yield Unread(None, partial(_read, make, lines, where))


def _read(
    make: Callable[[], Session], lines: Iterable[Record], where: str
) -> tuple[Conversation, ...]:
    session, sizes = make(), Sizes(where)
    for line in lines:
        sizes.add(line.size)
        if line.lost:
            session.left_out[line.lost] += 1
        else:
            session.take(line.fields())
    return session.conversations(where)


class LineFormat(NamedTuple):
    """A program whose history is lines.

    Args:
        fits: Whether the first line of a file is one of the program's.
        read: Reads the conversations from the lines, given how errors name the file.
        growing: The program appends to the file for as long as the conversation goes on.
    """

    fits: Callable[[Mapping[str, object]], bool]
    read: Callable[[Iterator[Record], str], Iterator[Incoming]]
    growing: bool = True
