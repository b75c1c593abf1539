"""Find messages and names by their words: an inverted index has candidates, FTS5 decides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from hfs_cli.store.postgres.indexing import LONGEST, tokens
from hfs_cli.store.rows import LARGEST
from hfs_cli.store.search import Dialect, Found, Place, checked, ranked, search_by

if TYPE_CHECKING:
    from hfs_cli.conversations import SearchFilter, SearchHit
    from hfs_cli.store.messages import Part
    from hfs_cli.store.postgres.connection import PostgresConnection

# How many hits are ranked, the newest ones: ranking all of them would mean reading them all.
_RANKED = 200
# How many characters of a text count towards its rank.
_WEIGHED = 20_000
# How many texts a raw query is tried on at a time.
_TRIED = 500
# A raw query that only lists words and phrases which a text must all hold.
_ALL_OF = re.compile(r'\s*(?:(?:"[^"]*"|\w+)(?:\s+AND\b)?\s*)+')
_PART = re.compile(r'"[^"]*"|\w+')
_TOO_LONG = re.compile(rf"[^\W_]{{{LONGEST + 1},}}")


def search(
    db: PostgresConnection, text: str, asked: SearchFilter | None, *, limit: int, raw: bool
) -> list[SearchHit]:
    """As `SessionStore.search`."""

    def best(place: Place, phrases: Sequence[str], limit: int) -> Iterable[Found]:
        # A long word is in the index by its beginning and a digest.
        match = _TOO_LONG.sub(lambda word: tokens(word[0]), " ".join(phrases))
        return _best(db, place, match, None if raw else phrases, limit)

    return search_by(_DIALECT, best, db, text, asked, limit=limit, raw=raw)


def _within(parts: list[Part]) -> tuple[str, list[object]]:
    condition = (
        "EXISTS (SELECT 1 FROM unnest(%s::bigint[], %s::bigint[]) AS l (session_id, upto)"
        " WHERE l.session_id = m.session_id AND m.position <= l.upto)"
    )
    return condition, [[part.session_id for part in parts], [part.upto for part in parts]]


_DIALECT = Dialect("w.id", "strpos", _within)


def _best(
    db: PostgresConnection, place: Place, match: str, phrases: Sequence[str] | None, limit: int
) -> Iterable[Found]:
    """Hits in an index: the newest ones, ranked, then the others.

    Args:
        match: An FTS5 query.
        phrases: The phrases that it consists of, or None for a raw query.
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
    if not candidates:
        return []
    scores = dict(ranked(dict(candidates[:_RANKED]), match, place.column))
    best = sorted(candidates, key=lambda one: (scores.get(one[0], 0.0), -one[0]))[:limit]
    numbers = [number for number, _ in best]
    rows = db.execute_sql(
        f"SELECT w.id, {place.columns} FROM {place.index} w {place.join} WHERE w.id = ANY(%s)",
        (numbers,),
    )
    return checked((*row[1:], scores.get(row[0], 0.0)) for row in rows)


def _holding(phrases: Sequence[str]) -> tuple[str, list[object]]:
    """The condition that a text holds all of the phrases, and its values."""
    # A phrase of punctuation alone is no condition, as for FTS5.
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


def _tried(
    db: PostgresConnection, place: Place, match: str, limit: int
) -> Iterator[tuple[int, str]]:
    """The newest texts that a raw query matches; it is tried on each text that might.

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
