"""Read a file of conversations within limits, whoever made it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from hfs_cli.conversations import Conversation
from hfs_cli.errors import UsageError
from hfs_cli.exchange import own
from hfs_cli.exchange.json_values import Fields
from hfs_cli.exchange.sources import aichat, chatgpt, claude, shell_gpt
from hfs_cli.files import open_file, read_file

# A whole JSON document takes several times its size in memory; JSON Lines is read line by
# line and may be of any length.
MAX_DOCUMENT = 256_000_000
MAX_LINE = 64_000_000
MAX_YAML = 4_000_000  # a few seconds' work; no session of aichat comes near it
_SAVE_IT = "save it to a file and import that"


_DATABASE = b"SQLite format 3\0"


def is_database(path: Path) -> bool:
    """Whether a file is an SQLite database, which other readers than this one take.

    Raises:
        UsageError: It cannot be read, or is not a regular file.
    """
    with open_file(path) as stream:
        return stream.read(16) == _DATABASE


def read_conversations(path: Path, piped: BinaryIO | None = None) -> Iterator[Conversation]:
    """The conversations of a file, whichever of the known formats it is in, last used last.

    Args:
        path: The file, or what errors call the pipe.
        piped: What came out of a pipe, from its beginning.

    Raises:
        UsageError: It cannot be read, is too large, or is not what it should be; the
            message says where.
    """
    if piped is None and path.suffix in {".yaml", ".yml"}:
        try:
            text = read_file(path, MAX_YAML).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} is not UTF-8 (byte {error.start})") from error
        yield from aichat.conversations(text, path)
        return
    with open_file(path) if piped is None else piped as stream:
        head = stream.readline(MAX_LINE + 1)
        if head.startswith(_DATABASE):
            raise UsageError(f"{path} is a database, which only a file can be: {_SAVE_IT}")
        if _is_head(head):
            own.check_head(Fields(parse_json(head, str(path)), str(path)))
            yield from _lines(stream, path)
            return
        stream.seek(0)
        document = _document(stream, path)
    if chatgpt.fits(document):
        yield from sorted(chatgpt.conversations(document, str(path)), key=_last_use)
    elif claude.fits(document):
        yield from sorted(claude.conversations(document, str(path)), key=_last_use)
    elif shell_gpt.fits(document):
        if piped is not None:
            raise UsageError(f"{path} is a chat that is named after its file: {_SAVE_IT}")
        yield from shell_gpt.conversations(document, path)
    else:
        fields = Fields(document, str(path))
        own.check_head(fields)
        for number, value in enumerate(fields.items("sessions"), 1):
            yield own.conversation(value, f"{path}, session {number}")


def _last_use(conversation: Conversation) -> datetime:
    return conversation.updated_at


def _document(stream: BinaryIO, path: Path) -> Any:  # noqa: ANN401  (JSON)
    data = stream.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        raise UsageError(
            f"{path} is over {MAX_DOCUMENT // 10**6} MB: export it as JSON Lines (--format jsonl)"
        )
    return parse_json(data, str(path))


def parse_json(data: bytes, where: str) -> Any:  # noqa: ANN401  (JSON)
    """Parse JSON strictly: UTF-8, no NaN, no name twice, no nesting without end.

    Raises:
        UsageError: It is not.
    """
    try:
        return json.loads(
            data.decode("utf-8-sig"), parse_constant=_no_constant, object_pairs_hook=_no_twins
        )
    except UnicodeDecodeError as error:
        raise UsageError(f"{where} is not UTF-8 (byte {error.start})") from error
    except RecursionError as error:
        raise UsageError(f"{where} is nested too deeply") from error
    except ValueError as error:
        raise UsageError(
            f"{where} is not valid JSON: {str(error).splitlines()[0][:200]} "
            "(hfs sessions import --help says what is read)"
        ) from error


def _is_head(line: bytes) -> bool:
    """Whether the first line is a whole object that says what follows, and not all of it."""
    try:
        head = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(head, dict) and "format" in head and "sessions" not in head


def _lines(stream: BinaryIO, path: Path) -> Iterator[Conversation]:
    number = 1
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        where = f"{path}, line {number}"
        if len(line) > MAX_LINE:
            raise UsageError(f"{where} is over {MAX_LINE // 10**6} MB")
        if line.strip():
            yield own.conversation(parse_json(line, where), where)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _no_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("one object has a name twice")
    return found
