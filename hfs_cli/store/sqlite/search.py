"""Find messages and names by their words, with FTS5."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from hfs_cli.store.engine import Connection
from hfs_cli.store.search import UNFINISHED, Dialect, Found, Place, checked, search_by

if TYPE_CHECKING:
    from hfs_cli.conversations import SearchFilter, SearchHit
    from hfs_cli.store.messages import Part

# A word in more messages than this says little about any of them, and ranking by it would mean
# reading all of them: a message must hold it, but it does not count towards the rank.
_COMMON = 5_000


def search(
    db: Connection, text: str, asked: SearchFilter | None, *, limit: int, raw: bool
) -> list[SearchHit]:
    """As `SessionStore.search`."""
    # While nothing is imported no row is left out, so that the index alone can rank: see `_best`.
    importing = db.execute_sql(f"{UNFINISHED} LIMIT 1").fetchone() is not None
    best = partial(_best, db)
    return search_by(_DIALECT, best, db, text, asked, limit=limit, raw=raw, importing=importing)


def _within(parts: list[Part]) -> tuple[str, list[object]]:
    # One value, however many sessions the transcript is made of.
    condition = (
        "EXISTS (SELECT 1 FROM json_each(?) l WHERE m.session_id = json_extract(l.value, '$[0]')"
        " AND m.position <= json_extract(l.value, '$[1]'))"
    )
    return condition, [json.dumps(parts)]


_DIALECT = Dialect("w.rowid", "instr", _within)


def _best(db: Connection, place: Place, phrases: Sequence[str], limit: int) -> Iterable[Found]:
    """Hits in an index, ranked by the words that are not common; the newest if all words are."""
    every = " ".join(phrases)
    few = f"SELECT count(*) FROM (SELECT 1 FROM {place.index} WHERE {place.index} MATCH ? LIMIT ?)"
    rare = " ".join(
        phrase
        for phrase in phrases
        if db.execute_sql(few, (phrase, _COMMON)).fetchone() != (_COMMON,)
    )
    if not rare:
        newest = (
            f"SELECT {place.columns}, 0.0 AS score FROM {place.index} w "
            f"{place.join} WHERE w.{place.index} MATCH ? {place.conditions} "
            "ORDER BY w.rowid DESC LIMIT ?"
        )
        return checked(db.execute_sql(newest, (every, *place.values, limit)))
    matching = f"SELECT rowid, bm25({place.index}) AS score FROM {place.index} "
    matching += f"WHERE {place.index} MATCH ?"
    parameters: list[object] = [rare]
    if rare != every:
        matching += f" AND rowid IN (SELECT rowid FROM {place.index} WHERE {place.index} MATCH ?)"
        parameters.append(every)
    if not place.conditions:
        # The rank comes from the index alone: rows are read only for the best hits.
        matching += " ORDER BY score LIMIT ?"
        parameters.append(limit)
    best = (
        f"SELECT {place.columns}, w.score FROM ({matching}) w {place.join} "
        f"WHERE 1 {place.conditions} ORDER BY w.score LIMIT ?"
    )
    return checked(db.execute_sql(best, (*parameters, *place.values, limit)))
