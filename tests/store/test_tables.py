"""The tables that queries are built on are those that the migrations make."""

from pathlib import Path

import pytest

from hfs_cli.store import tables
from hfs_cli.store.postgres import migrate as postgres
from hfs_cli.store.sqlite import file
from hfs_cli.store.sqlite import migrate as sqlite

KINDS = {
    "sqlite": {
        "AUTO": "INTEGER",
        "INT": "INTEGER",
        "TEXT": "TEXT",
        "FLOAT": "REAL",
        "BLOB": "BLOB",
    },
    "postgres": {
        "AUTO": "BIGINT",
        "INT": "BIGINT",
        "TEXT": "TEXT",
        "FLOAT": "DOUBLE PRECISION",
        "BLOB": "BYTEA",
    },
}
# Peewee's own list of the migrations, SQLite's tables, those of the full-text indexes, and what
# PostgreSQL has in the place of a file's header and of locked files.
OTHERS = (
    *("schema_migration", "sqlite_", "message_words", "session_words", "call_words"),
    *("hfs_schema", "asking"),
)


@pytest.fixture
def made(store, databases):
    """The tables of a new database, by name: each column, its type and whether it may be null."""
    store.delete([1])
    with store._engine.reading() as db:
        names = [name for name in db.get_tables() if not name.startswith(OTHERS)]
        found = {name: db.get_columns(name) for name in names}
    return {
        name: [(c.name, c.data_type.upper(), c.null and not c.primary_key) for c in columns]
        for name, columns in found.items()
    }


@pytest.mark.parametrize("model", tables.TABLES, ids=lambda model: model._meta.table_name)
def test_a_model_has_the_columns_of_its_table_in_their_order(made, databases, model):
    kinds = KINDS[databases.engine]
    described = [
        (field.column_name, kinds[field.field_type], field.null)
        for field in model._meta.sorted_fields
    ]
    assert described == made[model._meta.table_name]


def test_every_table_has_a_model(made):
    assert set(made) == {model._meta.table_name for model in tables.TABLES}


@pytest.mark.parametrize(
    ("module", "count"), [(sqlite, file.SCHEMA_VERSION), (postgres, postgres.SCHEMA_VERSION)]
)
def test_migrations_stand_alone(module, count):
    directory = Path(module.__file__).parent / "migrations"
    texts = [path.read_text() for path in directory.glob("[0-9]*.py")]
    assert len(texts) == count
    assert not any("import hfs_cli" in text or "from hfs_cli" in text for text in texts)
