"""Writers stand in line: each gets its turn, and nobody waits without end or reason."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from hfs_cli import signals
from hfs_cli.errors import StoreError
from hfs_cli.files import open_lock_file, release_lock, take_lock
from hfs_cli.store.engine import LEAVE_S
from hfs_cli.store.sqlite import line
from hfs_cli.store.sqlite.connection import SqliteConnection
from hfs_cli.store.sqlite.database import Database
from hfs_cli.store.sqlite.file import schema_version
from hfs_cli.store.store import SessionStore
from tests.conftest import UNMEASURED


@pytest.fixture
def held(path, store):
    """The lock of the database, held by another."""
    store.delete([1])
    descriptor = open_lock_file(path.with_name("hfs.db.lock"))
    assert take_lock(descriptor)
    yield descriptor
    os.close(descriptor)


def write(path: Path, wait_s: float) -> None:
    database = Database(path)
    try:
        with database.writing(wait_s):
            pass
    finally:
        database.close()


def test_a_short_wait_ends_and_leaves_the_line_in_order(path, held):
    database = Database(path)
    for _ in range(2):
        with pytest.raises(StoreError, match="locked by another program"), database.writing(0.1):
            pass
    release_lock(held)
    with database.writing(5):
        # It is held again, and the two that gave up do not hold it.
        assert not take_lock(held, wait=False)
    assert take_lock(held)
    database.close()


def test_who_waits_is_served_when_the_other_has_finished(path, held):
    threading.Timer(0.3, release_lock, (held,)).start()
    write(path, 20)


def test_the_wait_counts_from_the_last_progress_of_anybody(path, held, monkeypatch):
    monkeypatch.setattr(line, "WAIT_S", 0.4)
    patience = line.Patience(path, 0.4)
    log = path.with_name("hfs.db-wal")
    for _ in range(8):
        time.sleep(0.1)
        log.write_bytes(log.read_bytes() + b"\0" if log.exists() else b"\0")
        assert patience.left_s() > 0
    time.sleep(0.5)
    assert patience.left_s() == 0


def test_a_signal_that_is_held_back_ends_the_wait(path, held, monkeypatch):
    monkeypatch.setattr(signals, "waiting", lambda: True)
    with pytest.raises(StoreError, match="locked"):
        write(path, 30)


def test_a_signal_leaves_a_moment_for_the_wait_and_no_more(path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(line, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(signals, "waiting", lambda: True)
    patience = line.Patience(path, 30.0)
    assert patience.left_s() > 0
    now[0] += LEAVE_S / 2
    assert 0 < patience.left_s() <= LEAVE_S / 2
    now[0] += LEAVE_S / 2
    assert patience.left_s() == 0


def test_a_killed_holder_holds_nobody_up(path, store):
    store.delete([1])
    store.close()
    code = (
        "import sys, time; from pathlib import Path; from hfs_cli.store.sqlite.database import *\n"
        "with Database(Path(sys.argv[1])).writing(): print('held', flush=True); time.sleep(60)"
    )
    argv, env = [sys.executable, "-c", code, path], os.environ | UNMEASURED
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match="locked"):
            write(path, 0.1)
        holder.kill()
        write(path, 20)


def test_many_processes_take_turns_on_a_cold_start(path):
    code = (
        "import sys; from pathlib import Path; from hfs_cli.store.store import SessionStore\n"
        "with SessionStore(Path(sys.argv[1])) as store: store.list_recent(); store.delete([1])"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, path]) for _ in range(12)]
    assert [process.wait() for process in started] == [0] * 12


def test_without_a_lock_file_sqlites_own_lock_serves(path, store):
    path.parent.mkdir()
    path.with_name("hfs.db.lock").mkdir()
    store.delete([1])
    assert store.list_recent() == []


def test_a_link_to_a_database_has_the_line_of_its_target(path, store, tmp_path, held):
    (tmp_path / "link.db").symlink_to(path)
    with pytest.raises(StoreError, match="locked"):
        write(tmp_path / "link.db", 0.1)


def test_another_who_migrates_meanwhile_is_not_another_program(path):
    """The version is read in one view: a cold start of many used to fail now and then."""
    path.parent.mkdir()
    path.touch()

    class Racing(SqliteConnection):
        def pragma(self, key, *values, **more):
            value = super().pragma(key, *values, **more)
            if key == "application_id":
                with SessionStore(path) as other:
                    other.delete([1])
            return value

    db = Racing(str(path), pragmas={"journal_mode": "wal"})
    db.connect()
    assert schema_version(db, path) == 0
    db.close()
