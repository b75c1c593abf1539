"""Bring the tables to the current schema: all of them, exactly once, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hfs_cli.errors import StoreError
from hfs_cli.store.engine import made_by_newer

if TYPE_CHECKING:
    from hfs_cli.store.postgres.connection import PostgresConnection

# How many migrations there are. Kept by hand, so that opening a current database neither loads
# the migration machinery nor lists a directory; a test compares it with the files.
SCHEMA_VERSION = 3
_DIRECTORY = Path(__file__).parent / "migrations"


def schema_version(db: PostgresConnection, shown: str) -> int:
    """How many migrations the database has had; 0 before the first.

    Args:
        shown: How errors call the database.

    Raises:
        StoreError: A newer hfs has made it.
    """
    # Not to_regclass(): after a wait for the lock it still returns what the session knew before it.
    ours = db.execute_sql(
        "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = current_schema()"
        " AND tablename = 'hfs_schema'"
    ).fetchone()
    if ours is None:
        return 0
    row = db.execute_sql("SELECT version FROM hfs_schema").fetchone()
    version = 0 if row is None else int(row[0])
    if version > SCHEMA_VERSION:
        raise made_by_newer(shown, version, SCHEMA_VERSION, "HFS_DATABASE")
    return version


def bring_up_to_date(db: PostgresConnection, shown: str) -> None:
    """Apply the migrations that a database lacks, within a transaction that holds the write lock.

    No copy is made first, because PostgreSQL rolls back changed tables with their transaction.

    Args:
        db: A connection in that transaction.
        shown: How errors call the database.

    Raises:
        StoreError: It belongs to another program or to a newer hfs; nothing was written.
    """
    # Under the lock: another process may have migrated while this one waited for it.
    version = schema_version(db, shown)
    if version == SCHEMA_VERSION:
        return
    if version > 0:
        _refuse_who_is_not_owner(db, shown)
    else:
        _refuse_others(db, shown)
        db.execute_sql("CREATE TABLE hfs_schema (version bigint NOT NULL)")
        db.execute_sql("INSERT INTO hfs_schema VALUES (0)")
    from playhouse.migrations import Runner

    Runner(db, str(_DIRECTORY)).up()
    db.execute_sql("UPDATE hfs_schema SET version = %s", (SCHEMA_VERSION,))


def owner_of_tables(db: PostgresConnection) -> str | None:
    """The role that owns the tables, or None if the role that is logged in may act as it."""
    row = db.execute_sql(
        "SELECT tableowner, pg_has_role(tableowner, 'USAGE') FROM pg_catalog.pg_tables"
        " WHERE schemaname = current_schema() AND tablename = 'session'"
    ).fetchone()
    return None if row is None or row[1] else str(row[0])


def _refuse_who_is_not_owner(db: PostgresConnection, shown: str) -> None:
    if (owner := owner_of_tables(db)) is not None:
        raise StoreError(
            f"the tables of {shown} are an older hfs's, and only {owner}, whose they are, can bring"
            " them up to date: that role has to run hfs sessions list once"
        )


def _refuse_others(db: PostgresConnection, shown: str) -> None:
    encoding = db.execute_sql("SHOW server_encoding").fetchone()
    if encoding is not None and encoding[0] != "UTF8":
        raise StoreError(
            f"the database {shown} keeps text as {encoding[0]}: make one with "
            "createdb --encoding=UTF8 --template=template0"
        )
    others = db.execute_sql(
        "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = current_schema()"
        " AND tablename IN ('session', 'message')"
    ).fetchone()
    if others is not None:
        raise StoreError(
            f"{shown} holds another program's tables: make a database for hfs alone (createdb hfs)"
        )
