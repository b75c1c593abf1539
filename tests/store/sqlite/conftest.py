"""What is SQLite's alone: its file, its log and its locks, damage, and the ranking of its index."""

from pathlib import Path

import pytest

from tests.store.places import Databases, Files


@pytest.fixture
def databases(tmp_path: Path) -> Databases:
    return Files(tmp_path)
