"""Find messages and names by their words."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace

from peewee import OperationalError

from hfs_cli.conversations import SearchFilter, SearchHit
from hfs_cli.store.engine import Connection
from hfs_cli.store.messages import lineage
from hfs_cli.store.rows import LARGEST, to_microseconds
from hfs_cli.store.search import Found, among_partial, best_hits, checked, not_a_query, phrases_of
from hfs_cli.store.words import CALL

# A word in more messages than this says little about any of them, and ranking by it means
# reading all of them: it still has to be there, but does not weigh.
_COMMON = 5_000


def search(
    db: Connection, text: str, asked: SearchFilter | None, *, limit: int, raw: bool
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
    asked = asked or SearchFilter()
    hidden = _hidden(db)
    messages, calls = _places(db, asked, hidden)
    try:
        found = _best(db, messages, phrases, limit) + _best(db, calls, phrases, limit)
        found += among_partial(db, _partial(db, messages), " ".join(phrases), limit)
        if asked == SearchFilter():
            found += _best(db, replace(_NAMES, conditions=hidden), phrases, limit)
    except (OperationalError, sqlite3.OperationalError) as error:
        if raw and (unusable := not_a_query(str(error.args[-1]))):
            raise unusable from error
        raise
    return best_hits(found, text, limit)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where to search: a full-text index and the rows behind it.

    Args:
        index: The FTS5 table; `w.rowid` in the rest refers to it.
        within: A WITH clause, or nothing.
        columns: What to read.
        join: The tables to read it from.
        conditions: More conditions, each beginning with AND.
        before: Values of the WITH clause.
        values: Values of the conditions.
    """

    index: str
    columns: str
    join: str
    within: str = ""
    conditions: str = ""
    before: tuple[object, ...] = ()
    values: tuple[object, ...] = ()


_NAMES = _Place(
    "session_words",
    "s.id AS session_id, s.name, NULL AS id, NULL AS position, NULL AS role, NULL AS status, "
    "s.updated_at AS created_at, s.name AS content",
    "JOIN session s ON s.id = w.rowid",
)


def _fetch(db: Connection, sql: str, parameters: Sequence[object]) -> list[Found]:
    return checked(db.execute_sql(sql, parameters))


def _hidden(db: Connection) -> str:
    """A condition that leaves out what an import is bringing; nothing while there is none."""
    unfinished = "SELECT id FROM import WHERE ended_at IS NULL"
    if db.execute_sql(f"{unfinished} LIMIT 1").fetchone() is None:
        return ""
    return f" AND (s.import_id IS NULL OR s.import_id NOT IN ({unfinished}))"


def _places(db: Connection, asked: SearchFilter, hidden: str) -> tuple[_Place, _Place]:
    """Where messages are found, and calls of tools: what a tool says has the role of a tool."""
    within = ""
    before: tuple[object, ...] = ()
    conditions: list[str] = []
    values: list[object] = []
    if asked.session_id is not None:
        # One value however many sessions the transcript is made of.
        before = (json.dumps(lineage(db, asked.session_id)),)
        within = (
            "WITH lineage (session_id, upto) AS (SELECT json_extract(value, '$[0]'),"
            " json_extract(value, '$[1]') FROM json_each(?))"
        )
        conditions.append(
            "EXISTS (SELECT 1 FROM lineage l"
            " WHERE l.session_id = m.session_id AND m.position <= l.upto)"
        )
    for condition, value in (
        ("{role} = ?", asked.role),
        ("m.created_at >= ?", asked.since and to_microseconds(asked.since)),
        ("m.created_at < ?", asked.until and to_microseconds(asked.until)),
        ("? IN (m.model, substr(m.model, instr(m.model, '/') + 1))", asked.model),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    stated = "".join(f" AND {condition}" for condition in conditions) + hidden

    def place(index: str, role: str, content: str, join: str) -> _Place:
        return _Place(
            index,
            f"m.session_id, s.name, m.id, m.position, {role}, m.status, m.created_at, {content}",
            f"{join} JOIN session s ON s.id = m.session_id",
            within,
            stated.replace("{role}", role),
            before,
            tuple(values),
        )

    call = "JOIN tool_call ON tool_call.id = w.rowid JOIN message m ON m.id = tool_call.message_id"
    return (
        place("message_words", "m.role", "m.content", "JOIN message m ON m.id = w.rowid"),
        place("call_words", "'tool'", CALL, call),
    )


def _best(db: Connection, place: _Place, phrases: Sequence[str], limit: int) -> list[Found]:
    """Hits in an index: ranked by the words that are not everywhere, or else the newest."""
    every = " ".join(phrases)
    few = f"SELECT count(*) FROM (SELECT 1 FROM {place.index} WHERE {place.index} MATCH ? LIMIT ?)"
    rare = " ".join(
        phrase
        for phrase in phrases
        if db.execute_sql(few, (phrase, _COMMON)).fetchone() != (_COMMON,)
    )
    if not rare:
        return _fetch(
            db,
            f"{place.within} SELECT {place.columns}, 0.0 AS score FROM {place.index} w "
            f"{place.join} WHERE w.{place.index} MATCH ? {place.conditions} "
            "ORDER BY w.rowid DESC LIMIT ?",
            (*place.before, every, *place.values, limit),
        )
    matching = f"SELECT rowid, bm25({place.index}) AS score FROM {place.index} "
    matching += f"WHERE {place.index} MATCH ?"
    parameters: list[object] = [*place.before, rare]
    if rare != every:
        matching += f" AND rowid IN (SELECT rowid FROM {place.index} WHERE {place.index} MATCH ?)"
        parameters.append(every)
    if not place.conditions:
        # The rank needs the index alone: rows are read for the best ones only.
        matching += " ORDER BY score LIMIT ?"
        parameters.append(limit)
    return _fetch(
        db,
        f"{place.within} SELECT {place.columns}, w.score FROM ({matching}) w {place.join} "
        f"WHERE 1 {place.conditions} ORDER BY w.score LIMIT ?",
        (*parameters, *place.values, limit),
    )


def _partial(db: Connection, place: _Place) -> list[Found]:
    """Replies that broke off or are still coming."""
    return _fetch(
        db,
        f"{place.within} SELECT {place.columns}, 0.0 FROM message m "
        "JOIN session s ON s.id = m.session_id "
        f"WHERE m.status = 'partial' {place.conditions}",
        (*place.before, *place.values),
    )
