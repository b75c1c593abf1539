"""The benchmark runs; what it measures is for people to read."""

import tracemalloc

import pytest

from hfs_cli.store.store import SessionStore
from tests.benchmarks import decoding
from tests.benchmarks.history import build, measure, table


def test_a_history_is_built_as_the_store_would_have_it(tmp_path):
    path = tmp_path / "data" / "hfs.db"
    build(path, 80)
    with SessionStore(path) as store:
        assert store.count() == 80
        assert store.check() == []
        results = measure({"one": (store, 80)}, 10)["one"]
    assert all(len(times) == 10 for times in results.values())
    assert "| search |" in table(results, results, 80)
    with SessionStore(path) as store:
        assert store.check() == []


@pytest.mark.parametrize("size", [65_536, 300])
def test_decoding_loses_nothing_and_its_memory_stays_flat(size):
    data = decoding.body(20_000)
    tracemalloc.start()
    characters, _ = decoding.decoded(data, size)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert characters == 20_000 * len(" token")
    assert peak < 2_000_000
