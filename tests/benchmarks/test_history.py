"""The benchmark runs; what it measures is for people to read."""

from hfs_cli.store.sessions import SessionStore
from tests.benchmarks.history import build, measure, table


def test_a_history_is_built_as_the_store_would_have_it(tmp_path):
    path = tmp_path / "data" / "hfs.db"
    build(path, 80)
    with SessionStore(path) as store:
        assert store.count() == 80
        assert store.check() == []
    results = measure({80: path}, 10)[80]
    assert all(len(times) == 10 for times in results.values())
    assert "| search |" in table(results, results, 80)
    with SessionStore(path) as store:
        assert store.check() == []
