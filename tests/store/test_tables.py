"""The tables that queries are built on are those that the migrations make."""

import sqlite3
from pathlib import Path

import pytest

from hfs_cli.store import tables
from hfs_cli.store.sqlite import migrate
from hfs_cli.store.sqlite.file import SCHEMA_VERSION

KINDS = {"AUTO": "INTEGER", "INT": "INTEGER", "TEXT": "TEXT", "FLOAT": "REAL", "BLOB": "BLOB"}
# Peewee's own list of the migrations, SQLite's tables, and those of the full-text indexes.
OTHERS = ("schema_migration", "sqlite_", "message_words", "session_words", "call_words")


@pytest.fixture
def made(store, path):
    """The tables of a new database, by name: each column, its type and whether it may be null."""
    store.delete([1])
    with sqlite3.connect(path) as db:
        names = [n for (n,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {name: db.execute(f"PRAGMA table_info({name})").fetchall() for name in names}
    return {
        name: [(column[1], column[2], not column[3] and not column[5]) for column in there]
        for name, there in columns.items()
        if not name.startswith(OTHERS)
    }


@pytest.mark.parametrize("model", tables.TABLES, ids=lambda model: model._meta.table_name)
def test_a_model_has_the_columns_of_its_table_in_their_order(made, model):
    described = [
        (field.column_name, KINDS[field.field_type], field.null)
        for field in model._meta.sorted_fields
    ]
    assert described == made[model._meta.table_name]


def test_every_table_has_a_model(made):
    assert set(made) == {model._meta.table_name for model in tables.TABLES}


def test_migrations_stand_alone():
    directory = Path(migrate.__file__).parent / "migrations"
    texts = [path.read_text() for path in directory.glob("[0-9]*.py")]
    assert len(texts) == SCHEMA_VERSION
    assert not any("import hfs_cli" in text or "from hfs_cli" in text for text in texts)
