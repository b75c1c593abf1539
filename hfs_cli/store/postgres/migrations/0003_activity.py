"""An index for lists, which stand in order of time, wherever a session was used."""

from peewee import PostgresqlDatabase
from playhouse.migrate import PostgresqlMigrator


def up(_migrator: PostgresqlMigrator, db: PostgresqlDatabase) -> None:
    """Make it."""
    db.execute_sql("CREATE INDEX session_activity ON session (owner, updated_at, id)")
