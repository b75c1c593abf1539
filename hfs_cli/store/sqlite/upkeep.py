"""Look the database over, copy it, shrink it."""

import os
import stat
from pathlib import Path

from peewee import SqliteDatabase

from hfs_cli.errors import StoreError, UsageError
from hfs_cli.files import PRIVATE_DIRECTORY, PRIVATE_FILE
from hfs_cli.store.sqlite import migrate
from hfs_cli.store.sqlite.database import Database
from hfs_cli.store.sqlite.file import store_errors


def problems(db: SqliteDatabase) -> list[str]:
    """What is wrong with the database, one line each; empty when all is well.

    Opening it has already checked whose it is and its schema version.
    """
    found = [
        f"integrity: {row[0]}" for row in db.execute_sql("PRAGMA integrity_check") if row[0] != "ok"
    ]
    found += [
        f"row {row[1]} of {row[0]} refers to a missing row of {row[2]}"
        for row in db.execute_sql("PRAGMA foreign_key_check")
    ]
    found += [
        f"session {row[0]} says it holds {row[1]} messages but {row[2]} are there"
        for row in db.execute_sql(_COUNTS)
    ]
    return found + _index_problems(db)


def _index_problems(db: SqliteDatabase) -> list[str]:
    """Whether what is complete, and nothing else, is indexed."""
    return [
        f"the search index of {name}s has {indexed} entries for {there}"
        for name, index, rows in (
            ("message", "message_words", "message WHERE status = 'complete'"),
            ("session", "session_words", "session"),
        )
        for indexed, there in db.execute_sql(
            f"SELECT (SELECT count(*) FROM {index}_docsize), (SELECT count(*) FROM {rows})"
        )
        if indexed != there
    ]


# A transcript is the shared messages and the session's own, without gaps.
_COUNTS = """
SELECT s.id, s.message_count, coalesce(s.fork_position, 0) + count(m.id) AS there
FROM session s LEFT JOIN message m ON m.session_id = s.id
GROUP BY s.id
HAVING there <> s.message_count
    OR coalesce(max(m.position), s.message_count) <> s.message_count
    OR coalesce(min(m.position), there + 1) <> coalesce(s.fork_position, 0) + 1
"""


def too_open(path: Path) -> list[str]:
    """Tell of files and directories of the database that others can read."""
    siblings = (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm"))
    return [
        f"{file} can be read by others: chmod {wanted:o} {file}"
        for file, wanted in (
            (path.parent, PRIVATE_DIRECTORY),
            *((sibling, PRIVATE_FILE) for sibling in siblings),
        )
        if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077
    ]


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
