from pathlib import Path

import pytest

from hfs_cli.store.store import SessionStore
from tests.store.talking import Talk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "hfs.db"


@pytest.fixture
def store(path: Path):
    with SessionStore(path) as opened:
        yield opened


@pytest.fixture
def talk(store: SessionStore) -> Talk:
    return Talk(store)
