"""An index for lists, which stand in order of time, wherever a session was used."""

from peewee import SqliteDatabase
from playhouse.migrate import SqliteMigrator


def up(_migrator: SqliteMigrator, db: SqliteDatabase) -> None:
    """Make it; where times are the same it ends with the id, as every index does."""
    db.execute_sql("CREATE INDEX session_activity ON session (updated_at)")
