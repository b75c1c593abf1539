"""What is typed into a search, and what becomes of what an engine finds; its index is its own."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import NamedTuple, cast

from hfs_cli.conversations import SearchHit
from hfs_cli.errors import UsageError
from hfs_cli.messages import Role, Status
from hfs_cli.sanitize import sanitize_line
from hfs_cli.store import rows
from hfs_cli.store.engine import BadRow, Connection, Row
from hfs_cli.store.messages import pieces
from hfs_cli.store.rows import storable, to_datetime
from hfs_cli.store.snippets import snippet, terms
from hfs_cli.store.words import words

# How texts are taken apart into words: by FTS5, whichever engine keeps them.
TOKENIZER = "unicode61 remove_diacritics 2"
# How SQLite begins what it says of a query that is not one.
_QUERY_ERRORS = ("fts5:", "no such column", "unterminated", "unknown special", "unable")
_WORD = re.compile(r'"([^"]*)"|(\S+)')


def phrases_of(text: str, *, raw: bool) -> list[str]:
    """A query as FTS5 phrases that must all be there, or with `raw` the query itself.

    Raises:
        UsageError: There is no word in it.
    """
    return [words(storable(text))] if raw else plain_query(text)


def plain_query(text: str) -> list[str]:
    """What a user typed, as FTS5 phrases that must all be there.

    Words between double quotes stay together. Nothing in the text is an operator.

    Raises:
        UsageError: There is no word in it.
    """
    found = (quoted or word for quoted, word in _WORD.findall(storable(text)))
    phrases = [f'"{words(w).replace(chr(34), " ").strip()}"' for w in found if terms(w)]
    if not phrases:
        raise UsageError(f'nothing to search for in "{sanitize_line(text[:40])}": give a word')
    return phrases


def not_a_query(said: str) -> UsageError | None:
    """The error for what FTS5 said of a query, or None when it said something else."""
    if not said.startswith(_QUERY_ERRORS):
        return None
    return UsageError(f"not an FTS5 query: {said}; without --fts words are plain words")


class Found(NamedTuple):
    """What was found: a message, or a name where `id` is None."""

    session_id: int
    name: str
    id: int | None
    position: int | None
    role: Role | None
    status: Status | None
    created_at: int
    content: str
    score: float


def checked(found: Iterable[Row]) -> list[Found]:
    """Rows in the order of `Found`.

    Raises:
        BadRow: One of them is not what hfs writes.
    """
    hits = [Found(*row) for row in found]
    for row in hits:
        if not (isinstance(row.content, str) and isinstance(row.name, str)):
            raise BadRow("a message or a name that is not text")
        rows.numbers((row.session_id, row.created_at))
    return hits


def among_partial(db: Connection, found: Iterable[Found], match: str, limit: int) -> list[Found]:
    """Hits among replies that broke off or are still coming.

    They are few, and change every second while they come: they are indexed for the one
    query, in memory.

    Args:
        found: The partial replies, without what they have gained since.
        match: An FTS5 query.
    """
    by_id = {}
    for row in found:
        number = cast("int", row.id)
        content = row.content + "".join(text for text, _ in pieces(db, number))
        if content:
            by_id[number] = row._replace(content=content)
    if not by_id:
        return []
    scores = ranked({number: words(row.content) for number, row in by_id.items()}, match)
    return [by_id[number]._replace(score=score) for number, score in scores[:limit]]


def ranked(
    texts: Mapping[int, str], match: str, column: str = "content"
) -> list[tuple[int, float]]:
    """Which of the texts match, the best first, each with its bm25 score.

    Args:
        texts: Texts by number, as `words` leaves them.
        match: An FTS5 query.
        column: What a query may call the text.

    Raises:
        sqlite3.OperationalError: The query is not FTS5 syntax.
    """
    with closing(sqlite3.connect(":memory:")) as memory:
        memory.execute(
            f"CREATE VIRTUAL TABLE w USING fts5 ({column}, content = '', tokenize = '{TOKENIZER}')"
        )
        memory.executemany(f"INSERT INTO w (rowid, {column}) VALUES (?, ?)", texts.items())
        found = memory.execute("SELECT rowid, bm25(w) FROM w WHERE w MATCH ? ORDER BY 2", [match])
        return [(int(number), float(score)) for number, score in found]


def best_hits(found: list[Found], text: str, limit: int) -> list[SearchHit]:
    """The best of all that was found, wherever, as a user is shown them."""
    found.sort(key=lambda row: (row.score, -row.created_at))
    looked_for = terms(text)
    return [_hit(row, looked_for) for row in found[:limit]]


def _hit(row: Found, looked_for: Sequence[str]) -> SearchHit:
    text, spans = snippet(row.content, looked_for)
    return SearchHit(
        session_id=row.session_id,
        session_name=row.name,
        message_id=row.id,
        position=row.position,
        role=row.role,
        status=row.status,
        created_at=to_datetime(row.created_at),
        snippet=text,
        spans=spans,
        score=row.score,
    )
