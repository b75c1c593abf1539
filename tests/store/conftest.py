from collections.abc import Iterator
from pathlib import Path

import pytest

from hfs_cli.store.store import SessionStore
from tests.store.places import EmptyDatabase
from tests.store.talking import Talk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of SQLite's database, for tests that look at the file."""
    return tmp_path / "data" / "hfs.db"


@pytest.fixture
def store(database: EmptyDatabase) -> Iterator[SessionStore]:
    with database.open() as opened:
        yield opened


@pytest.fixture
def talk(store: SessionStore) -> Talk:
    return Talk(store)
