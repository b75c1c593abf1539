"""Keep the words of messages, calls and names: by FTS5's own tokenizer, as on SQLite.

PostgreSQL's parser parts a text in another way (addresses, hyphens, numbers), and its `tsvector`
holds 16,383 positions and a megabyte
(https://www.postgresql.org/docs/current/textsearch-limitations.html, 2026-11-29); so words are told
apart here, by the tokenizer that finds them on SQLite, and kept as a row of them. An inverted index
(GIN) finds a word in any of them.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from hfs_cli.store.search import TOKENIZER
from hfs_cli.store.words import CALL, words

if TYPE_CHECKING:
    from hfs_cli.store.engine import Connection, Row

# An entry of the index holds at most 2,712 bytes, as PostgreSQL 15 says when it refuses a longer
# one (2026-11-29). What has more characters than this is not a word of any language: its beginning
# and a digest stand for it.
LONGEST = 200
_BEGINNING = 100


class _Tokenizer:
    """FTS5, in memory; only ever used by one thread at a time."""

    def __init__(self) -> None:
        self._memory = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._memory.execute(
            f"CREATE VIRTUAL TABLE w USING fts5 (content, content = '', tokenize = '{TOKENIZER}')"
        )
        self._memory.execute("CREATE VIRTUAL TABLE found USING fts5vocab (w, instance)")

    def part(self, text: str) -> str:
        """A text as the words that are found in it, a blank between two."""
        self._memory.execute("INSERT INTO w (rowid, content) VALUES (1, ?)", (words(text),))
        found = self._memory.execute("SELECT term FROM found ORDER BY offset")
        row = " ".join(_fitting(term) for (term,) in found)
        self._memory.execute("INSERT INTO w (w) VALUES ('delete-all')")
        return row


def _fitting(term: str) -> str:
    if len(term) <= LONGEST:
        return term
    digest = hashlib.sha256(term.encode()).hexdigest()[:32]
    return f"{term[:_BEGINNING]}{digest}"


@cache
def _tokenizer() -> _Tokenizer:
    return _Tokenizer()


def tokens(text: str) -> str:
    """A text as a row of words, which the index is made of."""
    return _tokenizer().part(text)


def copy(db: Connection, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert many rows by COPY, which does not parse, plan and answer each of them.

    Where row-level policies apply to the role, the server refuses COPY
    (https://www.postgresql.org/docs/current/sql-copy.html, 2026-11-29): the rows are inserted then.
    """
    into = f'"{table}" ({", ".join(columns)})'
    with db.connection().cursor() as cursor:
        cursor.execute("SELECT row_security_active(%s)", (table,))
        if cursor.fetchone() == (True,):
            values = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {into} VALUES ({values})".encode(), rows)
            return
        with cursor.copy(f"COPY {into} FROM STDIN".encode()) as to_server:
            for row in rows:
                to_server.write_row(row)


def _keep(db: Connection, table: str, number: int, text: str) -> None:
    db.execute_sql(f"INSERT INTO {table} (id, words) VALUES (%s, %s)", (number, tokens(text)))


def _drop(db: Connection, table: str, number: int) -> None:
    db.execute_sql(f"DELETE FROM {table} WHERE id = %s", (number,))


def index_message(db: Connection, message_id: int, content: str) -> None:
    """Index a message that has become complete."""
    _keep(db, "message_words", message_id, content)


def index_messages(db: Connection, texts: Iterable[tuple[int, str]]) -> None:
    """Index many messages that are complete."""
    copy(db, "message_words", ("id", "words"), ((number, tokens(text)) for number, text in texts))


def unindex_message(db: Connection, message_id: int, content: object) -> None:  # noqa: ARG001
    """Take a complete message out of the index, before it is deleted."""
    _drop(db, "message_words", message_id)


def unindex_messages(db: Connection, session_id: int) -> None:
    """Take a session's own messages and calls out: their words go with them."""


def index_call(db: Connection, call_id: int) -> None:
    """Index a call that has its result."""
    row = db.execute_sql(f"SELECT {CALL} FROM tool_call WHERE id = %s", (call_id,)).fetchone()
    if row is not None:
        _keep(db, "call_words", call_id, row[0])


def unindex_call(db: Connection, call_id: int) -> None:
    """Take a call out of the index, before its result changes."""
    _drop(db, "call_words", call_id)


def index_name(db: Connection, session_id: int, name: str) -> None:
    """Index a session's name."""
    _keep(db, "session_words", session_id, name)


def index_names(db: Connection, names: Iterable[tuple[int, str]]) -> None:
    """Index the names of many sessions."""
    copy(db, "session_words", ("id", "words"), ((number, tokens(name)) for number, name in names))


def unindex_name(db: Connection, session_id: int, name: str) -> None:  # noqa: ARG001
    """Take a session's name out of the index, before it changes or goes."""
    _drop(db, "session_words", session_id)


def forget_words(db: Connection) -> None:
    """Forget every word: it goes with what it is a word of."""
