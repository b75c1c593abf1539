"""A full-text index in memory, for one query."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing

from peewee import OperationalError


def ranked(texts: Mapping[int, str], match: str) -> list[tuple[int, float]]:
    """Which of the texts match, the best first, each with its bm25 score.

    Args:
        texts: Texts by number, as `hfs_cli.store.sqlite.indexing.words` leaves them.
        match: An FTS5 query.

    Raises:
        OperationalError: The query is not FTS5 syntax.
    """
    with closing(sqlite3.connect(":memory:")) as memory:
        memory.execute(
            "CREATE VIRTUAL TABLE w USING fts5 "
            "(content, content = '', tokenize = 'unicode61 remove_diacritics 2')"
        )
        memory.executemany("INSERT INTO w (rowid, content) VALUES (?, ?)", texts.items())
        try:
            found = memory.execute(
                "SELECT rowid, bm25(w) FROM w WHERE w MATCH ? ORDER BY 2", [match]
            )
            return [(int(number), float(score)) for number, score in found]
        except sqlite3.OperationalError as error:
            raise OperationalError(*error.args) from error
