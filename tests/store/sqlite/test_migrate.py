"""Migrations happen once, wholly or not at all."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from peewee import SqliteDatabase
from playhouse.migrations import Runner

from hfs_cli.messages import Call, ChatMessage, Place, Reply, Turn
from hfs_cli.store.sqlite import migrate
from hfs_cli.store.sqlite.file import APPLICATION_ID, SCHEMA_VERSION
from hfs_cli.store.store import SessionStore
from tests.conftest import UNMEASURED

# HFS_TEST_STRIDE=1 kills at every statement, not at some.
STRIDE = int(os.environ.get("HFS_TEST_STRIDE", "5"))
MIGRATIONS = Path(migrate.__file__).parent / "migrations"


def run(code: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | UNMEASURED,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def test_the_version_is_the_number_of_migrations():
    numbers = sorted(int(p.name[:4]) for p in MIGRATIONS.glob("[0-9]*.py"))
    assert numbers == list(range(1, SCHEMA_VERSION + 1))


COUNT = """
import sys
from pathlib import Path
from hfs_cli.messages import ChatMessage, Reply, Turn
from hfs_cli.store.store import SessionStore
with SessionStore(Path(sys.argv[1])) as store:
    opened = store.begin(Turn(ChatMessage("user", "hi"), "m/x"))
    store.save_reply(opened, Reply("hello", "m/x", status="complete"))
"""


def test_thirty_processes_that_start_at_once_on_nothing_migrate_once_and_lose_nothing(path):
    processes = [run(COUNT, str(path)) for _ in range(30)]
    for process in processes:
        _, errors = process.communicate()
        assert (process.returncode, errors) == (0, b"")
    with SessionStore(path) as store:
        assert store.count() == 30
        assert sum(s.messages for s in store.list_recent(limit=None)) == 60
        assert store.check() == []
    raw = sqlite3.connect(path)
    applied = [name for (name,) in raw.execute("SELECT name FROM schema_migration ORDER BY name")]
    raw.close()
    assert applied == sorted(p.stem for p in MIGRATIONS.glob("[0-9]*.py"))


ONE_SESSION = """
import sys
from pathlib import Path
from hfs_cli.messages import ChatMessage, Place, Reply, Turn
from hfs_cli.store.store import SessionStore
with SessionStore(Path(sys.argv[1])) as store:
    for _ in range(4):
        opened = store.begin(Turn(ChatMessage("user", sys.argv[2]), "m/x", place=Place(1)))
        store.save_reply(opened, Reply("", "m/x"))
        store.save_reply(opened, Reply(sys.argv[2], "m/x", status="complete"))
"""


def test_many_processes_into_one_session_lose_and_double_nothing(path, store, talk):
    talk.turn("start", "ok")
    processes = [run(ONE_SESSION, str(path), f"p{n}") for n in range(12)]
    for process in processes:
        _, errors = process.communicate()
        assert (process.returncode, errors) == (0, b"")
    messages = store.transcript(1)
    assert [m.position for m in messages] == list(range(1, 2 + 12 * 4 * 2 + 1))
    questions = {m.id: m.content for m in messages if m.role == "user"}
    replies = [m for m in messages if m.role == "assistant"]
    assert all(questions[m.reply_to] in {m.content, "start"} for m in replies)
    assert len({m.reply_to for m in replies}) == len(replies) == 49
    assert store.check() == []


# Kill the process just before the nth statement that it sends to SQLite.
KILLED = """
import os, signal, sys
from pathlib import Path
import peewee
from hfs_cli.store.store import SessionStore
left = int(sys.argv[2])
execute = peewee.SqliteDatabase.execute_sql
def counting(self, sql, *rest, **more):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return execute(self, sql, *rest, **more)
peewee.SqliteDatabase.execute_sql = counting
with SessionStore(Path(sys.argv[1])) as store:
    store.delete([1])
"""


def test_a_first_start_that_is_killed_at_some_statement_leaves_all_or_nothing(tmp_path):
    running = {}
    count = 0
    finished = False
    while not finished:
        for n in range(count, count + 4 * STRIDE, STRIDE):
            running[n] = run(KILLED, str(tmp_path / str(n) / "hfs.db"), str(n))
        for n in range(count, count + 4 * STRIDE, STRIDE):
            _, errors = running[n].communicate()
            assert errors == b""
            finished = finished or running[n].returncode == 0
            assert running[n].returncode in {0, -signal.SIGKILL}
            path = tmp_path / str(n) / "hfs.db"
            raw = sqlite3.connect(path) if path.exists() else None
            if raw is not None:
                tables = raw.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
                version = raw.execute("PRAGMA user_version").fetchone()[0]
                assert (tables > 0) == (version == SCHEMA_VERSION)
                raw.close()
            with SessionStore(path) as store:
                assert store.delete([1]) == 0
                assert store.check() == []
        count += 4 * STRIDE
    assert count > 12


@pytest.mark.parametrize("module", ["playhouse.migrations", "httpx", "rich"])
def test_opening_a_current_database_does_not_load_the_machinery(path, talk, module):
    talk.turn("hi", "x")
    code = (
        "import sys; from pathlib import Path; from hfs_cli.store.store import SessionStore\n"
        "with SessionStore(Path(sys.argv[1])) as store: assert store.list_recent()\n"
        f"sys.exit({module!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 0


def test_a_backup_is_a_whole_private_copy(path, talk, tmp_path):
    talk.turn("hi", "hello")
    target = tmp_path / "copy.db"
    old = os.umask(0)
    try:
        migrate.back_up(path, target, replace=False)
    finally:
        os.umask(old)
    assert target.stat().st_mode & 0o777 == 0o600
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy.db", "data"]
    with SessionStore(target) as store:
        assert store.count() == 1


@pytest.fixture(params=range(1, SCHEMA_VERSION))
def earlier(path, request) -> Path:
    """A database of each earlier schema: a question, and a reply that asked for two tools."""
    path.parent.mkdir(mode=0o700)
    path.touch(0o600)
    last = next(p.stem for p in MIGRATIONS.glob(f"{request.param:04}_*.py"))
    db = SqliteDatabase(str(path), pragmas={"journal_mode": "wal"})
    Runner(db, str(MIGRATIONS)).up(last)
    db.execute_sql(
        "INSERT INTO session (id, uid, name, origin, model, message_count, last_status,"
        " created_at, updated_at, use_seq) VALUES (1,'u','n','chat','m',2,'complete',1,1,1)"
    )
    insert = (
        "INSERT INTO message (session_id, position, role, content, status, created_at, reply_to)"
        " VALUES (1, ?, ?, ?, 'complete', 1, ?)"
    )
    db.execute_sql(insert, (1, "user", "question", None))
    db.execute_sql(insert, (2, "assistant", "reply", 1))
    if request.param < 7:  # names alone, beside the text
        db.execute_sql('UPDATE message SET tool_calls = \'["search", "files"]\' WHERE id = 2')
    else:
        for position, name in enumerate(("search", "files"), 1):
            db.execute_sql(
                "INSERT INTO tool_call (message_id, position, call_id, name, arguments, failed)"
                " VALUES (2, ?, '', ?, '', 0)",
                (position, name),
            )
    if request.param > 1:
        for number, words in enumerate(("question", "reply"), 1):
            db.execute_sql(
                "INSERT INTO message_words (rowid, content) VALUES (?, ?)", (number, words)
            )
        db.execute_sql("INSERT INTO session_words (rowid, name) VALUES (1, 'n')")
    db.execute_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute_sql(f"PRAGMA user_version = {request.param}")
    db.close()
    return path


def test_every_earlier_schema_opens_and_its_names_of_tools_are_calls_without_a_result(earlier):
    with SessionStore(earlier) as store:
        question, reply = store.transcript(1)
        assert (question.content, question.tool_calls) == ("question", ())
        assert reply.tool_calls == (Call("", "search"), Call("", "files"))
        assert (reply.reply_to, reply.step, reply.state, reply.extra) == (1, 0, None, None)
        assert store.check() == []
        turn = Turn(ChatMessage("user", "and"), "a/m", place=Place(1))
        opened = store.begin(turn)
        # A model is not told of what nobody ran.
        assert [m.calls for m in opened.messages] == [(), (), ()]
        done = Call("c", "files", "{}", "zebras")
        store.save_reply(opened, Reply("", "a/m", "complete", tool_calls=(done,)))
        assert [hit.position for hit in store.search("zebras")] == [4]
        assert store.check() == []
