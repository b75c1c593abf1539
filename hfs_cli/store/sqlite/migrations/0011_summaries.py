"""Summaries: messages that stand for those before them in what a model is given."""

from peewee import SqliteDatabase
from playhouse.migrate import SqliteMigrator


def up(_migrator: SqliteMigrator, db: SqliteDatabase) -> None:
    """Add the column; what was kept before stands for itself."""
    db.execute_sql("ALTER TABLE message ADD COLUMN stands_for INTEGER")
