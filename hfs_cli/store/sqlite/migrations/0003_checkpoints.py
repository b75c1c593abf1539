"""Named and automatic points in sessions."""

from peewee import SqliteDatabase
from playhouse.migrate import SqliteMigrator

_TABLES = (
    """CREATE TABLE checkpoint (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        session_id INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        label TEXT,
        created_at INTEGER NOT NULL,
        UNIQUE (session_id, label)
    )""",
    "CREATE INDEX checkpoint_position ON checkpoint (session_id, position)",
)


def up(_migrator: SqliteMigrator, db: SqliteDatabase) -> None:
    """Make the table."""
    for statement in _TABLES:
        db.execute_sql(statement)
