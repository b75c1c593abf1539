from collections.abc import Iterator
from pathlib import Path

import pytest

from hfs_cli.store.store import SessionStore
from tests.store.places import Databases, EmptyDatabase, Files
from tests.store.talking import Talk

ENGINES = ["sqlite", "postgres"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of SQLite's database, for tests that look at the file."""
    return tmp_path / "data" / "hfs.db"


@pytest.fixture(params=ENGINES)
def databases(request, tmp_path) -> Databases:
    """Empty databases; each test runs with those of every engine."""
    if request.param == "sqlite":
        return Files(tmp_path)
    return request.getfixturevalue("postgres_databases")


@pytest.fixture
def database(databases: Databases) -> Iterator[EmptyDatabase]:
    with databases.new() as made:
        yield made


@pytest.fixture
def store(database: EmptyDatabase) -> Iterator[SessionStore]:
    with database.open() as opened:
        yield opened


@pytest.fixture
def talk(store: SessionStore) -> Talk:
    return Talk(store)
