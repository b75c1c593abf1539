"""Look the whole database over."""

from peewee import SqliteDatabase


def problems(db: SqliteDatabase) -> list[str]:
    """What is wrong with the database, one line each; empty when all is well.

    Opening it has already checked whose it is and its schema version.
    """
    found = [
        f"integrity: {row[0]}" for row in db.execute_sql("PRAGMA integrity_check") if row[0] != "ok"
    ]
    found += [
        f"row {row[1]} of {row[0]} refers to a missing row of {row[2]}"
        for row in db.execute_sql("PRAGMA foreign_key_check")
    ]
    found += [
        f"session {row[0]} says it holds {row[1]} messages but {row[2]} are there"
        for row in db.execute_sql(_COUNTS)
    ]
    return found + _index_problems(db)


def _index_problems(db: SqliteDatabase) -> list[str]:
    """Whether what is complete, and nothing else, is indexed."""
    return [
        f"the search index of {name}s has {indexed} entries for {there}"
        for name, index, rows in (
            ("message", "message_words", "message WHERE status = 'complete'"),
            ("session", "session_words", "session"),
        )
        for indexed, there in db.execute_sql(
            f"SELECT (SELECT count(*) FROM {index}_docsize), (SELECT count(*) FROM {rows})"
        )
        if indexed != there
    ]


# A transcript is the shared messages and the session's own, without gaps.
_COUNTS = """
SELECT s.id, s.message_count, coalesce(s.fork_position, 0) + count(m.id) AS there
FROM session s LEFT JOIN message m ON m.session_id = s.id
GROUP BY s.id
HAVING there <> s.message_count
    OR coalesce(max(m.position), s.message_count) <> s.message_count
    OR coalesce(min(m.position), there + 1) <> coalesce(s.fork_position, 0) + 1
"""
