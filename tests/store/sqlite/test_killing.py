"""A migration that is killed is done or not done, and one that many processes meet is done once."""

import random
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from peewee import SqliteDatabase
from playhouse.migrations import Runner

from hfs_cli.store.sqlite import migrate
from hfs_cli.store.sqlite.file import APPLICATION_ID
from hfs_cli.store.store import SessionStore
from tests.store.killing import KILLS, command, content, run, somewhere
from tests.store.places import EmptyDatabase


@pytest.fixture
def old(tmp_path) -> Path:
    """A database of the first schema, with a conversation in it."""
    path = tmp_path / "base" / "hfs.db"
    path.parent.mkdir(mode=0o700)
    path.touch(0o600)
    db = SqliteDatabase(str(path), pragmas={"journal_mode": "wal"})
    Runner(db, str(Path(migrate.__file__).parent / "migrations")).up("0001_conversations")
    db.execute_sql("INSERT INTO session VALUES (1,'u','n','chat','m',2,'complete',1,1,1,NULL,NULL)")
    for position, role in ((1, "user"), (2, "assistant")):
        db.execute_sql(
            "INSERT INTO message (session_id, position, role, content, status, created_at)"
            " VALUES (1, ?, ?, 'words', 'complete', 1)",
            (position, role),
        )
    db.execute_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute_sql("PRAGMA user_version = 1")
    db.close()
    return path.parent


def test_a_migration_is_done_or_not_and_a_backup_is_kept(old):
    def copied(name: str) -> str:
        return str(shutil.copytree(old, old.with_name(name)) / "hfs.db")

    # Whatever writes first brings it up to date.
    count = int(run(copied("whole"), "rename"))
    chance = random.Random("migrate")
    for number in range(KILLS):
        copy = copied(f"copy-{number}")
        assert run(copy, "rename", somewhere(chance, count)) == ""
        content(EmptyDatabase(copy))
    with SessionStore(old / "hfs.db") as store:
        assert [m.content for m in store.transcript(1)] == ["words", "words"]
        assert len(store.search("words")) == 2
        assert store.check() == []
    backup = sqlite3.connect(old / "hfs.db.bak-v1")
    assert backup.execute("PRAGMA user_version").fetchone() == (1,)
    assert backup.execute("SELECT count(*) FROM message").fetchone() == (2,)
    backup.close()
    assert (old / "hfs.db.bak-v1").stat().st_mode & 0o777 == 0o600
    assert not list(old.glob("*.part-*"))


def test_many_processes_migrate_an_old_database_once(old):
    ready = [
        subprocess.Popen(
            command(str(old / "hfs.db"), "turn"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for _ in range(10)
    ]
    for process in ready:
        _, errors = process.communicate()
        assert (process.returncode, errors) == (0, b"")
    with SessionStore(old / "hfs.db") as store:
        assert len(store.transcript(1)) == 2 + 10 * 2
