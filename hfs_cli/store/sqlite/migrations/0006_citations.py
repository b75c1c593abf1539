"""The sources that a reply names, as JSON beside its text."""

from peewee import SqliteDatabase
from playhouse.migrate import SqliteMigrator


def up(_migrator: SqliteMigrator, db: SqliteDatabase) -> None:
    """Add the column; what was kept before names none."""
    db.execute_sql("ALTER TABLE message ADD COLUMN citations TEXT")
