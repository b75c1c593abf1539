"""Recognise which program wrote a history, and read it within limits."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self, cast

from hfs_cli.conversations import Incoming
from hfs_cli.errors import UsageError
from hfs_cli.exchange import gob, native, zipped
from hfs_cli.exchange.json_stream import WHAT_IS_READ, JsonStream, object_on, parse_json
from hfs_cli.exchange.json_values import Fields
from hfs_cli.exchange.sources import (
    SOURCES,
    aichat,
    chat_list,
    chatgpt,
    claude,
    claude_code,
    codex,
    gemini,
    lines,
    llm,
    mods,
)
from hfs_cli.exchange.sources.records import LineFormat, Record, records, single_session
from hfs_cli.exchange.zipped import Zipped
from hfs_cli.files import open_file, read_file

_MAX_YAML = 4_000_000  # takes a few seconds; no session of aichat comes near it
# The first line of our own format is short; a first line of JSON may hold a picture.
_MAX_HEAD = 10_000
_MAX_FIRST = 16_000_000
_MAX_CHAT = 1_000_000
_SAVE_IT = "save it to a file and import that"
_DATABASE = b"SQLite format 3\0"
_ZSTD = b"\x28\xb5\x2f\xfd"  # RFC 8878, 3.1.1


class CompressedError(UsageError):
    """A file that has to be unpacked before it can be imported."""


class Source:
    """A recognised history: iterates over its conversations, which are read one by one.

    A context manager, which closes the file.

    Args:
        key: Whose it is: one of `hfs_cli.exchange.sources.SOURCES`.
        incoming: Its conversations.
        opened: Closes the file.
        in_order: The conversations are in the order of their last use; else their times tell.
    """

    def __init__(
        self, key: str, incoming: Iterable[Incoming], opened: ExitStack, *, in_order: bool = False
    ) -> None:
        self.name = SOURCES[key]
        self.in_order = in_order
        self._incoming = incoming
        self._opened = opened

    def __iter__(self) -> Iterator[Incoming]:
        return iter(self._incoming)

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
        path: The file, or how errors name the pipe.
        piped: A pipe to read instead of the file; it is left open.
        key: Whose history it is, if that is known: one of `hfs_cli.exchange.sources.SOURCES`.
        advance: Called with the number of bytes read since the last call.

    Raises:
        UsageError: It cannot be read, is in no format that can be imported, or does not belong to
            `key`.
    """
    with ExitStack() as opened:
        raw = opened.enter_context(open_file(path, pipes=True)) if piped is None else piped
        stream = cast("BinaryIO", _Counted(raw, advance))
        # The cheap tests first: of the file's beginning, then of a first line of up to 16 MB, and
        # at last of JSON that is read value by value.
        head = stream.readline(_MAX_HEAD)
        if head.startswith(_ZSTD):
            raise CompressedError(
                f"{path} is compressed: unpack it first (zstd -d), and import that"
            )
        if key in {None, "aichat"} and aichat.begins_log(head):
            log = aichat.log(stream, head, str(path))
            return Source("aichat", log, opened.pop_all(), in_order=True)
        if (source := _from_path(path, head, key, piped=piped is not None)) is not None:
            advance(path.stat().st_size - len(head))
            return source
        if key in {None, "hfs"} and native.is_head(head):
            native.check_head(Fields(parse_json(head, str(path)), str(path)))
            sessions = native.session_lines(stream, str(path))
            return Source("hfs", sessions, opened.pop_all(), in_order=True)
        if head.startswith(zipped.MAGIC) and key in {None, *_ARRAYS}:
            if piped is not None or not path.is_file():
                raise UsageError(f"{path} is a ZIP file, which cannot come in a pipe: {_SAVE_IT}")
            found, incoming = _zipped(Zipped(raw, str(path), advance), path, key)
            return Source(found, incoming, opened.pop_all())
        if head.startswith(b"{") and not head.endswith(b"\n"):
            head += stream.readline(_MAX_FIRST)
        if (name := _line_format(head, key)) is not None:
            format_ = _LINES[name]
            lines_ = records(stream, str(path), head, growing=format_.growing)
            return Source(name, format_.read(lines_, str(path)), opened.pop_all())
        found, incoming = _json(
            JsonStream(stream, str(path), head), path, key, piped=piped is not None
        )
        return Source(found, incoming, opened.pop_all(), in_order=found == "hfs")


def _json(
    stream: JsonStream, path: Path, key: str | None, *, piped: bool
) -> tuple[str, Iterator[Incoming]]:
    """The program that wrote an array or an object, and the conversations in it."""
    if stream.peek() == "[" and key != "hfs":
        return _array(stream, path, key, piped=piped)
    if stream.peek() == "{" and key in {None, "hfs", "gemini-cli", *_ARRAYS}:
        return _document(stream, path, key)
    if key is not None:
        raise UsageError(f"{path} is not a history of {SOURCES[key]}")
    stream.value()  # report a text that is not JSON as such
    raise _unknown(path)


def _from_path(path: Path, head: bytes, key: str | None, *, piped: bool) -> Source | None:
    """A history whose name or neighbouring files matter, so that it cannot be piped; or None."""
    if not piped and key in {None, "aichat"} and (path.suffix in {".yaml", ".yml"} or key):
        session = aichat.conversations(read_file(path, _MAX_YAML), path)
        return Source("aichat", session, ExitStack())
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
    return UsageError(f"{path} is in no format that can be imported ({WHAT_IS_READ})")


class _Counted:
    """A stream that reports how many bytes were read from it."""

    def __init__(self, stream: BinaryIO, advance: Callable[[int], None]) -> None:
        self._stream = stream
        self._advance = advance

    def read(self, size: int) -> bytes:
        return self._counted(self._stream.read(size))

    def readline(self, size: int) -> bytes:
        return self._counted(self._stream.readline(size))

    def _counted(self, data: bytes) -> bytes:
        self._advance(len(data))
        return data


class _ArrayFormat(NamedTuple):
    """A program whose history is an array of conversations.

    Args:
        fits: Whether the first element of an array is one of the program's conversations.
        read: Reads the conversations from the elements, given how errors name the file, and the
            ZIP that it was in.
    """

    fits: Callable[[object], bool]
    read: Callable[[Iterable[object], str, Zipped | None], Iterator[Incoming]]


_ARRAYS = {
    "chatgpt": _ArrayFormat(chatgpt.fits, chatgpt.conversations),
    "claude": _ArrayFormat(claude.fits, claude.conversations),
}


_LINES = {
    "lines": LineFormat(lines.fits, lines.conversations, growing=False),
    "codex": LineFormat(codex.fits, partial(single_session, codex.Session)),
    "gemini-cli": LineFormat(gemini.fits, partial(single_session, gemini.Session)),
    "claude-code": LineFormat(claude_code.fits, partial(single_session, claude_code.Session)),
}


def _line_format(head: bytes, key: str | None) -> str | None:
    """The program whose files may begin with this line, or None."""
    first = object_on(head)
    # A session of Gemini CLI may also be a single object over many lines.
    if key in _LINES and (first is not None or key != "gemini-cli"):
        return key
    if first is None or key is not None:
        return None
    return next((name for name, format_ in _LINES.items() if format_.fits(first)), None)


def _array(
    stream: JsonStream, path: Path, key: str | None, *, piped: bool
) -> tuple[str, Iterator[Incoming]]:
    elements = stream.only_elements()
    first = list(islice(elements, 1))
    document = chain(first, elements)
    name = key or _whose(first)
    if name in _ARRAYS:
        return name, _ARRAYS[name].read(document, str(path), None)
    if key == "shell_gpt" or (first and chat_list.fits(first[0])):
        if piped:
            raise UsageError(f"{path} is a chat that is named after its file: {_SAVE_IT}")
        messages = list(islice(document, _MAX_CHAT + 1))
        if len(messages) > _MAX_CHAT:
            raise UsageError(f"{path} has over {_MAX_CHAT} messages, the most that is read")
        return "shell_gpt", chat_list.conversations("shell_gpt", path, messages)
    raise _unknown(path)


def _whose(first: list[object]) -> str:
    """The program whose array of conversations may begin with this element; empty if none."""
    return next((name for name, f in _ARRAYS.items() if first and f.fits(first[0])), "")


def _zipped(source: Zipped, path: Path, key: str | None) -> tuple[str, Iterator[Incoming]]:
    """The program that a ZIP file was exported from, and the conversations in it."""
    names = source.histories()
    for name in names:
        with source.open(name) as stream:
            first = list(islice(JsonStream(stream, f"{path}, {name}").elements(), 1))
        if found := key or _whose(first):
            return found, _in_zip(source, names, path, _ARRAYS[found])
    raise UsageError(
        f"{path} is a ZIP file in which no conversations.json is one of ChatGPT's or Claude's"
    )


def _in_zip(
    source: Zipped, names: Sequence[str], path: Path, format_: _ArrayFormat
) -> Iterator[Incoming]:
    for name in names:
        where = f"{path}, {name}"
        with source.open(name) as stream:
            yield from format_.read(JsonStream(stream, where).only_elements(), where, source)


def _document(stream: JsonStream, path: Path, key: str | None) -> tuple[str, Iterator[Incoming]]:
    """The program that wrote an object, which is a document of hfs or a single conversation.

    The head of our document comes first, so that its sessions can be read one by one.

    Raises:
        UsageError: It is another document.
    """
    head: dict[str, object] = {}
    names = stream.names()
    for name in names:
        if name == "sessions" and "format" in head and stream.peek() == "[":
            native.check_head(Fields(head, str(path)))
            return "hfs", native.sessions(_last_elements(stream, names), str(path))
        head[name] = stream.value()
    stream.end()
    if (found := _whose([head])) and key in {None, found}:
        return found, _ARRAYS[found].read([head], str(path), None)
    if key in {None, "gemini-cli"} and gemini.fits(head):
        records_ = [Record(str(path), head, 0)]
        return "gemini-cli", single_session(gemini.Session, records_, str(path))
    if key not in {None, "hfs"}:
        raise UsageError(f"{path} is not a history of {SOURCES[key]}")
    fields = Fields(head, str(path))
    native.check_head(fields)
    return "hfs", native.sessions(fields.items("sessions"), str(path))


def _last_elements(stream: JsonStream, names: Iterator[str]) -> Iterator[object]:
    """The elements of an array in an object; whatever follows them must be valid, too."""
    yield from stream.elements()
    for _ in names:
        stream.value()
    stream.end()


def files_in(directory: Path, failed: Callable[[OSError], object] | None = None) -> Iterator[Path]:
    """The regular files below a directory, by name; links are not followed.

    Files that are imported with the database beside them are left out.

    Args:
        directory: Where to look.
        failed: Called for each directory that cannot be read; the directory is skipped.
    """
    for folder, folders, names in os.walk(directory, onerror=failed):
        folders.sort()
        for name in sorted({*names} - mods.covered(Path(folder), names)):
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                yield path
