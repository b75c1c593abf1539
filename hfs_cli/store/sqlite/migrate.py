"""Bring a database to the current schema: all of it, exactly once, or not at all."""

import sqlite3
import time
from pathlib import Path

from peewee import OperationalError, SqliteDatabase

from hfs_cli.errors import StoreError, UsageError
from hfs_cli.files import NewFile
from hfs_cli.store.sqlite.file import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    damaged,
    interruptible,
    is_busy,
    schema_version,
)

# Pages that are copied between two looks for a signal.
_PAGES = 4096
_DIRECTORY = Path(__file__).parent / "migrations"


def bring_up_to_date(db: SqliteDatabase, path: Path | None, wait_s: float = 30.0) -> None:
    """Check whose database this is, and apply the migrations it lacks.

    Args:
        db: An open connection.
        path: Its file, or None for a database in memory.
        wait_s: Seconds to wait for another process that migrates.

    Raises:
        StoreError: It belongs to another program or to a newer hfs; nothing was written.
    """
    version = schema_version(db, path)
    if version == SCHEMA_VERSION:
        return
    if path is not None and version == 0:
        # So that it can be shrunk a little at a time; it has to be said before the first table.
        db.execute_sql("PRAGMA auto_vacuum = INCREMENTAL")
        _use_write_ahead_log(db, wait_s)
    # Migrations rebuild tables; the check at the end stands in for enforcement. Both are
    # switched outside a transaction, where alone SQLite allows it.
    db.execute_sql("PRAGMA foreign_keys = OFF")
    try:
        with db.atomic("IMMEDIATE"):
            _migrate(db, path)
    finally:
        db.execute_sql("PRAGMA foreign_keys = ON")


def _migrate(db: SqliteDatabase, path: Path | None) -> None:
    # Under the write lock: another process may have migrated while this one waited for it.
    version = schema_version(db, path)
    if version == SCHEMA_VERSION:
        return
    if path is not None and version > 0:
        back_up(path, path.with_name(f"{path.name}.bak-v{version}"), replace=True)
    from playhouse.migrations import Runner

    Runner(db, str(_DIRECTORY)).up()
    if db.execute_sql("PRAGMA foreign_key_check").fetchone():
        raise StoreError(f"migrating {path} would break references: it is left as it was")
    db.execute_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _use_write_ahead_log(db: SqliteDatabase, wait_s: float) -> None:
    # SQLite does not wait here: two processes that switch at once get "locked" immediately.
    deadline = time.monotonic() + wait_s
    while True:
        try:
            db.execute_sql("PRAGMA journal_mode = WAL")
        except OperationalError as error:
            if not is_busy(error) or time.monotonic() >= deadline:
                raise
        else:
            return
        time.sleep(0.01)


def back_up(source: Path, target: Path, *, replace: bool) -> None:
    """Copy a database that may be in use, with SQLite's online backup, as a private file.

    The copy appears under its name only when it is whole and has been looked over: whoever
    keeps the latest few backups must not lose the good ones to damaged ones.

    Args:
        replace: Take the place of an earlier copy.

    Raises:
        UsageError: There is something of that name.
        StoreError: The copy cannot be written, or the database is damaged.
    """
    try:
        with NewFile(target) as new:
            reader = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)
            writer = sqlite3.connect(new.path)
            try:
                # One moment's view, however long it takes; a signal is seen between two steps.
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
                reader.backup(writer, pages=_PAGES, progress=lambda *_: None)
                with interruptible(writer):
                    found = writer.execute("PRAGMA integrity_check (1)").fetchone()[0]
                if found != "ok":
                    raise StoreError(damaged(source, " ".join(found.split())))
            finally:
                writer.close()
                reader.close()
                # A writer whose disk is full cannot tidy up.
                for suffix in ("-wal", "-shm", "-journal"):
                    new.path.with_name(new.path.name + suffix).unlink(missing_ok=True)
            new.take_name(replace=replace)
    except FileExistsError:
        raise UsageError(f"{target} exists: choose another name") from None
    except OSError as error:
        raise StoreError(f"cannot write the backup {target}: {error.strerror}") from error
