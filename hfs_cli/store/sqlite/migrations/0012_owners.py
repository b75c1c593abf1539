"""Owners, which only sessions on a server have: in a file the column is empty.

The tables of both engines are alike, so that one query serves both.
"""

from peewee import SqliteDatabase
from playhouse.migrate import SqliteMigrator

_STATEMENTS = (
    "ALTER TABLE import ADD COLUMN owner TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE session ADD COLUMN owner TEXT NOT NULL DEFAULT ''",
    # A key cannot be changed: on a server each owner deletes their own. Its columns come
    # first: where they did not, integrity_check of SQLite 3.40 found NULLs in the one before them.
    """CREATE TABLE deleted_anew (
        uid TEXT NOT NULL,
        owner TEXT NOT NULL DEFAULT '',
        seen_at INTEGER NOT NULL,
        PRIMARY KEY (uid, owner)
    ) WITHOUT ROWID""",
    "INSERT INTO deleted_anew (uid, seen_at) SELECT uid, seen_at FROM deleted",
    "DROP TABLE deleted",
    "ALTER TABLE deleted_anew RENAME TO deleted",
)


def up(_migrator: SqliteMigrator, db: SqliteDatabase) -> None:
    """Add the columns."""
    for statement in _STATEMENTS:
        db.execute_sql(statement)
