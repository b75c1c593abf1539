"""Bring a database to the current schema: all of it, exactly once, or not at all."""

import sqlite3
import time
from pathlib import Path

from peewee import OperationalError, SqliteDatabase

from hfs_cli.errors import StoreError, UsageError
from hfs_cli.files import NewFile
from hfs_cli.store.engine import WAIT_S
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


def bring_up_to_date(db: SqliteDatabase, path: Path | None) -> None:
    """Check whose database this is, and apply the migrations it lacks.

    Args:
        db: An open connection.
        path: Its file, or None for a database in memory.

    Raises:
        StoreError: It belongs to another program or to a newer hfs; nothing was written.
    """
    version = schema_version(db, path)
    if version == SCHEMA_VERSION:
        return
    if path is not None and version == 0:
        # So that it can be shrunk a little at a time; it has to be set before the first table.
        db.execute_sql("PRAGMA auto_vacuum = INCREMENTAL")
        _use_write_ahead_log(db)
    # Migrations rebuild tables, so references are checked once at the end. SQLite allows the switch
    # only outside a transaction.
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


def _use_write_ahead_log(db: SqliteDatabase) -> None:
    # SQLite does not wait here: of two processes that switch at once, one gets "locked" at once.
    deadline = time.monotonic() + WAIT_S
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

    The copy gets its name only when it is complete and has been checked: whoever keeps only a few
    backups must not lose good ones to a damaged one.

    Args:
        replace: Replace an earlier copy.

    Raises:
        UsageError: There is something of that name.
        StoreError: The copy cannot be written, or the database is damaged.
    """
    failed = f"cannot write the backup {target}"
    try:
        with NewFile(target) as new:
            reader = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)
            writer = sqlite3.connect(new.path)
            try:
                # One moment's view, however long it takes. A signal is seen between two steps.
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
                reader.backup(writer, pages=_PAGES, progress=lambda *_: None)
                with interruptible(writer):
                    found = writer.execute("PRAGMA integrity_check (1)").fetchone()[0]
                if found != "ok":
                    raise StoreError(damaged(source, " ".join(found.split())))
            except sqlite3.Error as error:
                if _is_of_writing(error):
                    raise StoreError(
                        f"{failed}: make room on its disk, or back up elsewhere"
                    ) from error
                raise
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
        raise StoreError(f"{failed}: {error.strerror}") from error


def _is_of_writing(error: sqlite3.Error) -> bool:
    """Whether a backup failed because its copy could not be written."""
    return error.sqlite_errorcode in {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_TRUNCATE,
    }
