"""Check a file for damage, shrink it, and write it anew."""

from __future__ import annotations

import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from peewee import BlobField, Field, FloatField, IntegerField, Model, SqliteDatabase, TextField

from hfs_cli import notices
from hfs_cli.errors import StoreError
from hfs_cli.files import PRIVATE_DIRECTORY, PRIVATE_FILE, remove_abandoned
from hfs_cli.store.engine import WAIT_S, Connection
from hfs_cli.store.search import TOKENIZER
from hfs_cli.store.sqlite.connection import INDEXES
from hfs_cli.store.sqlite.file import interruptible
from hfs_cli.store.sqlite.line import Patience
from hfs_cli.store.tables import TABLES
from hfs_cli.store.upkeep import contradictions
from hfs_cli.store.words import CALL, words

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from hfs_cli.store.sqlite.connection import SqliteConnection


def problems(db: Connection) -> list[str]:
    """What is wrong with the database, one line each; empty when all is well.

    Opening it has already checked whose it is, its schema version, and that it holds no
    triggers or views. Nothing here needs the write lock.
    """
    found = [
        f"integrity: {row[0]}" for row in db.execute_sql("PRAGMA integrity_check") if row[0] != "ok"
    ]
    found += [
        f"row {row[1]} of {row[0]} refers to a missing row of {row[2]}"
        for row in db.execute_sql("PRAGMA foreign_key_check")
    ]
    for model in TABLES:
        found += _value_problems(db, model)
    found += contradictions(db)
    if not found:  # the words of a damaged text cannot be compared
        found += _index_problems(db, "message", "message WHERE status = 'complete'", "content")
        found += _index_problems(db, "session", "session", "name")
        found += _index_problems(db, "call", "tool_call WHERE result IS NOT NULL", CALL)
    return found


def _value_problems(db: Connection, model: type[Model]) -> list[str]:
    """Values of another type, texts that are not UTF-8, times that no calendar has."""
    table, fields = model._meta.table_name, model._meta.sorted_fields  # noqa: SLF001  (Peewee's documented way)
    wrong = []
    texts = []
    for field in fields:
        column = field.column_name
        kinds = next(kinds for base, kinds in _KINDS.items() if isinstance(field, base))
        kinds = (*kinds, "null") if field.null else kinds
        wrong.append(f"typeof({column}) NOT IN {kinds}")
        if column.endswith("_at"):
            wrong.append(f"{column} NOT BETWEEN {_FIRST_MOMENT} AND {_LAST_MOMENT}")
        if isinstance(field, TextField):
            texts.append(f"CAST({column} AS BLOB)")
    first = f"quote({fields[0].column_name})"
    columns = ", ".join((first, " OR ".join(wrong), *texts))
    rows = db.execute_sql(f"SELECT {columns} FROM {table}")
    found = []
    for number, odd, *data in rows:
        if odd:
            found.append(f"row {number} of {table} has a value of another type, or no time")
        elif any(value is not None and not _is_utf8(value) for value in data):
            found.append(f"row {number} of {table} has a text that is not UTF-8")
    return found


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _index_problems(db: Connection, name: str, rows: str, column: str) -> list[str]:
    """Whether exactly the words of complete rows are indexed.

    All rows are indexed anew, in a temporary index, and the two are compared: one changed byte of a
    text is a word that only one of them has.
    """
    index, anew = f"{name}_words", f"temp.{name}_anew"
    db.execute_sql(
        f"CREATE VIRTUAL TABLE {anew} USING fts5 (content, content = '', tokenize = '{TOKENIZER}')"
    )
    for number, text in db.execute_sql(f"SELECT id, {column} FROM {rows}"):
        db.execute_sql(f"INSERT INTO {anew} (rowid, content) VALUES (?, ?)", (number, words(text)))
    db.execute_sql(f"CREATE VIRTUAL TABLE temp.{name}_kept USING fts5vocab (main, {index}, row)")
    db.execute_sql(
        f"CREATE VIRTUAL TABLE temp.{name}_there USING fts5vocab (temp, {name}_anew, row)"
    )
    differing = (
        "SELECT term FROM (SELECT term, doc, cnt FROM {} EXCEPT SELECT term, doc, cnt FROM {}) "
        "LIMIT 3"
    )
    kept, there = f"temp.{name}_kept", f"temp.{name}_there"
    terms = {
        row[0]
        for pair in ((kept, there), (there, kept))
        for row in db.execute_sql(differing.format(*pair))
    }
    for table in (kept, there, anew):
        db.execute_sql(f"DROP TABLE {table}")
    if not terms:
        return []
    shown = ", ".join(sorted(terms))
    return [f"the search index of {name}s and their texts differ, in words such as {shown}"]


_KINDS: dict[type[Field[object]], tuple[str, ...]] = {
    IntegerField: ("integer", "integer"),  # twice: a list of one has another form in SQL
    TextField: ("text", "text"),
    FloatField: ("real", "integer"),
    BlobField: ("blob", "blob"),
}
# Microseconds of the first and the last day that Python's calendar has.
_FIRST_MOMENT, _LAST_MOMENT = -62_135_596_800_000_000, 253_402_300_799_999_999


def too_open(path: Path) -> list[str]:
    """Files and directories of the database that other users can read, and what to do."""
    siblings = (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm"))
    return [
        f"{file} can be read by others: chmod {wanted:o} {file}"
        for file, wanted in (
            (path.parent, PRIVATE_DIRECTORY),
            *((sibling, PRIVATE_FILE) for sibling in siblings),
        )
        if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077
    ]


# `PRAGMA auto_vacuum` of a file that can be shrunk a little at a time.
_INCREMENTAL = 2
# Pages that one step moves, and that one step of an index merges.
_PAGES = 500
_MERGED = 200
# How often to see whether a reader has ended.
_LOOK_AGAIN_S = 0.1


class Database(Protocol):
    """What the engine lends to its upkeep: see `hfs_cli.store.sqlite.database`."""

    path: Path

    def exists(self) -> bool:
        """Whether there is a file."""
        ...

    def staging(self) -> AbstractContextManager[SqliteConnection]:
        """A short transaction."""
        ...

    def autocommitting(self) -> AbstractContextManager[SqliteConnection]:
        """The connection outside a transaction."""
        ...

    def alone(self) -> AbstractContextManager[SqliteConnection]:
        """As `autocommitting`, while no other hfs may write."""
        ...


def vacuum(database: Database) -> int:
    """Shrink the file to what it holds; the bytes gained.

    A little at a time, so that nobody waits. Only a database that was made by an hfs before 0.3 is
    locked while it is written anew, once.
    """
    if not database.exists():
        return 0
    remove_abandoned(database.path.parent)  # as large as the database, where a copy was killed
    # What is still in the log counts as well: it is copied into the file first.
    _empty_log(database)
    before = database.path.stat().st_size
    _merge_indexes(database)
    with database.autocommitting() as db:
        in_steps = db.pragma("auto_vacuum") == _INCREMENTAL
    if in_steps:
        more = True
        while more:
            with database.staging() as db, interruptible(db.connection()):
                more = _free_pages(db)
    else:
        _write_anew(database, ", this once")
    _empty_log(database)
    return before - database.path.stat().st_size


def forget(database: Database) -> None:
    """Leave nothing in the files of what was changed or deleted so far.

    A row that is deleted or shortened stays in the free room of its page, and a word in its index
    until that is merged: they go only when the file is written anew and its log is cut.

    Raises:
        StoreError: Another process reads what was there before.
    """
    path = database.path
    remove_abandoned(path.parent)
    for copy in sorted(path.parent.glob(f"{path.name}.bak-v*")):
        notices.warn(f"{copy} is older than the change and as it was: delete it")
    _merge_indexes(database)
    _write_anew(database)
    patience = Patience(path, WAIT_S)
    while not _empty_log(database):
        if not patience.left_s():
            raise StoreError(
                f"another hfs still reads the database, and {path}-wal holds what was"
                " replaced until it has ended: then run hfs db vacuum"
            )
        time.sleep(_LOOK_AGAIN_S)


def _merge_indexes(database: Database) -> None:
    for index in INDEXES:
        # A negative number starts to merge the whole index into one segment:
        # https://www.sqlite.org/fts5.html#the_merge_command
        pages = -_MERGED
        more = True
        while more:
            with database.staging() as db, interruptible(db.connection()):
                more = _merge(db, index, pages)
            pages = _MERGED


def _merge(db: SqliteDatabase, index: str, pages: int) -> bool:
    """Merge some pages of an index; whether there may be more to merge."""
    before = db.execute_sql("SELECT total_changes()").fetchone()[0]
    db.execute_sql(f"INSERT INTO {index} ({index}, rank) VALUES ('merge', ?)", (pages,))
    return bool(db.execute_sql("SELECT total_changes()").fetchone()[0] - before >= 2)


def _free_pages(db: SqliteDatabase) -> bool:
    """Cut some free pages off the file; whether there are more."""
    before = db.pragma("freelist_count")
    list(db.execute_sql(f"PRAGMA incremental_vacuum ({_PAGES})"))  # a page a row
    return bool(0 < db.pragma("freelist_count") < before)


def _write_anew(database: Database, more: str = "") -> None:
    """Write the file anew, as one that can be shrunk a little at a time from now on."""
    notices.notice(f"locked while the database is written anew{more}")
    with database.alone() as db, interruptible(db.connection()):
        db.execute_sql(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
        db.execute_sql("VACUUM")


def _empty_log(database: Database) -> bool:
    """Copy the log into the file and cut it; False where a reader is in the way."""
    with database.autocommitting() as db:
        db.timeout = 0
        try:
            db.execute_sql("PRAGMA wal_checkpoint (PASSIVE)")
            row = db.execute_sql("PRAGMA wal_checkpoint (TRUNCATE)").fetchone()
            return bool(row is not None and not row[0])
        finally:
            db.timeout = WAIT_S
