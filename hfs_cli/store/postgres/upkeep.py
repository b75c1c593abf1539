"""Check the tables, and let the server tidy them up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfs_cli.errors import StoreError
from hfs_cli.store.postgres.indexing import tokens
from hfs_cli.store.postgres.migrate import owner_of_tables
from hfs_cli.store.upkeep import contradictions
from hfs_cli.store.words import CALL

if TYPE_CHECKING:
    from hfs_cli.store.postgres.connection import PostgresConnection

# From this version on a role can be given the right to tidy up (GRANT MAINTAIN):
# https://www.postgresql.org/docs/17/ddl-priv.html (2026-11-29)
_WITH_MAINTAIN = 170000
# How many texts are read and split into words at a time.
_AT_ONCE = 500
_TABLES = (
    *("import", "session", "message", "piece", "tool_call", "attachment", "message_attachment"),
    *("checkpoint", "request", "deleted", "asking", "message_words", "call_words"),
    "session_words",
)


def problems(db: PostgresConnection) -> list[str]:
    """What is wrong with the database, one line each; empty when all is well.

    The server itself refuses wrong types, references and times; `pg_amcheck` checks its files.
    """
    found = contradictions(db)
    found += _index_problems(db, "message", "message", "content", "status = 'complete'")
    found += _index_problems(db, "session", "session", "name", "true")
    found += _index_problems(db, "call", "tool_call", CALL, "result IS NOT NULL")
    return found


def _index_problems(
    db: PostgresConnection, name: str, table: str, text: str, shown: str
) -> list[str]:
    """Whether exactly the words of complete rows are indexed."""
    index = f"{name}_words"
    extra = db.execute_sql(
        f"SELECT count(*) FROM {index} w WHERE NOT EXISTS"
        f" (SELECT 1 FROM {table} WHERE {table}.id = w.id AND {shown})"
    ).fetchone()
    differing = 0 if extra is None else int(extra[0])
    last = 0
    while True:
        rows = list(
            db.execute_sql(
                f"SELECT {table}.id, {text}, w.words FROM {table} LEFT JOIN {index} w"
                f" ON w.id = {table}.id WHERE {table}.id > %s AND {shown}"
                f" ORDER BY {table}.id LIMIT %s",
                (last, _AT_ONCE),
            )
        )
        if not rows:
            break
        differing += sum(tokens(text) != kept for _, text, kept in rows)
        last = int(rows[-1][0])
    if not differing:
        return []
    return [f"the search index of {name}s and their texts differ, in {differing} of them"]


def who_may(db: PostgresConnection) -> str | None:
    """The only role that may tidy up, or None if the role that is logged in may do so."""
    owner = owner_of_tables(db)
    if owner is None or db.connection().info.server_version < _WITH_MAINTAIN:
        return owner
    row = db.execute_sql("SELECT has_table_privilege('session', 'MAINTAIN')").fetchone()
    return None if row and row[0] else owner


def vacuum(db: PostgresConnection) -> int:
    """Let the server tidy up now, and not when it would by itself; the bytes gained.

    Raises:
        StoreError: Another role has to.
    """
    if (owner := who_may(db)) is not None:
        raise StoreError(
            f"only {owner}, whose the tables are, may tidy them up: that role runs hfs db vacuum"
            " (the server does so now and then by itself)"
        )
    before = _size(db)
    _make_index_of_names(db)
    for table in _TABLES:
        db.connection().execute(f"VACUUM (ANALYZE) {table}".encode())
    return max(0, before - _size(db))


def write_anew(db: PostgresConnection) -> None:
    """Write every table anew; each is locked meanwhile."""
    for table in _TABLES:
        db.connection().execute(f"VACUUM (FULL) {table}".encode())


def _make_index_of_names(db: PostgresConnection) -> None:
    """Index the parts of names, if the extension has been installed since."""
    if db.execute_sql("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'").fetchone():
        db.execute_sql(
            "CREATE INDEX IF NOT EXISTS session_name_part ON session USING gin (name gin_trgm_ops)"
        )


def _size(db: PostgresConnection) -> int:
    total = " + ".join(f"pg_total_relation_size('{table}')" for table in _TABLES)
    row = db.execute_sql(f"SELECT {total}").fetchone()
    return 0 if row is None else int(row[0])
