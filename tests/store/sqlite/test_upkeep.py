import signal
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from hfs_cli import signals
from hfs_cli.errors import Interrupted, StoreError, UsageError
from hfs_cli.files import create, take_lock
from hfs_cli.messages import Reply, Usage
from hfs_cli.store.sqlite import file, migrate
from hfs_cli.store.store import SessionStore
from tests.store.talking import Talk


def age(store, session_id: int, days: int) -> None:
    with store._engine.writing() as db:
        db.execute_sql(
            "UPDATE session SET updated_at = updated_at - ?, created_at = created_at - ? "
            "WHERE id = ?",
            (days * 86_400_000_000, days * 86_400_000_000, session_id),
        )


def test_a_backup_holds_everything_and_replaces_nothing(store, talk, tmp_path):
    session = talk.turn("q", "a")
    target = tmp_path / "copy.db"
    store.back_up(target)
    assert target.stat().st_mode & 0o777 == 0o600
    with SessionStore(target) as copy:
        assert copy.transcript(session.id) == store.transcript(session.id)
    with pytest.raises(UsageError, match="exists"):
        store.back_up(target)
    with pytest.raises(StoreError, match="cannot write"):
        store.back_up(tmp_path / "none" / "copy.db")


@pytest.mark.parametrize("where", ["a page", "an index"])
def test_a_damaged_database_is_not_copied(store, talk, path, tmp_path, where):
    talk.turn("q", "x" * 100_000)
    store.vacuum()
    store.close()
    if where == "a page":
        size = path.stat().st_size
        with path.open("r+b") as stream:
            stream.seek(size - 40_000)
            stream.write(b"\xff" * 40_000)
    else:
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA writable_schema = ON")
            db.execute(
                "UPDATE sqlite_master SET sql = replace(sql, 'IS NOT NULL', 'IS NULL') "
                "WHERE name = 'session_parent'"
            )
            db.commit()
    with pytest.raises(StoreError, match="is damaged") as error:
        store.back_up(tmp_path / "copy.db")
    assert "\n" not in error.value.message
    assert ".recover" in error.value.message
    assert not list(tmp_path.glob("copy*"))


def test_there_is_nothing_to_back_up_before_the_first_turn(store, tmp_path):
    with pytest.raises(StoreError, match="no database yet"):
        store.back_up(tmp_path / "copy.db")
    assert store.vacuum() == 0


def test_vacuum_gives_room_back(store, talk):
    session = talk.turn("q", "x" * 1_000_000)
    talk.turn("kept", "kept")
    store.delete([session.id])
    assert store.vacuum() > 500_000
    assert store.check() == []
    assert len(store.search("kept")) >= 1


@pytest.mark.parametrize("work", ["vacuum", "forget"])
def test_a_copy_that_a_kill_left_beside_the_database_goes(store, talk, path, work):
    talk.turn("q", "a")
    copying, left = (path.with_name(f".hfs-{digit * 16}.part") for digit in "01")
    for copy in (copying, left):
        create(copy)
    with copying.open("rb") as file_:
        take_lock(file_.fileno())  # as one that is still made
        getattr(store._engine, work)()
        assert copying.exists()
    assert not left.exists()


def test_pruning_takes_what_is_old_and_spares_the_last_used(store, talk):
    old = [talk.turn("q", "a", name=name) for name in ("one", "two")]
    fresh = talk.turn("q", "a", name="three")
    tail = store.undo(fresh.id)
    new_tail = store.rewind(fresh.id, "0") if store.get(fresh.id).messages else None
    assert new_tail is None
    for session in (*old, tail):
        age(store, session.id, 40)
    moment = datetime.now(UTC) - timedelta(days=30)
    assert {s.name for s in store.older_than(moment)} == {"one", "two", "three (undone)"}
    assert {s.name for s in store.older_than(moment, keep=2)} == {"one", "three (undone)"}
    store.delete([s.id for s in store.older_than(moment)])
    assert [s.name for s in store.list_recent()] == ["three"]
    assert store.check() == []


def test_an_old_tail_that_was_set_aside_lately_stays(store, talk):
    session = talk.turn("q", "a")
    tail = store.undo(session.id)
    with store._engine.writing() as db:
        db.execute_sql("UPDATE session SET updated_at = 0 WHERE id = ?", (tail.id,))
    assert store.older_than(datetime.now(UTC) - timedelta(days=30)) == []


def test_replies_are_counted_by_model_day_and_session(store, talk):
    for model, tokens in (("a/x", 10), ("a/x", 20), ("b/y", None)):
        opened = talk.ask("q", name=None)
        store.save_reply(
            opened,
            Reply("r", model, status="complete", usage=Usage(tokens, tokens), first_token_s=0.5),
        )
    by_model = store.tallies("model")
    assert [(t.key, t.turns, t.input_tokens, t.first_token_s) for t in by_model] == [
        ("a/x", 2, 30, 0.5),
        ("b/y", 1, 0, 0.5),
    ]
    today = datetime.now().astimezone().date().isoformat()
    assert {t.key for t in store.tallies("day")} == {today}
    assert len(store.tallies("session")) == 3
    assert store.tallies("day", since=datetime.now(UTC) + timedelta(1)) == []


def test_a_shared_reply_counts_once(store, talk):
    session = talk.turn("q", "a")
    store.fork(session.id)
    assert sum(t.turns for t in store.tallies("model")) == 1


def test_a_vacuum_gives_the_room_back_a_little_at_a_time(store, talk, path):
    session = talk.turn("q", "words " * 500_000)
    keep = talk.turn("kept", "reply")
    store.delete([session.id])
    store.close()
    before = path.stat().st_size
    assert store.vacuum() > 1_000_000
    assert path.stat().st_size < before - 1_000_000
    assert talk.contents(keep) == ["kept", "reply"]
    assert [hit.position for hit in store.search("reply")] == [2]
    assert store.check() == []
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert db.execute("PRAGMA freelist_count").fetchone() == (0,)


def test_a_file_that_an_earlier_hfs_made_is_written_anew_once(store, talk, path):
    session = talk.turn("q", "a")
    store.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in ("PRAGMA journal_mode = DELETE", "PRAGMA auto_vacuum = 0", "VACUUM"):
            db.execute(statement)
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (0,)
        db.execute("PRAGMA journal_mode = WAL")
    store.vacuum()
    assert talk.contents(session) == ["q", "a"]
    assert store.check() == []
    store.close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)


@pytest.mark.parametrize("work", ["check", "vacuum", "back_up"])
def test_a_signal_ends_long_work(store, talk, path, tmp_path, monkeypatch, work):
    talk.turn("q", "words " * 100_000)
    monkeypatch.setattr(signals, "received", lambda: signal.SIGINT)
    monkeypatch.setattr(file, "_STEPS", 10)
    with pytest.raises(Interrupted) as ended:
        getattr(store, work)(*([tmp_path / "copy.db"] if work == "back_up" else []))
    assert ended.value.exit_code == 130
    monkeypatch.undo()
    assert store.check() == []
    assert not list(tmp_path.glob("copy*"))


def test_a_backup_is_of_one_moment_while_others_write(store, talk, path, tmp_path, monkeypatch):
    talk.turn("q", "words " * 100_000)
    monkeypatch.setattr(migrate, "_PAGES", 1)
    stop = threading.Event()

    def write():
        with SessionStore(path) as other:
            while not stop.wait(0.001):
                Talk(other).turn("one", "more")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        store.back_up(tmp_path / "copy.db")
    finally:
        stop.set()
        writer.join()
    with SessionStore(tmp_path / "copy.db") as copy:
        assert copy.check() == []
        assert copy.count() < store.count()
