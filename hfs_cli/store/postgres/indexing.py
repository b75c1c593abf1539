"""Index the words of messages, calls and names, which FTS5's own tokenizer finds, as on SQLite.

PostgreSQL's parser splits a text in other places (addresses, hyphens, numbers), and its `tsvector`
holds at most 16,383 positions and a megabyte
(https://www.postgresql.org/docs/current/textsearch-limitations.html, 2026-11-29). So each text is
split here, by the tokenizer that SQLite's index uses, and its words are kept in one column, with
blanks between them. An inverted index (GIN) finds the rows that have a word.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from hfs_cli.store.search import TOKENIZER
from hfs_cli.store.words import words

if TYPE_CHECKING:
    from hfs_cli.store.engine import Connection, Row

# An entry of the index holds at most 2,712 bytes, as PostgreSQL 15 says when it refuses a longer
# one (2026-11-29). What has more characters than this is not a word of any language: its beginning
# and a digest stand for it.
LONGEST = 200
_BEGINNING = 100


@cache
def _memory() -> sqlite3.Connection:
    """FTS5, in memory; one thread uses it at a time."""
    memory = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    memory.execute(
        f"CREATE VIRTUAL TABLE w USING fts5 (content, content = '', tokenize = '{TOKENIZER}')"
    )
    memory.execute("CREATE VIRTUAL TABLE found USING fts5vocab (w, instance)")
    return memory


def tokens(text: str) -> str:
    """The words of a text as they are indexed, with a blank between two."""
    memory = _memory()
    memory.execute("INSERT INTO w (rowid, content) VALUES (1, ?)", (words(text),))
    found = memory.execute("SELECT term FROM found ORDER BY offset")
    row = " ".join(_fitting(term) for (term,) in found)
    memory.execute("INSERT INTO w (w) VALUES ('delete-all')")
    return row


def _fitting(term: str) -> str:
    if len(term) <= LONGEST:
        return term
    digest = hashlib.sha256(term.encode()).hexdigest()[:32]
    return f"{term[:_BEGINNING]}{digest}"


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
