"""Find messages and names by their words: an inverted index says which may, FTS5 which do."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hfs_cli.conversations import SearchFilter, SearchHit
from hfs_cli.store.messages import lineage
from hfs_cli.store.postgres.indexing import LONGEST, tokens
from hfs_cli.store.rows import LARGEST, to_microseconds
from hfs_cli.store.search import (
    Found,
    among_partial,
    best_hits,
    checked,
    not_a_query,
    phrases_of,
    ranked,
)
from hfs_cli.store.words import CALL

if TYPE_CHECKING:
    from hfs_cli.store.postgres.connection import PostgresConnection

# The newest that hold the words are ranked: all would have to be read for it.
_RANKED = 200
# Characters of a text that its rank is made of.
_WEIGHED = 20_000
# Texts that a raw query is tried on at a time.
_TRIED = 500
# The words of a raw query that only says which must be there, all of them.
_ALL_OF = re.compile(r'\s*(?:(?:"[^"]*"|\w+)(?:\s+AND\b)?\s*)+')
_PART = re.compile(r'"[^"]*"|\w+')
_TOO_LONG = re.compile(rf"[^\W_]{{{LONGEST + 1},}}")


def search(
    db: PostgresConnection, text: str, asked: SearchFilter | None, *, limit: int, raw: bool
) -> list[SearchHit]:
    """The messages and names that hold the words, the best first.

    Args:
        text: Plain words, or with `raw` an FTS5 query.
        asked: What a found message must be; None for any, and names too.

    Raises:
        UsageError: There is no word in it, or the raw query is not FTS5 syntax.
    """
    limit = min(limit, LARGEST)
    phrases = phrases_of(text, raw=raw)
    match = " ".join(phrases)
    # As the index has them.
    shortened = _TOO_LONG.sub(lambda word: tokens(word[0]), match)
    asked = asked or SearchFilter()
    messages, calls, names = _places(db, asked)
    places = [messages, calls, names] if asked == SearchFilter() else [messages, calls]
    found: list[Found] = []
    try:
        for place in places:
            found += _best(db, place, shortened, None if raw else phrases, limit)
        found += among_partial(db, _partial(db, messages), match, limit)
    except sqlite3.OperationalError as error:
        if raw and (unusable := not_a_query(str(error.args[-1]))):
            raise unusable from error
        raise
    return best_hits(found, text, limit)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where to search: rows of words, and the rows that they are the words of.

    Args:
        index: The table of words; `w` in the rest refers to it.
        column: What FTS5 calls the text, in a query that names it.
        columns: What to read.
        join: The tables to read it from.
        conditions: What a row must be, each beginning with AND.
        values: Values of the conditions.
    """

    index: str
    column: str
    columns: str
    join: str
    conditions: str
    values: tuple[object, ...]


def _places(db: PostgresConnection, asked: SearchFilter) -> tuple[_Place, _Place, _Place]:
    """Where messages are found, calls of tools, which have the role of a tool, and names."""
    conditions: list[str] = []
    values: list[object] = []
    if asked.session_id is not None:
        parts = lineage(db, asked.session_id)
        conditions.append(
            "EXISTS (SELECT 1 FROM unnest(%s::bigint[], %s::bigint[]) AS l (session_id, upto)"
            " WHERE l.session_id = m.session_id AND m.position <= l.upto)"
        )
        values += [[part.session_id for part in parts], [part.upto for part in parts]]
    for condition, value in (
        ("{role} = %s", asked.role),
        ("m.created_at >= %s", asked.since and to_microseconds(asked.since)),
        ("m.created_at < %s", asked.until and to_microseconds(asked.until)),
        ("%s IN (m.model, substr(m.model, strpos(m.model, '/') + 1))", asked.model),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    hidden = (
        " AND (s.import_id IS NULL OR s.import_id NOT IN"
        " (SELECT id FROM import WHERE ended_at IS NULL))"
    )
    stated = "".join(f" AND {condition}" for condition in conditions) + hidden

    def place(index: str, role: str, content: str, join: str) -> _Place:
        return _Place(
            index,
            "content",
            f"m.session_id, s.name, m.id, m.position, {role}, m.status, m.created_at, {content}",
            f"{join} JOIN session s ON s.id = m.session_id",
            stated.replace("{role}", role),
            tuple(values),
        )

    call = "JOIN tool_call ON tool_call.id = w.id JOIN message m ON m.id = tool_call.message_id"
    return (
        place("message_words", "m.role", "m.content", "JOIN message m ON m.id = w.id"),
        place("call_words", "'tool'", CALL, call),
        _Place(
            "session_words",
            "name",
            "s.id, s.name, NULL, NULL, NULL, NULL, s.updated_at, s.name",
            "JOIN session s ON s.id = w.id",
            hidden,
            (),
        ),
    )


def _best(
    db: PostgresConnection, place: _Place, match: str, phrases: Sequence[str] | None, limit: int
) -> list[Found]:
    """Hits in an index: of the newest the best first, the others after them.

    Args:
        match: An FTS5 query.
        phrases: The phrases that it consists of, or None when it is anything.
    """
    if phrases is None:
        candidates = list(_tried(db, place, match, max(limit, _RANKED)))
    else:
        condition, values = _holding(phrases)
        newest = (
            f"SELECT w.id, left(w.words, {_WEIGHED}) FROM {place.index} w {place.join}"
            f" WHERE {condition} {place.conditions} ORDER BY w.id DESC LIMIT %s"
        )
        rows = db.execute_sql(newest, (*values, *place.values, max(limit, _RANKED)))
        candidates = [(int(number), words) for number, words in rows]
    scores = dict(_scores(dict(candidates[:_RANKED]), match, place.column))
    best = sorted(candidates, key=lambda one: (scores.get(one[0], 0.0), -one[0]))[:limit]
    if not best:
        return []
    numbers = [number for number, _ in best]
    rows = db.execute_sql(
        f"SELECT w.id, {place.columns} FROM {place.index} w {place.join} WHERE w.id = ANY(%s)",
        (numbers,),
    )
    return checked((*row[1:], scores.get(row[0], 0.0)) for row in rows)


def _holding(phrases: Sequence[str]) -> tuple[str, list[object]]:
    """The condition that all phrases are there, and its values."""
    # A phrase of signs alone says nothing, as for FTS5.
    each = [row for row in map(tokens, phrases) if row]
    if not each:
        return "false", []
    conditions = ["string_to_array(w.words, ' ') @> string_to_array(%s, ' ')"]
    values: list[object] = [" ".join(dict.fromkeys(" ".join(each).split(" ")))]
    for phrase in each:
        if " " in phrase:
            conditions.append("strpos(' ' || w.words || ' ', %s) > 0")
            values.append(f" {phrase} ")
    return " AND ".join(conditions), values


def _scores(texts: dict[int, str], match: str, column: str) -> list[tuple[int, float]]:
    return ranked(texts, match, column) if texts else []


def _tried(
    db: PostgresConnection, place: _Place, match: str, limit: int
) -> Iterator[tuple[int, str]]:
    """The newest texts that a raw query fits, which is tried on each that may.

    Raises:
        sqlite3.OperationalError: It is not FTS5 syntax.
    """
    ranked({0: ""}, match, place.column)
    condition, values = "true", list[object]()
    words = _PART.findall(match)
    if _ALL_OF.fullmatch(match) and not {"OR", "NOT", "NEAR"} & {*words}:
        condition, values = _holding([word for word in words if word != "AND"])
    found = 0
    last = LARGEST
    while found < limit:
        rows = list(
            db.execute_sql(
                f"SELECT w.id, w.words FROM {place.index} w {place.join}"
                f" WHERE w.id < %s AND {condition} {place.conditions}"
                f" ORDER BY w.id DESC LIMIT {_TRIED}",
                (last, *values, *place.values),
            )
        )
        if not rows:
            return
        last = int(rows[-1][0])
        fitting = {number for number, _ in ranked(dict(rows), match, place.column)}
        for number, words in rows:
            if number in fitting and found < limit:
                found += 1
                yield number, words


def _partial(db: PostgresConnection, place: _Place) -> list[Found]:
    """Replies that broke off or are still coming."""
    return checked(
        db.execute_sql(
            f"SELECT {place.columns}, 0.0::double precision FROM message m "
            f"JOIN session s ON s.id = m.session_id WHERE m.status = 'partial' {place.conditions}",
            place.values,
        )
    )
