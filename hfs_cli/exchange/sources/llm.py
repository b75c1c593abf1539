"""Read the ``logs.db`` of the `llm` tool, without writing a byte to it.

Its ``responses`` table has a row for each prompt and reply, tied to ``conversations`` where
they belong to one. Columns came over the years; those that are missing are left out.

The file is somebody else's and may hold anything: it is read as tables only (a view may have no
end), its values within limits, and Ctrl-C and the time bound whatever SQLite is made to do.
"""

import math
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from hfs_cli import signals
from hfs_cli.conversations import Conversation, Incoming, Unread
from hfs_cli.errors import Interrupted, UsageError
from hfs_cli.exchange.sources.foreign import NO_FILE, About, Said, arrived, uid_of
from hfs_cli.messages import Attachment, Usage
from hfs_cli.moments import from_iso

_OPTIONAL = ("system", "duration_ms", "input_tokens", "output_tokens")
# One value, all of a conversation (characters and bytes), and what a count can be.
_MAX_VALUE = 64_000_000
_MAX_CONVERSATION = 128_000_000
_MAX_COUNT = 2**53
# How long SQLite may work for one row, and how many of its steps go by between two looks: few,
# for one step may make a value of many megabytes.
_PATIENCE_S = 60.0
_STEPS = 20


class _Clock:
    """When SQLite has worked long enough for one row."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self._deadline = time.monotonic() + _PATIENCE_S

    def is_over(self) -> bool:
        return signals.received() is not None or time.monotonic() > self._deadline


def conversations(path: Path) -> Iterator[Incoming]:
    """All of its conversations, and each reply that belongs to none, last used last.

    Raises:
        UsageError: It is another database, damaged, or holds what llm never writes.
        Interrupted: A signal came while SQLite was at work.
    """
    clock = _Clock()
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as db:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA trusted_schema = OFF")
            db.execute("PRAGMA query_only = ON")
            db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE)
            db.set_progress_handler(clock.is_over, _STEPS)
            yield from _conversations(db, path, clock)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            # SQLite swallows the exception of a signal's handler, and says this instead.
            if (signum := signals.received()) is not None:
                raise Interrupted(signum) from error
            raise UsageError(f"{path} gives no row within {_PATIENCE_S:.0f} s: not read") from error
        # Of a text that is not valid the rest of it is the text itself.
        said = str(error).partition(" with text")[0]
        raise UsageError(f"cannot read {path} as a database of llm: {said}") from error


def _conversations(db: sqlite3.Connection, path: Path, clock: _Clock) -> Iterator[Incoming]:
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"responses", "conversations"} <= tables:
        raise UsageError(
            f"{path} is not a database that can be read: hfs sessions import reads the logs.db of "
            "llm, and files of hfs, ChatGPT, Claude, aichat and shell_gpt"
        )
    there = {row["name"] for row in db.execute("PRAGMA table_info(responses)")}
    columns = ", ".join(column if column in there else f"NULL AS {column}" for column in _OPTIONAL)
    response = f"""SELECT r.id, r.model, r.prompt, r.response, r.datetime_utc, r.conversation_id,
        c.name AS title, {columns}
        FROM responses r LEFT JOIN conversations c ON c.id = r.conversation_id
        WHERE r.rowid = ?"""
    # What is sorted is kept small: SQLite puts it on the disk when it is much.
    key = "substr(coalesce(r.conversation_id, r.id), 1, 200)"
    moment = "substr(r.datetime_utc, 1, 40)"
    order = db.execute(
        f"""SELECT r.rowid FROM responses r
        ORDER BY max({moment}) OVER (PARTITION BY {key}), {key}, {moment}, substr(r.id, 1, 200)"""
    )
    group: list[sqlite3.Row] = []
    size = 0
    for (number,) in order:
        row = db.execute(response, (number,)).fetchone()
        if group and _key(row) != _key(group[0]):
            yield _incoming(db, group, tables)
            group, size = [], 0
        group.append(row)
        size += sum(len(value) for value in row if isinstance(value, str | bytes))
        if size > _MAX_CONVERSATION:
            raise UsageError(f"{path}: a conversation is over {_MAX_CONVERSATION // 10**6} MB")
        clock.restart()
    if group:
        yield _incoming(db, group, tables)


def _incoming(db: sqlite3.Connection, group: list[sqlite3.Row], tables: set[str]) -> Incoming:
    return Unread(uid_of("llm", _key(group[0])), partial(_conversation, db, group, tables))


def _key(row: sqlite3.Row) -> str:
    return _text(row, "conversation_id") or _text(row, "id")


def _text(row: sqlite3.Row, column: str) -> str:
    """A value as text; nothing where there is none.

    Raises:
        UsageError: It is bytes.
    """
    value = row[column]
    if isinstance(value, bytes):
        raise UsageError(f"a row of the database holds bytes where {column} should be text")
    return "" if value is None else str(value)


def _count(value: object) -> int | None:
    """A count that a reply can have; anything else is left out."""
    return value if isinstance(value, int) and 0 <= value < _MAX_COUNT else None


def _conversation(
    db: sqlite3.Connection, group: list[sqlite3.Row], tables: set[str]
) -> tuple[Conversation, ...]:
    started = _moment(_text(group[0], "datetime_utc"))
    said: list[Said] = []
    left_out: Counter[str] = Counter()
    system = None
    for row in group:
        moment = _moment(_text(row, "datetime_utc"))
        if (wanted := _text(row, "system")) and wanted != system:
            system = wanted
            said.append(Said("system", system, moment))
        kept = {"prompt_attachments", "attachments"} <= tables
        files = _attachments(db, row["id"], left_out) if kept else ()
        said.append(Said("user", _text(row, "prompt"), moment, attachments=files))
        if reply := _text(row, "response"):
            said.append(_reply(row, reply, moment))
    about = About("llm", _key(group[0]), _text(group[0], "title"), started, left_out)
    return arrived(about, said)


def _reply(row: sqlite3.Row, text: str, moment: datetime) -> Said:
    usage = Usage(_count(row["input_tokens"]), _count(row["output_tokens"]))
    took = row["duration_ms"]
    return Said(
        "assistant",
        text,
        moment,
        model=_text(row, "model") or None,
        usage=None if usage == Usage() else usage,
        total_s=took / 1000 if isinstance(took, int | float) and math.isfinite(took) else None,
    )


def _attachments(
    db: sqlite3.Connection, response_id: object, left_out: Counter[str]
) -> tuple[Attachment, ...]:
    """What went with a prompt; a file that was not kept is there by its path alone."""
    rows = db.execute(
        """SELECT a.type, a.path, a.url, a.content FROM prompt_attachments p
        JOIN attachments a ON a.id = p.attachment_id WHERE p.response_id = ?
        ORDER BY p.[order]""",
        (response_id,),
    )
    found = []
    for row in rows:
        data, url = row["content"], _text(row, "url")
        if isinstance(data, bytes) and data:
            url = ""
        elif not url:
            left_out[NO_FILE] += 1
            continue
        found.append(
            Attachment(
                name=Path(_text(row, "path") or url or "attachment").name,
                media_type=_text(row, "type") or "application/octet-stream",
                data=b"" if url else data,
                url=url or None,
            )
        )
    return tuple(found)


def _moment(text: str) -> datetime:
    try:
        return from_iso(text)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)
