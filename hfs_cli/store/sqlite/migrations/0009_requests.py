"""Which request a reply answered, for replies that may answer it again."""

from peewee import SqliteDatabase
from playhouse.migrate import SqliteMigrator

_STATEMENTS = (
    """CREATE TABLE request (
        message_id INTEGER PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
        sha256 TEXT NOT NULL
    )""",
    "CREATE INDEX request_sha256 ON request (sha256)",
)


def up(_migrator: SqliteMigrator, db: SqliteDatabase) -> None:
    """Make the table; of the replies so far nobody knows what exactly was asked."""
    for statement in _STATEMENTS:
        db.execute_sql(statement)
