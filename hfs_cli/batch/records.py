"""Read the records of a batch: lines of text, JSON objects or rows of CSV."""

from __future__ import annotations

import csv
import io
import itertools
import json
import tempfile
from array import array
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, Self, TypeVar

from hfs_cli.errors import OutputError, UsageError
from hfs_cli.files import refusing
from hfs_cli.json_schema import json_fault, read_json
from hfs_cli.wording import plural

Kind = Literal["text", "jsonl", "csv"]
Value = str | Mapping[str, object]
Line = TypeVar("Line", str, bytes)

# The longest record, as for the prompt of one turn.
MAX_RECORD_BYTES = 40_000_000
_SUFFIXES: Mapping[str, Kind] = {
    ".txt": "text",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
}
_DELIMITERS = ",;\t"


class Record(NamedTuple):
    """One record of the input.

    Args:
        line: The line that it begins on, from 1.
        value: The text, or the fields by name.
    """

    line: int
    value: Value


class Source(NamedTuple):
    """An input as it was found.

    Args:
        name: What errors call it.
        stream: Its bytes.
        kind: How it is read.
        decode: Makes text of a line's bytes; its second argument is what an error calls them.
        encoding: Its encoding, if lines can be split only once they are decoded.
    """

    name: str
    stream: BinaryIO
    kind: Kind
    decode: Callable[[bytes, str], str]
    encoding: str | None = None


def kind_of(name: str, first: bytes) -> Kind:
    """How to read an input: by its suffix, or else by its first characters.

    Args:
        name: The file's name.
        first: Its first bytes, as many as were read.
    """
    if known := _SUFFIXES.get(Path(name).suffix.lower()):
        return known
    return "jsonl" if first.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") else "text"


class Spool:
    """Records in a private temporary file: the input is read once and gone over twice.

    Attributes:
        digest: The SHA-256 of all bytes that were read, in hexadecimal.
        count: How many records there are.

    Raises:
        OutputError: No temporary file can be made.
    """

    def __init__(self) -> None:
        with refusing(OutputError, "no temporary file can be made"):
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed by __exit__
        self._hash = sha256()
        self._places = array("q")
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Record]:
        self._file.seek(0)
        for line in self._file:
            number, value = json.loads(line)
            yield Record(number, value)

    def at(self, number: int) -> Record:
        """One record by its number, from 0; not during an iteration."""
        if not self._places:
            self._file.seek(0)
            place = 0
            for line in self._file:
                self._places.append(place)
                place += len(line)
        self._file.seek(self._places[number])
        line_number, value = json.loads(self._file.readline())
        return Record(line_number, value)

    @property
    def digest(self) -> str:
        """The digest by which this input is recognised."""
        return self._hash.hexdigest()

    def fill(self, source: Source, check: Callable[[Value], object], limit: int | None) -> None:
        """Read all of an input.

        Args:
            source: The input.
            check: Raises UsageError for a value that cannot be used.
            limit: How many records are kept; all are checked.

        Raises:
            UsageError: Something in it cannot be used; the line is named.
            OutputError: The temporary file cannot be written.
        """
        where = f"cannot keep the input in {tempfile.gettempdir()}"
        for record in read_records(source, self._hash.update):
            try:
                check(record.value)
                line = json.dumps(record, ensure_ascii=False).encode()
            except UsageError as error:
                raise UsageError(f"line {record.line} of {source.name}: {error.message}") from error
            except UnicodeEncodeError as error:
                raise UsageError(
                    f"line {record.line} of {source.name} holds a lone surrogate,"
                    " which no encoding has"
                ) from error
            if limit is None or self.count < limit:
                self.count += 1
                with refusing(OutputError, where):
                    self._file.write(line + b"\n")
        with refusing(OutputError, where):
            self._file.flush()


def read_records(source: Source, seen: Callable[[bytes], None]) -> Iterator[Record]:
    """Yield the records of an input.

    Empty lines are not records.

    Args:
        source: The input.
        seen: Given all bytes as they are read.

    Raises:
        UsageError: A line cannot be decoded, is too long, or is not what it should be.
    """
    lines = _lines(source, seen)
    match source.kind:
        case "text":
            texts = ((number, text.rstrip("\r\n")) for number, text in lines)
            yield from (Record(number, text) for number, text in texts if text.strip())
        case "jsonl":
            for number, text in lines:
                if text.strip():
                    yield Record(number, _object(text, f"line {number} of {source.name}"))
        case "csv":
            yield from _rows(lines, source.name)


def _lines(source: Source, seen: Callable[[bytes], None]) -> Iterator[tuple[int, str]]:
    """Yield each line with its number; the newline stays."""
    stream = source.stream
    number = 0
    try:
        if source.encoding is not None:
            wrapped = io.TextIOWrapper(stream, source.encoding, newline="\n")
            while text := wrapped.readline(MAX_RECORD_BYTES):
                number += 1
                seen(text.encode())
                yield number, _bounded(text, number, source.name).removeprefix("\ufeff")
            return
        while data := stream.readline(MAX_RECORD_BYTES):
            number += 1
            seen(data)
            where = f"line {number} of {source.name}"
            yield number, source.decode(_bounded(data, number, source.name), where)
    except UnicodeError as error:
        raise UsageError(
            f"line {number + 1} of {source.name}, or one soon after it, is not {source.encoding}"
        ) from error
    except OSError as error:
        raise UsageError(f"cannot read {source.name}: {error.strerror}") from error


def _bounded(line: Line, number: int, name: str) -> Line:
    if len(line) >= MAX_RECORD_BYTES:
        raise UsageError(
            f"line {number} of {name} is over {MAX_RECORD_BYTES // 1_000_000} MB: send less"
        )
    return line


def _object(text: str, where: str) -> Mapping[str, object]:
    try:
        value = read_json(text.rstrip("\r\n"))  # an error is not in the line after it
    except (ValueError, RecursionError) as error:
        said = json_fault(error)
        raise UsageError(f"{where} is not JSON: {said} (--input text reads lines)") from error
    if not isinstance(value, dict):
        raise UsageError(f'{where} must be a JSON object: {{"prompt": "…"}}')
    return value


def _rows(lines: Iterator[tuple[int, str]], name: str) -> Iterator[Record]:
    """Yield the rows of a table (RFC 4180); its header shows what separates the columns."""
    skipped, first = next(((n - 1, text) for n, text in lines if text.strip()), (0, ""))
    if not first:
        return
    csv.field_size_limit(MAX_RECORD_BYTES)
    delimiter = max(_DELIMITERS, key=first.count)
    texts = itertools.chain([first], (text for _, text in lines))
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    try:
        header = [cell.strip() for cell in next(reader)]
        if not all(header) or len(set(header)) < len(header):
            raise UsageError(f"the header of {name} must give each column a name of its own")
        # A quoted field may span several lines: a row begins after the last line of the one before.
        last = skipped + reader.line_num
        for row in reader:
            line, last = last + 1, skipped + reader.line_num
            if row and len(row) != len(header):
                raise UsageError(
                    f"line {line} of {name} has {plural(len(row), 'column')},"
                    f" and the header {len(header)}"
                )
            if row:
                yield Record(line, dict(zip(header, row, strict=True)))
    except csv.Error as error:
        at = skipped + reader.line_num
        raise UsageError(f"line {at} of {name} is not CSV: {error}") from error
