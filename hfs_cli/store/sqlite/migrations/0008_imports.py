"""Imports, whose sessions are shown when all have come; imported sessions in order of time.

Sessions that were only ever imported were numbered down from 0, and each import numbered all of
them anew. Their number is now a time, in microseconds, far below 0: another one fits in between.
"""

from peewee import SqliteDatabase
from playhouse.migrate import SqliteMigrator

_TABLES = (
    """CREATE TABLE import (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        started_at INTEGER NOT NULL,
        ended_at INTEGER
    )""",
    "ALTER TABLE session ADD COLUMN import_id INTEGER REFERENCES import (id)",
    "CREATE INDEX session_import ON session (import_id) WHERE import_id IS NOT NULL",
)
# As `hfs_cli.store.sessions.BEFORE_ALL_USE` was when this was released.
_BEFORE_ALL_USE = 2**60


def up(_migrator: SqliteMigrator, db: SqliteDatabase) -> None:
    """Make the table, and number what was imported by its times."""
    for statement in _TABLES:
        db.execute_sql(statement)
    imported = "SELECT id, updated_at FROM session WHERE use_seq <= 0 ORDER BY use_seq"
    last = None
    for number, updated_at in db.execute_sql(imported).fetchall():
        # Their order stays, whatever a clock has done to the times.
        place = updated_at - _BEFORE_ALL_USE
        last = place if last is None else max(place, last + 1)
        db.execute_sql("UPDATE session SET use_seq = ? WHERE id = ?", (last, number))
