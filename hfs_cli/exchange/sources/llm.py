"""Read the ``logs.db`` of the `llm` tool, without writing a byte to it.

Up to llm 0.31 its ``responses`` table has a row for each prompt and reply, which may belong to a
row of ``conversations``. Columns and tables were added over the years; missing ones are left out.
Since 0.32 it keeps a message store (`llm_threads`) and leaves these tables as they are; a database
may hold both. The JSON of each request, which repeats all earlier messages, is not imported.
"""

import math
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from hfs_cli.conversations import Conversation, Incoming, Unread
from hfs_cli.errors import UsageError
from hfs_cli.exchange.sources import database, llm_threads
from hfs_cli.exchange.sources.database import Deadline
from hfs_cli.exchange.sources.foreign import ForeignMessage, Metadata, from_sequence, uid_of
from hfs_cli.exchange.sources.llm_threads import Threads
from hfs_cli.exchange.sources.table_values import (
    MAX_CONVERSATION,
    attachment_of,
    count_of,
    extra_of,
    json_of,
    moment_of,
    text_of,
    with_result,
)
from hfs_cli.messages import Attachment, Call, Usage

_EXTRA = ("options_json", "resolved_model", "token_details", "response_json", "schema_id")
_OPTIONAL = ("system", "duration_ms", "input_tokens", "output_tokens", "reasoning", *_EXTRA)
_TABLES = {"responses", "conversations"}
_CALLS = "SELECT * FROM tool_calls WHERE response_id = ? ORDER BY id"
_RESULTS = "SELECT * FROM tool_results WHERE response_id = ? ORDER BY id"
_PROMPT_FILES = """SELECT a.type, a.path, a.url, a.content FROM prompt_attachments p
    JOIN attachments a ON a.id = p.attachment_id WHERE p.response_id = ? ORDER BY p.[order]"""
_RESULT_FILES = """SELECT a.type, a.path, a.url, a.content FROM tool_results_attachments p
    JOIN attachments a ON a.id = p.attachment_id WHERE p.tool_result_id = ? ORDER BY p.[order]"""


def conversations(path: Path) -> Iterator[Incoming]:
    """The conversations, and each reply that belongs to none, in the order of their last use.

    Raises:
        UsageError: It is another database, damaged, or holds what llm never writes.
        Interrupted: A signal came while SQLite was at work.
    """
    with database.open_database(path, "llm") as (db, deadline):
        for one in _conversations(db, path, deadline):
            yield Unread(one.uid, partial(_read, one, path))


def _read(incoming: Incoming, path: Path) -> Sequence[Conversation]:
    with database.refusing(path, "llm"):
        return incoming.read()


def _conversations(db: sqlite3.Connection, path: Path, deadline: Deadline) -> Iterator[Incoming]:
    tables = database.tables_of(db)
    responses = _Responses(db, tables, path, deadline) if tables >= _TABLES else None
    threads: set[str] = set()
    if tables >= llm_threads.TABLES:
        earlier = responses.earlier if responses else lambda *_: ("", [])
        store = Threads(db, tables, earlier, deadline.restart)
        yield from store.conversations()
        threads = {*store.ids()}
    elif responses is None and {"session", "message", "checkpoint"} <= tables:
        raise UsageError(
            f'{path} is a database of hfs: hfs db copy "{path}" "$(hfs db path)" brings in its '
            "sessions"
        )
    elif responses is None:
        raise UsageError(
            f"{path} is not a database that can be read: hfs sessions import reads the logs.db of "
            "llm, the mods.db of mods, and files of hfs, ChatGPT, Claude, aichat and shell_gpt"
        )
    if responses is not None:
        yield from responses.conversations(threads)


class _Responses:
    """The conversations in the older tables.

    Args:
        db: The database.
        tables: The names of its tables.
        path: Its file, for errors.
        deadline: The time limit for each row.
    """

    def __init__(
        self, db: sqlite3.Connection, tables: set[str], path: Path, deadline: Deadline
    ) -> None:
        self._db = db
        self._tables = tables
        self._path = path
        self._deadline = deadline
        there = {row["name"] for row in db.execute("PRAGMA table_info(responses)")}
        columns = ", ".join(name if name in there else f"NULL AS {name}" for name in _OPTIONAL)
        self._select = f"""SELECT r.id, r.model, r.prompt, r.response, r.datetime_utc,
            r.conversation_id, c.name AS title, {columns}
            FROM responses r LEFT JOIN conversations c ON c.id = r.conversation_id"""

    def conversations(self, known: set[str]) -> Iterator[Incoming]:
        """The conversations that are not known, and each reply that belongs to none."""
        response = f"{self._select} WHERE r.rowid = ?"
        # The sort keys are cut: SQLite sorts on the disk when they are large.
        key = "substr(coalesce(r.conversation_id, r.id), 1, 200)"
        moment = "substr(r.datetime_utc, 1, 40)"
        order = self._db.execute(
            f"""SELECT r.rowid FROM responses r ORDER BY
            max({moment}) OVER (PARTITION BY {key}), {key}, {moment}, substr(r.id, 1, 200)"""
        )
        group: list[sqlite3.Row] = []
        size = 0
        for (number,) in order:
            row = self._db.execute(response, (number,)).fetchone()
            if group and _key(row) != _key(group[0]):
                yield from self._incoming(group, known)
                group, size = [], 0
            group.append(row)
            size += sum(len(value) for value in row if isinstance(value, str | bytes))
            if size > MAX_CONVERSATION:
                most = MAX_CONVERSATION // 10**6
                raise UsageError(f"{self._path}: a conversation is over {most} MB")
            self._deadline.restart()
        if group:
            yield from self._incoming(group, known)

    def earlier(self, key: str, left_out: Counter[str]) -> tuple[str, list[ForeignMessage]]:
        """The title of a conversation, and its messages in these tables."""
        self._deadline.restart()
        query = f"{self._select} WHERE r.conversation_id = ? ORDER BY r.datetime_utc, r.id"
        group = self._db.execute(query, (key,)).fetchall()
        if not group:
            return "", []
        return text_of(group[0], "title"), self._messages(group, left_out)

    def _incoming(self, group: list[sqlite3.Row], known: set[str]) -> Iterator[Incoming]:
        if (key := _key(group[0])) not in known:
            yield Unread(uid_of("llm", key), partial(self._conversation, group))

    def _conversation(self, group: list[sqlite3.Row]) -> tuple[Conversation, ...]:
        started = moment_of(text_of(group[0], "datetime_utc"))
        metadata = Metadata("llm", _key(group[0]), text_of(group[0], "title"), started)
        return from_sequence(metadata, self._messages(group, metadata.left_out))

    def _messages(self, group: list[sqlite3.Row], left_out: Counter[str]) -> list[ForeignMessage]:
        messages: list[ForeignMessage] = []
        system = None
        for row in group:
            moment = moment_of(text_of(row, "datetime_utc"))
            wanted = self._with_fragments(row, "system", "\n\n")
            if wanted and wanted != system:
                system = wanted
                messages.append(ForeignMessage("system", system, moment))
            returned = self._rows(_RESULTS, row, "tool_results")
            prompt = self._with_fragments(row, "prompt", "\n")
            files = self._attachments(_PROMPT_FILES, row["id"], "prompt_attachments", left_out)
            if returned and messages and messages[-1].role == "assistant":
                messages[-1] = self._with_results(messages[-1], returned, left_out)
            if prompt or files or not returned:
                messages.append(ForeignMessage("user", prompt, moment, attachments=files))
            calls = tuple(_call(one) for one in self._rows(_CALLS, row, "tool_calls"))
            reply, thoughts = text_of(row, "response"), text_of(row, "reasoning")
            if reply or calls or thoughts:
                messages.append(_reply(row, reply, calls, self._extra(row)))
        return messages

    def _with_fragments(self, row: sqlite3.Row, kind: str, between: str) -> str:
        """A prompt after the fragments that belong to it."""
        table = f"{kind}_fragments"
        query = f"""SELECT f.content FROM {table} p JOIN fragments f ON f.id = p.fragment_id
            WHERE p.response_id = ? ORDER BY p.[order]"""
        fragments = self._rows(query, row, table)
        texts = [text_of(one, "content") for one in fragments] + [text_of(row, kind)]
        return between.join(text for text in texts if text) if fragments else texts[0]

    def _with_results(
        self, asking: ForeignMessage, returned: list[sqlite3.Row], left_out: Counter[str]
    ) -> ForeignMessage:
        """A reply with the results of its calls."""
        calls = list(asking.calls)
        files = list(asking.attachments)
        for row in returned:
            failed = "exception" in row.keys() and bool(row["exception"])  # noqa: SIM118
            call_id, name = text_of(row, "tool_call_id"), text_of(row, "name")
            calls = with_result(calls, Call(call_id, name, "", text_of(row, "output"), failed))
            table = "tool_results_attachments"
            files += self._attachments(_RESULT_FILES, row["id"], table, left_out)
        return replace(asking, calls=tuple(calls), attachments=tuple(files))

    def _extra(self, row: sqlite3.Row) -> Mapping[str, object]:
        extra = {"id": text_of(row, "id"), **extra_of(row, _EXTRA)}
        if (key := text_of(row, "schema_id")) and "schemas" in self._tables:
            query = "SELECT content FROM schemas WHERE id = ?"
            for schema in self._db.execute(query, (key,)):
                extra["schema"] = json_of(text_of(schema, "content"))
        return extra

    def _rows(self, query: str, row: sqlite3.Row, table: str) -> list[sqlite3.Row]:
        return self._db.execute(query, (row["id"],)).fetchall() if table in self._tables else []

    def _attachments(
        self, query: str, key: object, table: str, left_out: Counter[str]
    ) -> tuple[Attachment, ...]:
        """The files of a prompt or a result; of some files llm keeps only the path."""
        if not {table, "attachments"} <= self._tables:
            return ()
        rows = self._db.execute(query, (key,)).fetchall()
        found = (attachment_of(row, left_out) for row in rows)
        return tuple(one for one in found if one is not None)


def _key(row: sqlite3.Row) -> str:
    return text_of(row, "conversation_id") or text_of(row, "id")


def _call(row: sqlite3.Row) -> Call:
    return Call(text_of(row, "tool_call_id"), text_of(row, "name"), text_of(row, "arguments"))


def _reply(
    row: sqlite3.Row, text: str, calls: tuple[Call, ...], extra: Mapping[str, object]
) -> ForeignMessage:
    usage = Usage(count_of(row["input_tokens"]), count_of(row["output_tokens"]))
    took = row["duration_ms"]
    return ForeignMessage(
        "assistant",
        text,
        moment_of(text_of(row, "datetime_utc")),
        model=text_of(row, "model") or None,
        usage=None if usage == Usage() else usage,
        total_s=took / 1000 if isinstance(took, int | float) and math.isfinite(took) else None,
        reasoning=text_of(row, "reasoning"),
        calls=calls,
        extra=extra,
    )
