"""Copy and shrink the file."""

import os
from pathlib import Path

from hfs_cli.errors import StoreError, UsageError
from hfs_cli.store.sqlite import migrate
from hfs_cli.store.sqlite.database import Database
from hfs_cli.store.sqlite.faults import store_errors


def back_up(database: Database, target: Path) -> None:
    """Copy the database to a new private file.

    Raises:
        UsageError: There is something of that name.
        StoreError: There is no database yet, it is damaged, or the copy cannot be written.
    """
    if os.path.lexists(target):
        raise UsageError(f"{target} exists: choose another name")
    if not database.exists():
        raise StoreError(f"there is no database yet at {database.path}")
    # Opened first: a database that is not ours to use is not copied either.
    with database.reading():
        pass
    with store_errors(database.path):
        migrate.back_up(database.path, target, replace=False)


def vacuum(database: Database) -> int:
    """Shrink the file to what it holds; the bytes gained."""
    if not database.exists():
        return 0
    with database.autocommitting() as db:
        # What is still in the log counts as well: it is copied into the file first.
        db.execute_sql("PRAGMA wal_checkpoint (TRUNCATE)")
        before = database.path.stat().st_size
        for index in ("message_words", "session_words"):
            db.execute_sql(f"INSERT INTO {index} ({index}) VALUES ('optimize')")
        db.execute_sql("VACUUM")
        db.execute_sql("PRAGMA wal_checkpoint (TRUNCATE)")
    return before - database.path.stat().st_size
