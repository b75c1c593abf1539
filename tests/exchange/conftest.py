from collections.abc import Iterator
from pathlib import Path

import pytest

from hfs_cli.store.store import SessionStore
from tests.store.conftest import path, talk

__all__ = ["path", "talk"]


# What is read from files is the same whatever engine keeps it: one is enough here.
@pytest.fixture
def store(path: Path) -> Iterator[SessionStore]:
    with SessionStore(path) as opened:
        yield opened
