"""The message store that llm has kept since 0.32, in tables beside the older ``responses``.

The key of a row in ``messages`` is a hash of its content and of the message before it, so
conversations that begin with the same messages share them; ``parts`` hold the content, in which a
long fragment is kept once. ``threads`` point at the last message of a conversation and name the
thread that they were forked from; ``turns`` are requests, with model, time and tokens. A thread
that continues an older conversation holds its messages again, but without their files and times.
This reads what llm 0.36 writes (looked up 2026-11-29, in its migrations and by running it).
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Literal, NamedTuple, cast

from hfs_cli.conversations import Conversation, Incoming, Unread
from hfs_cli.errors import UsageError
from hfs_cli.exchange.sources.foreign import (
    NO_FILE,
    ForeignMessage,
    Metadata,
    from_sequence,
    uid_of,
)
from hfs_cli.exchange.sources.table_values import (
    MAX_CONVERSATION,
    attachment_of,
    count_of,
    extra_of,
    json_of,
    moment_of,
    text_of,
    value_of,
    with_result,
)
from hfs_cli.messages import Attachment, Call, Role, Usage

TABLES = {"threads", "turns", "messages", "parts"}
_ROLES = {"system", "user", "assistant", "tool"}
_KINDS = {"text", "reasoning", "tool_call", "tool_result", "attachment"}
# Values of a part that have fields of their own in a message.
_PLACED = {"text_ref", "name", "arguments", "tool_call_id", "output", "attachment", "attachments"}
_ENDS = """SELECT tip_message_hash FROM turns WHERE thread_id = ? AND tip_message_hash NOTNULL
    ORDER BY datetime_utc DESC, id DESC"""
# The last messages of chains that belong to no thread.
_ALONE = """SELECT hash FROM messages m
    WHERE NOT EXISTS (SELECT 1 FROM messages c WHERE c.parent_hash = m.hash)
    AND hash NOT IN (SELECT tip_message_hash FROM threads WHERE tip_message_hash NOTNULL)
    AND hash NOT IN (SELECT t.tip_message_hash FROM turns t JOIN threads h ON h.id = t.thread_id
        WHERE t.tip_message_hash NOTNULL)"""
_TOKENS = ("input_tokens", "output_tokens")
_TURN = ("options_json", "resolved_model", "token_details", "response_json", "schema_id")


class _Turn(NamedTuple):
    """A request, and when it was sent."""

    row: sqlite3.Row
    moment: datetime


class Threads:
    """The conversations of a database.

    Args:
        db: The database.
        tables: The names of its tables.
        earlier: Finds the title of a conversation and its messages in the older tables, and counts
            what is not imported of those.
        restart: Called before each row is read: SQLite's time limit starts again.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        tables: set[str],
        earlier: Callable[[str, Counter[str]], tuple[str, list[ForeignMessage]]],
        restart: Callable[[], None],
    ) -> None:
        self._db = db
        self._tables = tables
        self._earlier = earlier
        self._restart = restart

    def conversations(self) -> Iterator[Incoming]:
        """The threads, and the chains of messages that belong to none."""
        for key in self.ids():
            yield Unread(uid_of("llm", key), partial(self._read, key))
        for key in self._keys(_ALONE):
            yield Unread(uid_of("llm", key), partial(self._alone, key))

    def ids(self) -> list[str]:
        """The ids of all threads, oldest first."""
        return self._keys("SELECT id FROM threads ORDER BY substr(id, 1, 200)")

    def _keys(self, query: str, *values: str) -> list[str]:
        self._restart()
        rows = self._db.execute(query, values).fetchall()
        return [str(row[0]) for row in rows if row[0] is not None]

    def _one(self, query: str, *values: str) -> sqlite3.Row | None:
        self._restart()
        row: sqlite3.Row | None = self._db.execute(query, values).fetchone()
        return row

    def _alone(self, key: str) -> tuple[Conversation, ...]:
        metadata = Metadata("llm", key, "", None)
        return from_sequence(metadata, self._messages(key, metadata.left_out))

    def _read(self, key: str) -> tuple[Conversation, ...]:
        row = self._one("SELECT * FROM threads WHERE id = ?", key)
        if row is None:
            raise UsageError(f"the conversation {key} was deleted meanwhile")
        left_out: Counter[str] = Counter()
        tip = text_of(row, "tip_message_hash")
        messages = self._messages(tip, left_out)
        name, older = self._earlier(key, left_out)
        metadata = Metadata("llm", key, name or text_of(row, "name"), None, left_out)
        if _begins_with(messages, older):
            # The older tables have times and files, which the thread has not.
            found = from_sequence(metadata, [*older, *messages[len(older) :]])
            apart: tuple[Conversation, ...] = ()
        else:
            found = from_sequence(metadata, messages)
            apart = from_sequence(Metadata("llm", f"{key}:responses", metadata.title, None), older)
        if not found:
            return apart
        (main,) = found
        variants = self._variants(key, main, tip, messages)
        if parent := text_of(row, "forked_from"):
            main = self._as_fork(main, key, parent, messages)
        return (main, *apart, *variants)

    def _variants(
        self, key: str, main: Conversation, tip: str, messages: list[ForeignMessage]
    ) -> Iterator[Conversation]:
        """Branches for the turns of a thread that its last message does not lead back to."""
        reached = _hashes(messages)
        for end in self._keys(_ENDS, key):
            if end != tip and end not in reached:
                other = self._messages(end, Counter())
                reached |= _hashes(other)
                shared = _shared(messages, other)
                for branch in from_sequence(
                    Metadata("llm", f"{key}:{end}", main.name, None), other
                ):
                    yield _forked(branch, main.uid, shared, "retry")

    def _as_fork(
        self, main: Conversation, key: str, parent: str, messages: list[ForeignMessage]
    ) -> Conversation:
        """A thread's conversation as a fork of another thread's, if that exists."""
        row = self._one("SELECT tip_message_hash FROM threads WHERE id = ?", parent)
        if row is None or parent == key or self._is_ancestor(key, parent):
            return main
        shared = _shared(self._messages(text_of(row, "tip_message_hash"), Counter()), messages)
        if not shared:
            return main
        # What is not imported of the shared messages is reported with the parent.
        parents: Counter[str] = Counter()
        self._messages(messages[shared - 1].key.split()[-1], parents)
        left_out = Counter(main.left_out) - parents
        return _forked(replace(main, left_out=left_out), uid_of("llm", parent), shared, "fork")

    def _is_ancestor(self, key: str, thread: str) -> bool:
        """Whether `thread` was forked from `key`, or from a fork of it."""
        seen: set[str] = set()
        above: str | None = thread
        while above and above not in seen:
            seen.add(above)
            row = self._one("SELECT forked_from FROM threads WHERE id = ?", above)
            above = None if row is None else text_of(row, "forked_from")
            if above == key:
                return True
        return False

    def _messages(self, tip: str, left_out: Counter[str]) -> list[ForeignMessage]:
        """The messages up to one, with the results of calls put beside them."""
        messages: list[ForeignMessage] = []
        size = 0
        for row in self._chain(tip):
            key = text_of(row, "hash")
            one = self._message(row, left_out)
            size += len(one.content) + sum(len(file.data) for file in one.attachments)
            if size > MAX_CONVERSATION:
                raise UsageError(f"a conversation of llm is over {MAX_CONVERSATION // 10**6} MB")
            if one.role == "tool" and messages and messages[-1].calls:
                messages[-1] = _with_results(messages[-1], one, key)
            elif one.role == "tool":
                text = "\n\n".join(call.result or "" for call in one.calls) or one.content
                messages.append(replace(one, content=text, calls=()))
            else:
                messages.append(one)
        return messages

    def _chain(self, tip: str) -> list[sqlite3.Row]:
        rows: dict[str, sqlite3.Row] = {}
        key = tip
        while key and key not in rows:
            row = self._one("SELECT * FROM messages WHERE hash = ?", key)
            if row is None:
                raise UsageError(f"the message {key[:80]} of llm's database is not there")
            rows[key] = row
            key = text_of(row, "parent_hash")
        return list(rows.values())[::-1]

    def _message(self, row: sqlite3.Row, left_out: Counter[str]) -> ForeignMessage:
        key = text_of(row, "hash")
        role = text_of(row, "role")
        if role not in _ROLES:
            raise UsageError(f"a message of llm's database has the role {role[:40]!r}")
        reply = self._turn("tip_message_hash", key)
        asked = self._turn("parent_message_hash", key)
        parts = _Parts()
        self._restart()
        query = "SELECT * FROM parts WHERE message_hash = ? ORDER BY position"
        for part in self._db.execute(query, (key,)).fetchall():
            self._take(parts, part, left_out)
        extra: dict[str, object] = {"hash": key}
        if text := text_of(row, "provider_metadata"):
            extra["provider_metadata"] = json_of(text)
        if parts.rest:
            extra["parts"] = parts.rest
        turn = reply if role == "assistant" else asked
        usage = took = model = None
        if role == "assistant" and reply is not None:
            usage = Usage(*(count_of(value_of(reply.row, name)) for name in _TOKENS))
            took = count_of(value_of(reply.row, "duration_ms"))
            model = text_of(reply.row, "model") or None
            columns = [name for name in _TURN if name in reply.row.keys()]  # noqa: SIM118
            extra |= {"turn": text_of(reply.row, "id"), **extra_of(reply.row, columns)}
            if schema := self._schema(text_of(reply.row, "schema_id")):
                extra["schema"] = schema
        return ForeignMessage(
            role=cast("Role", role),
            content="\n\n".join(parts.texts),
            created_at=None if turn is None else turn.moment,
            model=model,
            usage=None if usage == Usage() else usage,
            total_s=None if took is None else took / 1000,
            reasoning="\n\n".join(parts.thoughts),
            attachments=tuple(parts.attachments),
            calls=tuple(parts.calls),
            extra=extra,
            key=key,
        )

    def _turn(self, column: str, key: str) -> _Turn | None:
        query = f"SELECT * FROM turns WHERE {column} = ? ORDER BY datetime_utc, id LIMIT 1"
        row = self._one(query, key)
        return None if row is None else _Turn(row, moment_of(text_of(row, "datetime_utc")))

    def _schema(self, key: str) -> object:
        query = "SELECT content FROM schemas WHERE id = ?"
        row = self._one(query, key) if key and self._has("schemas") else None
        return row and json_of(text_of(row, "content"))

    def _take(self, parts: _Parts, row: sqlite3.Row, left_out: Counter[str]) -> None:
        payload = json_of(text_of(row, "payload") or "{}")
        if not isinstance(payload, dict):
            raise UsageError("a part of a message in llm's database is not an object")
        kind = text_of(row, "type")
        text = text_of(row, "text") or self._text(payload)
        if kind == "text":
            parts.texts.append(text)
        elif kind == "reasoning":
            parts.thoughts += [text] if text else []
        elif kind == "tool_call":
            given = payload.get("arguments")
            arguments = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
            parts.calls.append(
                Call(_word(payload, "tool_call_id"), _word(payload, "name"), arguments)
            )
        elif kind == "tool_result":
            failed = payload.get("exception") is not None
            call_id, name = _word(payload, "tool_call_id"), _word(payload, "name")
            given = Call(call_id, name, "", _word(payload, "output"), failed)
            parts.calls = with_result(parts.calls, given)
        self._carry(parts, payload, left_out)
        rest = {n: v for n, v in payload.items() if n not in _PLACED and v}
        if rest or kind not in _KINDS:
            parts.rest.append({"type": kind, **rest})

    def _text(self, payload: Mapping[str, Any]) -> str:
        """Text that consists of fragments and of literal text between them."""
        pieces: list[str] = []
        for piece in _objects(payload.get("text_ref")):
            # A fragment may be named many times.
            if sum(map(len, pieces)) > MAX_CONVERSATION:
                raise UsageError(f"a message of llm is over {MAX_CONVERSATION // 10**6} MB")
            if "literal" in piece:
                pieces.append(_word(piece, "literal"))
                continue
            query = "SELECT content FROM fragments WHERE id = ?"
            row = self._one(query, str(piece.get("fragment"))) if self._has("fragments") else None
            if row is None:
                raise UsageError("a fragment that a message of llm's database names is not there")
            pieces.append(text_of(row, "content"))
        return "".join(pieces)

    def _carry(self, parts: _Parts, payload: Mapping[str, Any], left_out: Counter[str]) -> None:
        for reference in _objects([payload.get("attachment")], payload.get("attachments")):
            key = str(reference.get("id"))
            query = "SELECT * FROM attachments WHERE id = ?"
            row = self._one(query, key) if self._has("attachments") else None
            found = None if row is None else attachment_of(row, left_out)
            if row is None:
                left_out[NO_FILE] += 1
            elif found is not None:
                parts.attachments.append(found)

    def _has(self, table: str) -> bool:
        return table in self._tables


class _Parts:
    """The content of a message, as far as it was read."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.calls: list[Call] = []
        self.attachments: list[Attachment] = []
        self.rest: list[Mapping[str, object]] = []


def _with_results(asking: ForeignMessage, returned: ForeignMessage, key: str) -> ForeignMessage:
    """A reply with the results of its calls, which are the calls of a message from the tools."""
    calls = list(asking.calls)
    for given in returned.calls:
        calls = with_result(calls, given)
    extra = dict(asking.extra or {})
    if more := {n: v for n, v in (returned.extra or {}).items() if n != "hash"}:
        extra["results"] = more
    return replace(
        asking,
        calls=tuple(calls),
        attachments=asking.attachments + returned.attachments,
        extra=extra,
        # The same request with another result is another message.
        key=f"{asking.key} {key}",
    )


def _begins_with(messages: list[ForeignMessage], older: list[ForeignMessage]) -> bool:
    """Whether a conversation begins with its messages in the older tables."""
    pairs = zip(messages, older, strict=False)
    same = all((one.role, one.content) == (old.role, old.content) for one, old in pairs)
    return same and len(messages) >= len(older)


def _shared(theirs: list[ForeignMessage], mine: list[ForeignMessage]) -> int:
    """How many messages two conversations have in common at their beginning."""
    pairs = zip(theirs, mine, strict=False)
    different = (number for number, (one, other) in enumerate(pairs) if one.key != other.key)
    return next(different, min(len(theirs), len(mine)))


def _hashes(messages: list[ForeignMessage]) -> set[str]:
    """The hashes of the stored messages that these were made from."""
    return {part for one in messages for part in one.key.split()}


def _forked(
    conversation: Conversation, parent: str, shared: int, origin: Literal["fork", "retry"]
) -> Conversation:
    """A conversation as a branch of another, if they share messages."""
    if not shared:
        return conversation
    return replace(
        conversation,
        name=conversation.name if origin == "fork" else f"{conversation.name} (variant)",
        origin=origin,
        listed=origin == "fork",
        messages=conversation.messages[shared:],
        parent_uid=parent,
        fork_position=shared,
    )


def _objects(*lists: object) -> Iterator[Mapping[str, Any]]:
    for values in lists:
        yield from (v for v in (values if isinstance(values, list) else ()) if isinstance(v, dict))


def _word(payload: Mapping[str, Any], name: str) -> str:
    """A text of a payload; lone surrogates, which no database holds, become U+FFFD."""
    value = payload.get(name)
    if not isinstance(value, str):
        return ""
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
