"""Bring the tables to the current schema: all of them, exactly once, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hfs_cli.errors import StoreError

if TYPE_CHECKING:
    from hfs_cli.store.postgres.connection import PostgresConnection

# How many migrations there are. Kept by hand, so that opening a current database neither loads
# the migration machinery nor lists a directory; a test compares it with the files.
SCHEMA_VERSION = 2
_DIRECTORY = Path(__file__).parent / "migrations"


def schema_version(db: PostgresConnection) -> int:
    """How many migrations the database has had; 0 before the first.

    Raises:
        peewee.ProgrammingError: It has tables of ours, or of another program that calls them so.
    """
    # Not to_regclass(): after a wait for the lock it still says what the session knew before.
    there = db.execute_sql(
        "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = current_schema()"
        " AND tablename = 'hfs_schema'"
    ).fetchone()
    if there is None:
        return 0
    row = db.execute_sql("SELECT version FROM hfs_schema").fetchone()
    return 0 if row is None else int(row[0])


def refuse_newer(version: int, shown: str) -> None:
    """Refuse what a newer hfs has made.

    Raises:
        StoreError: It has.
    """
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"the database {shown} was made by a newer hfs (schema {version}, this one knows "
            f"{SCHEMA_VERSION}): upgrade hfs, or HFS_DATABASE=... for another"
        )


def bring_up_to_date(db: PostgresConnection, shown: str) -> None:
    """Apply the migrations that a database lacks, within a transaction that holds the write lock.

    PostgreSQL undoes changed tables with their transaction, so that no copy is made first.

    Args:
        db: Inside of the transaction.
        shown: How errors call the database.

    Raises:
        StoreError: It belongs to another program or to a newer hfs; nothing was written.
    """
    # Under the lock: another process may have migrated while this one waited for it.
    version = schema_version(db)
    refuse_newer(version, shown)
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
    there = db.execute_sql(
        "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = current_schema()"
        " AND tablename IN ('session', 'message')"
    ).fetchone()
    if there is not None:
        raise StoreError(
            f"{shown} holds another program's tables: make a database for hfs alone (createdb hfs)"
        )
