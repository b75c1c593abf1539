"""A process that is killed at any statement leaves all of its work behind, or none.

HFS_TEST_KILLS is how often each operation is killed (2 by default; 25 makes a long run).
"""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from peewee import SqliteDatabase
from playhouse.migrations import Runner

from hfs_cli.exchange.own import json_document
from hfs_cli.store.sqlite import migrate
from hfs_cli.store.sqlite.file import APPLICATION_ID
from hfs_cli.store.store import SessionStore
from tests.store.talking import Talk

KILLS = int(os.environ.get("HFS_TEST_KILLS", "2"))

# Kills itself just before the nth statement that reaches SQLite; prints how many there were.
CHILD = """
import os, signal, sqlite3, sys
from pathlib import Path
from hfs_cli.exchange.detect import open_source
from hfs_cli.messages import ChatMessage, Place, Reply, Turn
from hfs_cli.store.store import SessionStore

path, left, operation = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
count = 0
def trace(statement):
    global count
    count += 1
    if count == left:
        os.kill(os.getpid(), signal.SIGKILL)
class Traced(sqlite3.Connection):
    def __init__(self, *args, **settings):
        super().__init__(*args, **settings)
        self.set_trace_callback(trace)
connect = sqlite3.connect
sqlite3.connect = lambda *args, **settings: connect(*args, factory=Traced, **settings)

def turn(store):
    opened = store.begin(Turn(ChatMessage("user", "q"), "m/x", place=Place(1)))
    store.save_reply(opened, Reply("half", "m/x"))
    store.save_reply(opened, Reply("whole", "m/x", status="complete"))

with SessionStore(path) as store:
    {
        "import": lambda: store.put(open_source(path.with_name("in.json"))),
        "fork": lambda: store.fork(1, at=3),
        "rewind": lambda: store.rewind(1, "1"),
        "undo": lambda: store.undo(2, 1),
        "rename": lambda: store.rename(1, "another"),
        "delete": lambda: store.delete([1, 2]),
        "turn": lambda: turn(store),
        "migrate": lambda: store.rename(1, "another"),
    }[operation]()
print(count)
"""


def run(path: Path, left: int, operation: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CHILD, str(path), str(left), operation],
        capture_output=True,
        text=True,
        check=False,
    )


def content(path: Path) -> list[tuple[object, ...]]:
    """All that is kept, without the numbers and times that differ from run to run."""
    with SessionStore(path) as store:
        assert store.check() == []
        return sorted(
            (c.name, c.listed, [(m.content, m.status) for m in c.messages], len(c.checkpoints))
            for c in store.conversations()
        )


@pytest.fixture
def history(tmp_path) -> Path:
    """Two sessions with forks and tails, and a file with as much to import."""
    for name in ("base", "other"):
        with SessionStore(tmp_path / name / "hfs.db") as store:
            talk = Talk(store)
            one, two = (talk.turn("q1", "a1", name=f"{name} {n}") for n in (1, 2))
            for session in (one, two, one):
                talk.turn("q", "a", session)
            store.fork(one.id, at=4)
            store.undo(one.id)
            if name == "other":
                (tmp_path / "base" / "in.json").write_text(
                    "".join(json_document(store.conversations()))
                )
    return tmp_path / "base"


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


def kill_everywhere(base: Path, operation: str, stages: int) -> None:
    """Kill the operation at random statements and compare with before and after.

    Args:
        stages: How many transactions it is: 1 is all or nothing.
    """
    whole = base.with_name("whole")
    shutil.copytree(base, whole)
    done = run(whole / "hfs.db", 0, operation)
    assert done.returncode == 0, done.stderr
    count = int(done.stdout)
    after = content(whole / "hfs.db")
    chance = random.Random(operation)
    seen = []
    for number in range(KILLS):
        copy = base.with_name(f"copy-{number}")
        shutil.copytree(base, copy)
        # The last statements are where a commit may or may not have happened.
        left = chance.choice((chance.randint(1, count), count - chance.randint(0, 3)))
        killed = run(copy / "hfs.db", left, operation)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        seen.append(content(copy / "hfs.db"))
        shutil.rmtree(copy)
    if stages == 1:
        before = content(base / "hfs.db")
        assert before != after
        assert all(kept in (before, after) for kept in seen)


@pytest.mark.parametrize("operation", ["import", "fork", "rewind", "undo", "rename", "delete"])
def test_an_operation_is_done_or_not(history, operation):
    kill_everywhere(history, operation, stages=1)


def test_a_turn_that_is_killed_leaves_no_half_rows(history):
    kill_everywhere(history, "turn", stages=3)


def test_a_migration_is_done_or_not_and_a_backup_is_kept(old):
    kill_everywhere(old, "migrate", stages=2)
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
            [sys.executable, "-c", CHILD, str(old / "hfs.db"), "0", "turn"],
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
