"""The history of mods: a database of titles, and a gob of messages for each title beside it.

``conversations/mods.db`` has a row for each conversation: id, title, when it was last saved, and
since 2024 the model and the API; ``conversations/ID.gob`` is a list of its messages, which have
included the calls of tools since May 2025 and were go-openai's ``ChatCompletionMessage`` before.
Messages have no times: the row's time stands for them. A gob without a row is imported as well,
like one that is imported alone. (``internal/proto``, ``internal/cache`` and ``db.go`` of
charmbracelet/mods, 0425d0d of 2026-03-09 and its history; read 2026-11-29.)
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from hfs_cli.conversations import Conversation, Incoming, Unread
from hfs_cli.errors import UsageError
from hfs_cli.exchange import gob
from hfs_cli.exchange.json_values import ROLES, Fields
from hfs_cli.exchange.sources import database
from hfs_cli.exchange.sources.foreign import ForeignMessage, Metadata, from_sequence, uid_of
from hfs_cli.exchange.sources.table_values import text_of, with_result
from hfs_cli.files import read_file
from hfs_cli.messages import Call
from hfs_cli.moments import from_iso

_DATABASE = "mods.db"
_SUFFIX = ".gob"
_MAX_GOB = 64_000_000
_COLUMNS = {"id", "title", "updated_at"}
_FIELDS = {"Role", "Content", "ToolCalls"}
_CALL_FIELDS = {"ID", "Function", "IsError"}
# A conversation's id; mods makes it as the SHA-1 of random bytes.
_ID = re.compile(r"[\w-]{1,200}")


class _Row(NamedTuple):
    """A conversation's row in the database."""

    title: str = ""
    saved: datetime | None = None
    model: str | None = None


def is_database(path: Path) -> bool:
    """Whether a database is one that mods made."""
    with database.open_database(path, "mods") as (db, _):
        return _is_of_mods(db)


def covered(folder: Path, names: Sequence[str]) -> set[str]:
    """The files of a folder that are imported with its database."""
    if _DATABASE not in names:
        return set()
    try:
        found = is_database(folder / _DATABASE)
    except UsageError:
        found = False
    return {name for name in names if found and name.endswith(_SUFFIX)}


def conversation(file: Path) -> Iterator[Incoming]:
    """The conversation of a gob, with its row in the database beside it, if there is one."""
    yield _incoming(file, _row_of(file))


def conversations(path: Path) -> Iterator[Incoming]:
    """All conversations of a database and of the gobs beside it, in the order of saving.

    Raises:
        UsageError: It is damaged, or another database.
    """
    with database.open_database(path, "mods") as (db, deadline):
        if not _is_of_mods(db):
            raise UsageError(f"{path} is not a database of mods")
        known: set[str] = set()
        for row in db.execute("SELECT * FROM conversations ORDER BY updated_at, rowid"):
            deadline.restart()
            key = text_of(row, "id")
            if not _ID.fullmatch(key):
                raise UsageError(f"{path}: {key[:50]!r} is not what mods calls a conversation")
            known.add(key)
            yield _incoming(path.with_name(key + _SUFFIX), _row(row))
    for file in sorted(path.parent.glob(f"*{_SUFFIX}")):
        if file.stem not in known:
            yield _incoming(file, _Row())


def _is_of_mods(db: sqlite3.Connection) -> bool:
    there = {row["name"] for row in db.execute("PRAGMA table_info(conversations)")}
    return there >= _COLUMNS and "responses" not in database.tables_of(db)


def _row_of(file: Path) -> _Row:
    """The row of a gob; an empty one where no database beside it names the gob."""
    beside = file.with_name(_DATABASE)
    if not beside.is_file():
        return _Row()
    with database.open_database(beside, "mods") as (db, _):
        if not _is_of_mods(db):
            return _Row()
        found = db.execute("SELECT * FROM conversations WHERE id = ?", (file.stem,)).fetchone()
        return _Row() if found is None else _row(found)


def _row(row: sqlite3.Row) -> _Row:
    try:
        saved = from_iso(text_of(row, "updated_at"))
    except ValueError:
        saved = None
    named = [text_of(row, name) for name in ("api", "model") if name in row.keys()]  # noqa: SIM118
    model = "/".join(name for name in named if name) if named and named[-1] else None
    return _Row(text_of(row, "title"), saved, model)


def _incoming(file: Path, row: _Row) -> Incoming:
    return Unread(uid_of("mods", file.stem), partial(_conversation, file, row))


def _conversation(file: Path, row: _Row) -> tuple[Conversation, ...]:
    if row.title and not file.exists():
        raise UsageError(f"{file} is missing: it holds the messages of {row.title!r}")
    values = gob.decode(read_file(file, _MAX_GOB), str(file))
    if not isinstance(values, list):
        raise UsageError(f"{file} holds something other than messages")
    started = row.saved or datetime.fromtimestamp(file.stat().st_mtime, UTC)
    metadata = Metadata("mods", file.stem, row.title, started)
    messages: list[ForeignMessage] = []
    for number, value in enumerate(values, 1):
        _take(messages, Fields(value, f"{file}, message {number}"), row.model)
    return from_sequence(metadata, messages)


def _take(messages: list[ForeignMessage], message: Fields, model: str | None) -> None:
    """Add a message; a tool's output joins the reply that asked for it."""
    role = message.choice("Role", ROLES)
    content = message.maybe_text("Content") or ""
    asked = [Fields(value, message.where) for value in message.items("ToolCalls")]
    calls = [_call(value) for value in asked]
    if role == "tool" and messages and messages[-1].role == "assistant":
        for given in calls or [Call(message.maybe_text("ToolCallID") or "", "", "")]:
            answered = with_result(messages[-1].calls, given._replace(result=content))
            messages[-1] = replace(messages[-1], calls=tuple(answered))
        return
    rest = {n: v for n, v in message.raw.items() if n not in _FIELDS}
    if any(value.raw.keys() - _CALL_FIELDS for value in asked):
        rest["ToolCalls"] = message.items("ToolCalls")
    messages.append(
        ForeignMessage(
            role,
            content,
            model=model if role == "assistant" else None,
            calls=tuple(calls),
            extra=rest or None,
        )
    )


def _call(value: Fields) -> Call:
    function = Fields(value.raw.get("Function") or {}, value.where)
    return Call(
        value.maybe_text("ID") or "",
        function.maybe_text("Name") or "",
        function.maybe_text("Arguments") or "",
        failed=value.raw.get("IsError") is True,
    )
