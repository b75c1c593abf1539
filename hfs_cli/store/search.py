"""Search: what a user typed becomes a query, and what an engine's index finds becomes hits."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple, TypeAlias, cast

from peewee import OperationalError

from hfs_cli.conversations import SearchFilter, SearchHit
from hfs_cli.errors import UsageError
from hfs_cli.messages import Role, Status
from hfs_cli.sanitize import sanitize_line
from hfs_cli.store import rows
from hfs_cli.store.engine import BadRow, Connection, Row
from hfs_cli.store.messages import Part, lineage, with_pieces
from hfs_cli.store.rows import LARGEST, storable, to_datetime, to_microseconds
from hfs_cli.store.snippets import snippet, terms
from hfs_cli.store.words import CALL, words

# How FTS5 splits texts into words, whichever engine keeps them.
TOKENIZER = "unicode61 remove_diacritics 2"
# How SQLite's messages about a query with an error begin.
_QUERY_ERRORS = ("fts5:", "no such column", "unterminated", "unknown special", "unable")
_WORD = re.compile(r'"([^"]*)"|(\S+)')

UNFINISHED = "SELECT id FROM import WHERE ended_at IS NULL"
_SHOWN = f" AND (s.import_id IS NULL OR s.import_id NOT IN ({UNFINISHED}))"


class Dialect(NamedTuple):
    """What the engines write in SQL of their own.

    Args:
        number: The column of an index `w` with the id of the row whose words it holds.
        find: The function that returns where in a text another one begins, from 1.
        within: Returns the condition that a message `m` is in a transcript, and its values.
    """

    number: str
    find: str
    within: Callable[[list[Part]], tuple[str, list[object]]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where to search: an index of words, and the rows whose words it holds.

    Args:
        index: The table of words, which the other arguments call `w`.
        column: The index's column, by which a raw query may name it.
        columns: What to read, in the order of `Found`.
        join: The tables to read it from.
        conditions: Conditions on the rows, each beginning with AND.
        values: The values of the conditions.
    """

    index: str
    column: str
    columns: str
    join: str
    conditions: str
    values: tuple[object, ...] = ()


# Finds the rows of a place that hold all of the phrases: the best ones, at most so many.
Best: TypeAlias = "Callable[[Place, Sequence[str], int], Iterable[Found]]"


def search_by(
    dialect: Dialect,
    best: Best,
    db: Connection,
    text: str,
    asked: SearchFilter | None,
    *,
    limit: int,
    raw: bool,
    importing: bool = True,
) -> list[SearchHit]:
    """The messages and names that hold the words, the best first.

    Args:
        text: Plain words, or with `raw` an FTS5 query.
        asked: What a message must be to be found; None for any, and for names, too.
        importing: An import may be bringing rows, which are left out.

    Raises:
        UsageError: There is no word in it, or the raw query is not FTS5 syntax.
    """
    limit = min(limit, LARGEST)
    phrases = [words(storable(text))] if raw else _plain_query(text)
    shown = db.own_sessions + (_SHOWN if importing else "")
    places = _places(db, asked or SearchFilter(), dialect, shown)
    words_sought = terms(text)
    hits: list[SearchHit] = []
    try:
        # As they are read: the texts of all hits may be far more than what is shown of them.
        for place in places:
            hits += (_hit(row, words_sought) for row in best(place, phrases, limit))
        partial = _among_partial(db, places[0], " ".join(phrases), limit)
        hits += (_hit(row, words_sought) for row in partial)
    except (OperationalError, sqlite3.OperationalError) as error:
        if raw and (unusable := _not_a_query(str(error.args[-1]))):
            raise unusable from error
        raise
    hits.sort(key=attrgetter("created_at"), reverse=True)
    hits.sort(key=attrgetter("score"))
    return hits[:limit]


def _places(db: Connection, asked: SearchFilter, dialect: Dialect, shown: str) -> list[Place]:
    """Messages, calls of tools (with the role of a tool), and names if no filter is given."""
    conditions, values = _filters(db, asked, dialect)

    def place(index: str, role: str, content: str, join: str) -> Place:
        return Place(
            index,
            "content",
            f"m.session_id, s.name, m.id, m.position, {role}, m.status, m.created_at, {content},"
            " s.owner",
            f"{join} JOIN session s ON s.id = m.session_id",
            conditions.replace("{role}", role) + shown,
            values,
        )

    number = dialect.number
    call = f"JOIN tool_call ON tool_call.id = {number} JOIN message m ON m.id = message_id"
    places = [
        place("message_words", "m.role", "m.content", f"JOIN message m ON m.id = {number}"),
        place("call_words", "'tool'", CALL, call),
    ]
    if asked == SearchFilter():
        columns = "s.id, s.name, NULL, NULL, NULL, NULL, s.updated_at, s.name, s.owner"
        names = Place("session_words", "name", columns, f"JOIN session s ON s.id = {number}", shown)
        places.append(names)
    return places


def _filters(
    db: Connection, asked: SearchFilter, dialect: Dialect
) -> tuple[str, tuple[object, ...]]:
    """The conditions on a message `m`, whose role is ``{role}``, and their values."""
    conditions: list[str] = []
    values: list[object] = []
    if asked.session_id is not None:
        condition, values = dialect.within(lineage(db, asked.session_id))
        conditions.append(condition)
    value = db.param
    model_id = f"substr(m.model, {dialect.find}(m.model, '/') + 1)"
    for condition, wanted in (
        (f"{{role}} = {value}", asked.role),
        (f"m.created_at >= {value}", asked.since and to_microseconds(asked.since)),
        (f"m.created_at < {value}", asked.until and to_microseconds(asked.until)),
        (f"{value} IN (m.model, {model_id})", asked.model),
    ):
        if wanted is not None:
            conditions.append(condition)
            values.append(wanted)
    return "".join(f" AND {condition}" for condition in conditions), tuple(values)


def _plain_query(text: str) -> list[str]:
    """What a user typed, as FTS5 phrases that a text must all hold.

    Words between double quotes stay together. Nothing in the text is an operator.

    Raises:
        UsageError: There is no word in it.
    """
    found = (quoted or word for quoted, word in _WORD.findall(storable(text)))
    phrases = [f'"{words(w).replace(chr(34), " ").strip()}"' for w in found if terms(w)]
    if not phrases:
        raise UsageError(f'nothing to search for in "{sanitize_line(text[:40])}": give a word')
    return phrases


def _not_a_query(said: str) -> UsageError | None:
    """The error for FTS5's message about a query, or None for any other message."""
    if not said.startswith(_QUERY_ERRORS):
        return None
    return UsageError(f"not an FTS5 query: {said}; without --fts words are plain words")


class Found(NamedTuple):
    """A message that was found, or a name, whose `id` is None."""

    session_id: int
    name: str
    id: int | None
    position: int | None
    role: Role | None
    status: Status | None
    created_at: int
    content: str
    owner: str
    score: float


def checked(found: Iterable[Row]) -> Iterator[Found]:
    """Rows in the order of `Found`, as they are read.

    Raises:
        BadRow: One of them is not what hfs writes.
    """
    for row in map(Found._make, found):
        if not (isinstance(row.content, str) and isinstance(row.name, str)):
            raise BadRow("a message or a name that is not text")
        rows.numbers((row.session_id, row.created_at))
        yield row


def _among_partial(db: Connection, messages: Place, match: str, limit: int) -> list[Found]:
    """Hits among replies that broke off or are still coming.

    They are few, and change every second while they come, so they are indexed in memory for this
    one query.

    Args:
        match: An FTS5 query.
    """
    partial = db.execute_sql(
        f"SELECT {messages.columns}, CAST(0 AS double precision) FROM message m "
        "JOIN session s ON s.id = m.session_id "
        f"WHERE m.status = 'partial' {messages.conditions}",
        messages.values,
    )
    by_id = {}
    for row in checked(partial):
        number = cast("int", row.id)
        content, _ = with_pieces(db, number, row.content, "")
        if content:
            by_id[number] = row._replace(content=content)
    if not by_id:
        return []
    scores = ranked({number: words(row.content) for number, row in by_id.items()}, match)
    return [by_id[number]._replace(score=score) for number, score in scores[:limit]]


def ranked(
    texts: Mapping[int, str], match: str, column: str = "content"
) -> list[tuple[int, float]]:
    """The numbers of the texts that match, the best first, each with its bm25 score.

    Args:
        texts: Texts by number, as `words` returns them.
        match: An FTS5 query.
        column: The name by which a query may call the text.

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


def _hit(row: Found, words_sought: Sequence[str]) -> SearchHit:
    text, spans = snippet(row.content, words_sought)
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
        owner=row.owner,
    )
