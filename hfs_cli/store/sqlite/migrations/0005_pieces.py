"""Pieces of replies that are still coming, or whose process was killed.

What has come since the last save is added as a row: the text before it is not written again.
The last write of a turn puts the whole text into its message and takes the pieces away.
"""

from peewee import SqliteDatabase
from playhouse.migrate import SqliteMigrator

_TABLES = (
    """CREATE TABLE piece (
        id INTEGER PRIMARY KEY,
        message_id INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
        content TEXT NOT NULL,
        reasoning TEXT NOT NULL
    )""",
    "CREATE INDEX piece_message ON piece (message_id)",
)


def up(_migrator: SqliteMigrator, db: SqliteDatabase) -> None:
    """Make the table."""
    for statement in _TABLES:
        db.execute_sql(statement)
