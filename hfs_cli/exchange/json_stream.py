"""Read JSON of any length one value at a time, holding only that value in memory."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NoReturn

from hfs_cli.errors import UsageError
from hfs_cli.json_schema import json_fault

WHAT_IS_READ = "hfs sessions import --help says what is read"

_BLOCK = 1 << 20
# The most characters of one value, such as a conversation with its attachments.
MAX_VALUE = 64_000_000
# And its most parts: each takes memory however short it is in the text, 60 bytes for ``[],``.
_MOST_PARTS = 3_000_000
_PARTS = "[{,"
# A string; the last one may break off, as the text is read piece by piece.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)


class JsonStream:
    """A JSON text that is read only as far as it is needed.

    Args:
        stream: The bytes of the text.
        where: How errors name the text.
        head: Bytes that were already read from the stream.
    """

    def __init__(self, stream: BinaryIO, where: str, head: bytes = b"") -> None:
        self._stream = stream
        self._where = where
        self._head = head
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._bytes = 0
        self._text = ""
        self._at = 0
        self._at_end = False

    def peek(self) -> str:
        """The next character that is not white space; nothing at the end.

        Raises:
            UsageError: It is not UTF-8.
        """
        while True:
            while self._at < len(self._text):
                if (character := self._text[self._at]) not in " \t\r\n":
                    return character
                self._at += 1
            if self._at_end:
                return ""
            self._feed()

    def skip(self, wanted: str) -> None:
        """Go past the next character, which must be the wanted one.

        Raises:
            UsageError: It is another one.
        """
        if (found := self.peek()) != wanted:
            raise self._wrong(f"there is {found!r} instead of {wanted!r}" if found else "it is cut")
        self._at += 1

    def value(self) -> Any:  # noqa: ANN401  (JSON)
        """The next value of any type.

        Raises:
            UsageError: It is not valid JSON, too large, or nested too deeply.
        """
        self.peek()
        while True:
            _refuse_many_parts(self._text, self._where, self._at)
            try:
                value, end = _STRICT.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # The value may continue in what was not read yet.
                if self._at_end:
                    raise self._wrong(error.msg) from error
                self._feed()
                continue
            except RecursionError as error:
                raise UsageError(f"{self._where} is nested too deeply") from error
            except ValueError as error:
                raise self._wrong(str(error)) from error
            # So may a number or a word that ends with the text.
            if end < len(self._text) or self._at_end:
                self._at = end
                return value
            self._feed()

    def elements(self) -> Iterator[Any]:
        """The elements of an array.

        Raises:
            UsageError: It is not an array, or breaks off.
        """
        self.skip("[")
        if self.peek() == "]":
            self.skip("]")
            return
        yield self.value()
        while self.peek() == ",":
            self.skip(",")
            yield self.value()
        self.skip("]")

    def only_elements(self) -> Iterator[Any]:
        """The elements of an array that is all of the text.

        Raises:
            UsageError: It is not an array, breaks off, or is followed by something.
        """
        yield from self.elements()
        self.end()

    def names(self) -> Iterator[str]:
        """The names in an object; the caller reads each one's value before the next name.

        Raises:
            UsageError: It is not an object, breaks off, or has a name twice.
        """
        seen: set[str] = set()
        self.skip("{")
        while self.peek() == '"':
            name = self.value()
            if name in seen:
                raise self._wrong(_TWINS)
            seen.add(name)
            self.skip(":")
            yield name
            if self.peek() != ",":
                break
            self.skip(",")
        self.skip("}")

    def end(self) -> None:
        """Check that nothing follows.

        Raises:
            UsageError: Something does.
        """
        if self.peek():
            raise self._wrong("something follows its end")

    def _feed(self) -> None:
        if len(self._text) - self._at > MAX_VALUE:
            raise UsageError(f"{self._where} holds a value of over {MAX_VALUE // 10**6} MB")
        # Doubling the text limits the attempts to parse one value to some twenty.
        size = max(_BLOCK, len(self._text) - self._at)
        data, self._head = self._head or self._stream.read(size), b""
        pending = len(self._decoder.getstate()[0])
        try:
            text = self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            offset = self._bytes - pending + error.start
            raise UsageError(f"{self._where} is not UTF-8 (byte {offset})") from error
        self._bytes += len(data)
        self._at_end = not data
        self._text = self._text[self._at :] + text
        self._at = 0

    def _wrong(self, reason: str) -> UsageError:
        return _invalid(self._where, reason)


def parse_json(data: bytes, where: str) -> Any:  # noqa: ANN401  (JSON)
    """Parse JSON strictly: UTF-8, no NaN, no name twice, no endless nesting.

    Raises:
        UsageError: It is not valid, or too large in memory.
    """
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode()
        _refuse_many_parts(text, where)
        return _STRICT.decode(text)
    except UnicodeDecodeError as error:
        raise UsageError(f"{where} is not UTF-8 (byte {error.start})") from error
    except RecursionError as error:
        raise UsageError(f"{where} is nested too deeply") from error
    except ValueError as error:
        raise _invalid(where, json_fault(error)) from error


def object_on(line: bytes) -> Mapping[str, object] | None:
    """The object on a line; None if the line is anything else."""
    try:
        text = line.decode("utf-8-sig")
        _refuse_many_parts(text, "")
        value = json.loads(text)
    except (ValueError, RecursionError, UsageError):
        return None
    return value if isinstance(value, dict) else None


def _refuse_many_parts(text: str, where: str, start: int = 0) -> None:
    """Check that a value does not take many times the memory of its text.

    Raises:
        UsageError: It has too many parts.
    """
    if len(text) - start <= _MOST_PARTS or sum(text.count(p, start) for p in _PARTS) <= _MOST_PARTS:
        return
    # Commas inside strings do not count.
    bare = _STRING.sub("", text[start:])
    if sum(map(bare.count, _PARTS)) > _MOST_PARTS:
        raise UsageError(f"{where} holds a value of over {_MOST_PARTS // 10**6} million parts")


def _invalid(where: str, reason: str) -> UsageError:
    return UsageError(f"{where} is not valid JSON: {reason.splitlines()[0][:200]} ({WHAT_IS_READ})")


_TWINS = "one object has a name twice"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _no_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(_TWINS)
    return found


_STRICT = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_no_twins)
