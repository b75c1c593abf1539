"""Histories whose lines are JSON objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import BinaryIO, NamedTuple, Protocol

from hfs_cli.conversations import Conversation, Incoming, Unread
from hfs_cli.errors import UsageError
from hfs_cli.exchange.json_stream import MAX_VALUE, parse_json
from hfs_cli.exchange.json_values import Fields

# The most bytes that the lines of one conversation may have; all are in memory at once.
MAX_CONVERSATION = 256_000_000
# How a line that breaks off is counted: its program is still writing, or was killed as it wrote.
_CUT = "last line, which is not whole yet"
_BROKEN = "line that is not whole"
# How many bytes of a damaged line are kept, to see which session it belongs to.
_BEGINNING = 1000


class Record(NamedTuple):
    """One line.

    Args:
        where: How errors name it.
        value: Its object; of a line that has none, the bytes that it begins with.
        size: Its length in bytes.
        lost: Why it has no object, in the words of the report where lines may break off, and of an
            error where they may not; empty if it has one.
    """

    where: str
    value: object
    size: int
    lost: str = ""

    def fields(self) -> Fields:
        """Its object.

        Raises:
            UsageError: It is not an object.
        """
        if self.lost:
            raise UsageError(self.lost)
        return Fields(self.value, self.where)


def records(stream: BinaryIO, where: str, head: bytes, *, growing: bool) -> Iterator[Record]:
    """The lines of a file; empty ones are skipped.

    Args:
        stream: The file.
        where: How errors name it.
        head: Bytes that were already read from the stream.
        growing: Lines may break off: a program may be writing to the file, or was killed as it
            wrote.

    Raises:
        UsageError: A line is too long.
    """
    number = 0
    while True:
        line = head if head.endswith(b"\n") else head + stream.readline(MAX_VALUE + 1)
        head = b""
        if not line:
            return
        number += 1
        place = f"{where}, line {number}"
        if len(line) > MAX_VALUE:
            raise UsageError(f"{place} is over {MAX_VALUE // 10**6} MB")
        if not line.strip():
            continue
        lost = ""
        try:
            value = parse_json(line, place)
        except UsageError as error:
            cut = _BROKEN if line.endswith(b"\n") else _CUT
            value, lost = line[:_BEGINNING], cut if growing else error.message
        yield Record(place, value, len(line), lost)


def check_size(size: int, where: str) -> None:
    """Limit the memory that one conversation takes.

    Args:
        size: The bytes that were read of it so far.
        where: How errors name the file.

    Raises:
        UsageError: It is too large.
    """
    if size > MAX_CONVERSATION:
        raise UsageError(f"{where}: a conversation is over {MAX_CONVERSATION // 10**6} MB")


class Session(Protocol):
    """A session that is read line by line."""

    left_out: Counter[str]

    def take(self, line: Fields) -> None:
        """Read the next line."""

    def conversations(self, where: str) -> tuple[Conversation, ...]:
        """The session, once all lines were read."""


def single_session(
    make: Callable[[], Session], lines: Iterable[Record], where: str
) -> Iterator[Incoming]:
    """The session of a file that holds one; lines that break off are counted as left out.

    Args:
        make: Makes a session that has read nothing yet.
        lines: The lines of the file.
        where: How errors name the file.
    """
    yield Unread(None, partial(_read, make, lines, where))


def _read(
    make: Callable[[], Session], lines: Iterable[Record], where: str
) -> tuple[Conversation, ...]:
    session, size = make(), 0
    for line in lines:
        size += line.size
        check_size(size, where)
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
