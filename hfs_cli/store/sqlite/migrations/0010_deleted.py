"""The uids of what was deleted, so that an import does not bring it back.

The uid alone, and a time: nothing tells what it was. Named checkpoints have a uid made of theirs.
"""

from peewee import SqliteDatabase
from playhouse.migrate import SqliteMigrator


def up(_migrator: SqliteMigrator, db: SqliteDatabase) -> None:
    """Make the table."""
    db.execute_sql(
        "CREATE TABLE deleted (uid TEXT NOT NULL PRIMARY KEY, seen_at INTEGER NOT NULL)"
        " WITHOUT ROWID"
    )
