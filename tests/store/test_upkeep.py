from datetime import UTC, datetime, timedelta

import pytest

from hfs_cli.errors import StoreError, UsageError
from hfs_cli.messages import Reply, Usage
from hfs_cli.store.sessions import SessionStore


def age(store, session_id: int, days: int) -> None:
    with store._database.writing() as db:
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


def test_pruning_takes_what_is_old_and_spares_the_last_used(store, talk):
    old = [talk.turn("q", "a", name=name) for name in ("one", "two")]
    fresh = talk.turn("q", "a", name="three")
    tail = store.undo(fresh.id)
    new_tail = store.rewind(fresh.id, "0") if store.get(fresh.id).messages else None
    assert new_tail is None
    for session in (*old, tail):
        age(store, session.id, 40)
    moment = datetime.now(UTC) - timedelta(days=30)
    assert {s.name for s in store.prunable(moment)} == {"one", "two", "three (undone)"}
    assert {s.name for s in store.prunable(moment, keep=2)} == {"one", "three (undone)"}
    store.delete([s.id for s in store.prunable(moment)])
    assert [s.name for s in store.list_recent()] == ["three"]
    assert store.check() == []


def test_an_old_tail_that_was_set_aside_lately_stays(store, talk):
    session = talk.turn("q", "a")
    tail = store.undo(session.id)
    with store._database.writing() as db:
        db.execute_sql("UPDATE session SET updated_at = 0 WHERE id = ?", (tail.id,))
    assert store.prunable(datetime.now(UTC) - timedelta(days=30)) == []


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
