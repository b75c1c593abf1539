"""Replies by time: what was spent today is asked before each turn where there is a budget."""

from peewee import SqliteDatabase
from playhouse.migrate import SqliteMigrator


def up(_migrator: SqliteMigrator, db: SqliteDatabase) -> None:
    """Make the index."""
    db.execute_sql("CREATE INDEX message_time ON message (created_at) WHERE role = 'assistant'")
