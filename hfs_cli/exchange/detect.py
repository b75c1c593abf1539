"""Find out whose history a file is, and read it within limits, whoever made it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self, cast

from hfs_cli.conversations import Conversation, Incoming, Unread
from hfs_cli.errors import UsageError
from hfs_cli.exchange import gob, native, zipped
from hfs_cli.exchange.json_stream import MAX_VALUE, Pieces, parse_json
from hfs_cli.exchange.json_values import Fields
from hfs_cli.exchange.sources import (
    SOURCES,
    aichat,
    chatgpt,
    claude,
    claude_code,
    codex,
    gemini,
    lines,
    shell_gpt,
)
from hfs_cli.exchange.sources.records import LineFormat, Record, first_object, records
from hfs_cli.exchange.zipped import Zipped
from hfs_cli.files import open_file, read_file

MAX_YAML = 4_000_000  # a few seconds' work; no session of aichat comes near it
# The first line of our own format is short; a first line of JSON may hold a picture.
_MAX_HEAD = 10_000
_MAX_FIRST = 16_000_000
_MAX_CHAT = 1_000_000
_SAVE_IT = "save it to a file and import that"
_DATABASE = b"SQLite format 3\0"
_ZSTD = b"\x28\xb5\x2f\xfd"  # RFC 8878, 3.1.1


class Source:
    """A history that was recognised: its conversations, each read when it is asked for.

    A context manager, which closes the file.

    Args:
        key: Whose it is: one of `hfs_cli.exchange.sources.SOURCES`.
        incoming: Its conversations.
        in_order: They stand in the order of their use; else their times tell it.
    """

    def __init__(
        self, key: str, incoming: Iterable[Incoming], opened: ExitStack, *, in_order: bool = False
    ) -> None:
        self.name = SOURCES[key]
        self.in_order = in_order
        self._incoming = incoming
        self._opened = opened

    def __iter__(self) -> Iterator[Incoming]:
        yield from self._incoming

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()


def open_source(
    path: Path,
    piped: BinaryIO | None = None,
    *,
    key: str | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Source:
    """Recognise a file, and begin to read it.

    Args:
        path: The file, or what errors call the pipe.
        piped: The pipe; it is left open.
        key: Whose history it is, where that is known; one of `hfs_cli.exchange.sources.SOURCES`.
        advance: Called with the number of bytes that were read since it was last called.

    Raises:
        UsageError: It cannot be read, is in no format that can be imported, or is not what `key`
            says.
    """
    with ExitStack() as opened:
        raw = opened.enter_context(open_file(path, pipes=True)) if piped is None else piped
        stream = cast("BinaryIO", _Counted(raw, advance))
        head = stream.readline(_MAX_HEAD)
        if head.startswith(_ZSTD):
            raise UsageError(f"{path} is compressed: unpack it first (zstd -d), and import that")
        if key in {None, "aichat"} and aichat.begins_log(head):
            log = aichat.log(stream, head, str(path))
            return Source("aichat", log, opened.pop_all(), in_order=True)
        if (alone := _from_path(path, head, key, piped=piped is not None)) is not None:
            advance(path.stat().st_size - len(head))
            return alone
        if key in {None, "hfs"} and _is_head(head):
            native.check_head(Fields(parse_json(head, str(path)), str(path)))
            return Source("hfs", _lines(stream, path), opened.pop_all(), in_order=True)
        if head.startswith(zipped.BEGINS) and key in {None, *_ARRAYS}:
            if piped is not None or not path.is_file():
                raise UsageError(f"{path} is a ZIP file, which cannot come in a pipe: {_SAVE_IT}")
            found, incoming = _zipped(Zipped(raw, str(path), advance), path, key)
            return Source(found, incoming, opened.pop_all())
        if head.startswith(b"{") and not head.endswith(b"\n"):
            head += stream.readline(_MAX_FIRST)
        if (name := _line_format(head, key)) is not None:
            format_ = _LINES[name]
            all_of = records(stream, str(path), head, growing=format_.growing)
            return Source(name, format_.read(all_of, str(path)), opened.pop_all())
        found, incoming = _json(Pieces(stream, str(path), head), path, key, piped=piped is not None)
        return Source(found, incoming, opened.pop_all(), in_order=found == "hfs")


def _json(
    pieces: Pieces, path: Path, key: str | None, *, piped: bool
) -> tuple[str, Iterator[Incoming]]:
    """The conversations of an array or an object, and whose they are."""
    if pieces.peek() == "[" and key != "hfs":
        return _array(pieces, path, key, piped=piped)
    if pieces.peek() == "{" and key in {None, "hfs", "gemini-cli", *_ARRAYS}:
        return _document(pieces, path, key)
    if key is not None:
        raise UsageError(f"{path} is not a history of {SOURCES[key]}")
    pieces.value()  # whether it is JSON at all
    raise _unknown(path)


def _from_path(path: Path, head: bytes, key: str | None, *, piped: bool) -> Source | None:
    """A history that is read from its path, for its name, or for what is beside it; or None."""
    from hfs_cli.exchange.sources import llm, mods

    if not piped and key in {None, "aichat"} and (path.suffix in {".yaml", ".yml"} or key):
        return Source("aichat", _yaml(read_file(path, MAX_YAML), path), ExitStack())
    is_database = head.startswith(_DATABASE)
    if not (is_database or gob.begins_slice(head) or key in {"llm", "mods"}):
        return None
    if piped or not path.is_file():
        raise UsageError(f"{path} is a history that cannot come in a pipe: {_SAVE_IT}")
    if key in {None, "mods"} and not is_database:
        return Source("mods", mods.conversation(path), ExitStack())
    if key == "mods" or (key is None and mods.is_database(path)):
        return Source("mods", mods.conversations(path), ExitStack())
    return Source("llm", llm.conversations(path), ExitStack())


def _unknown(path: Path) -> UsageError:
    return UsageError(f"{path} is in no format that can be imported")


class _Counted:
    """A stream that tells how much of it was read."""

    def __init__(self, stream: BinaryIO, advance: Callable[[int], None]) -> None:
        self._stream = stream
        self._advance = advance

    def read(self, size: int) -> bytes:
        return self._told(self._stream.read(size))

    def readline(self, size: int) -> bytes:
        return self._told(self._stream.readline(size))

    def _told(self, data: bytes) -> bytes:
        self._advance(len(data))
        return data


def _yaml(data: bytes, path: Path) -> Iterator[Incoming]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 (byte {error.start})") from error
    yield from aichat.conversations(text, path)


class _Format(NamedTuple):
    """A program whose history is an array of conversations."""

    fits: Callable[[object], bool]
    read: Callable[[Iterable[object], str, Zipped | None], Iterator[Incoming]]


_ARRAYS = {
    "chatgpt": _Format(chatgpt.fits, chatgpt.conversations),
    "claude": _Format(claude.fits, claude.conversations),
}


_LINES = {
    "lines": LineFormat(lines.fits, lines.conversations, growing=False),
    "codex": LineFormat(codex.fits, codex.conversations),
    "gemini-cli": LineFormat(gemini.fits, gemini.conversations),
    "claude-code": LineFormat(claude_code.fits, claude_code.conversations),
}


def _line_format(head: bytes, key: str | None) -> str | None:
    """Whose lines they are that begin with this one, or None."""
    first = first_object(head)
    # A session of Gemini CLI may be one object over many lines.
    if key in _LINES and (first is not None or key != "gemini-cli"):
        return key
    if first is None or key is not None:
        return None
    return next((name for name, format_ in _LINES.items() if format_.fits(first)), None)


def _array(
    pieces: Pieces, path: Path, key: str | None, *, piped: bool
) -> tuple[str, Iterator[Incoming]]:
    elements = pieces.elements()
    first = list(islice(elements, 1))
    rest = chain(first, elements, _to_the_end(pieces))
    name = _whose(first, key)
    if name in _ARRAYS:
        return name, _ARRAYS[name].read(rest, str(path), None)
    if key == "shell_gpt" or (first and shell_gpt.fits(first[0])):
        if piped:
            raise UsageError(f"{path} is a chat that is named after its file: {_SAVE_IT}")
        messages = list(islice(rest, _MAX_CHAT + 1))
        if len(messages) > _MAX_CHAT:
            raise UsageError(f"{path} has over {_MAX_CHAT} messages, the most that is read")
        return "shell_gpt", shell_gpt.conversations(messages, path)
    raise _unknown(path)


def _whose(first: list[object], key: str | None) -> str:
    """Whose array of conversations it is by its first element; nothing where it is nobody's."""
    if key is not None:
        return key
    return next((name for name, f in _ARRAYS.items() if first and f.fits(first[0])), "")


def _zipped(source: Zipped, path: Path, key: str | None) -> tuple[str, Iterator[Incoming]]:
    """The conversations of an export as it was downloaded."""
    names = source.histories()
    for name in names:
        with source.open(name) as stream:
            first = list(islice(Pieces(stream, f"{path}, {name}").elements(), 1))
        if found := _whose(first, key):
            return found, _in_zip(source, names, path, _ARRAYS[found])
    raise UsageError(
        f"{path} is a ZIP file in which no conversations.json is one of ChatGPT's or Claude's"
    )


def _in_zip(
    source: Zipped, names: Sequence[str], path: Path, format_: _Format
) -> Iterator[Incoming]:
    for name in names:
        where = f"{path}, {name}"
        with source.open(name) as stream:
            pieces = Pieces(stream, where)
            yield from format_.read(chain(pieces.elements(), _to_the_end(pieces)), where, source)


def _to_the_end(pieces: Pieces) -> Iterator[object]:
    """Nothing, once nothing follows."""
    pieces.end()
    yield from ()


def _document(pieces: Pieces, path: Path, key: str | None) -> tuple[str, Iterator[Incoming]]:
    """The sessions of our own document, which has its head before them; or one conversation.

    Raises:
        UsageError: It is another document.
    """
    head: dict[str, object] = {}
    names = pieces.names()
    for name in names:
        if name == "sessions" and "format" in head and pieces.peek() == "[":
            native.check_head(Fields(head, str(path)))
            return "hfs", _sessions(chain(pieces.elements(), _rest(pieces, names)), path)
        head[name] = pieces.value()
    pieces.end()
    if (found := _whose([head], None)) and key in {None, found}:
        return found, _ARRAYS[found].read([head], str(path), None)
    if key in {None, "gemini-cli"} and gemini.fits(head):
        return "gemini-cli", gemini.conversations([Record(str(path), head, 0)], str(path))
    if key not in {None, "hfs"}:
        raise UsageError(f"{path} is not a history of {SOURCES[key]}")
    fields = Fields(head, str(path))
    native.check_head(fields)
    return "hfs", _sessions(fields.items("sessions"), path)


def _rest(pieces: Pieces, names: Iterator[str]) -> Iterator[object]:
    for _ in names:
        pieces.value()
    yield from _to_the_end(pieces)


def _sessions(values: Iterable[object], path: Path) -> Iterator[Incoming]:
    for number, value in enumerate(values, 1):
        uid = value.get("uid") if isinstance(value, dict) else None
        where = f"{path}, session {number}"
        known = uid if isinstance(uid, str) and native.is_uid(uid) else None
        yield Unread(known, partial(_session, value, where), partial(native.end, value))


def _is_head(line: bytes) -> bool:
    """Whether the first line is a whole object that says what follows, and not all of it."""
    head = first_object(line)
    return head is not None and "format" in head and "sessions" not in head


def _lines(stream: BinaryIO, path: Path) -> Iterator[Incoming]:
    number = 1
    while line := stream.readline(MAX_VALUE + 1):
        number += 1
        where = f"{path}, line {number}"
        if len(line) > MAX_VALUE:
            raise UsageError(f"{where} is over {MAX_VALUE // 10**6} MB")
        if line.strip():
            uid, end = native.glance(line)
            yield Unread(uid, partial(_line, line, where), partial(lambda end: end, end))


def _line(line: bytes, where: str) -> tuple[Conversation, ...]:
    return _session(parse_json(line, where), where)


def _session(value: object, where: str) -> tuple[Conversation, ...]:
    return (native.conversation(value, where),)


def files_in(directory: Path, failed: Callable[[OSError], object] | None = None) -> Iterator[Path]:
    """The regular files below a directory, by name; links are not followed.

    Files that come with a database beside them are left out.

    Args:
        directory: Where to look.
        failed: Called for each directory that cannot be read, which is passed over.
    """
    from hfs_cli.exchange.sources import mods

    for folder, folders, names in os.walk(directory, onerror=failed):
        folders.sort()
        for name in sorted({*names} - mods.covered(Path(folder), names)):
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                yield path
