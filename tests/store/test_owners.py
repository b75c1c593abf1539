"""Several people on one database: each sees and changes what is his, unless he says otherwise."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import psycopg
import pytest

from hfs_cli.errors import AmbiguousError, NotFoundError, UsageError
from hfs_cli.exchange.native import json_lines
from hfs_cli.messages import Attachment
from hfs_cli.store import sessions
from hfs_cli.store.store import SessionStore
from tests.exchange.test_native import exported, populate
from tests.redact.keys import Keys
from tests.store.places import EmptyDatabase, on_a_file, open_place
from tests.store.talking import Talk

on_a_server = pytest.mark.parametrize("databases", ["postgres"], indirect=True)
EARLY = datetime(2000, 1, 1, tzinfo=UTC)


class Owners:
    """Stores of several people on one database."""

    def __init__(self, database: EmptyDatabase) -> None:
        self.database = database
        self._open: list[SessionStore] = []

    def __call__(self, owner: str | None = None, *, every: bool = False) -> SessionStore:
        store = open_place(self.database.where, owner=owner, every=every)
        self._open.append(store)
        return store

    def close(self) -> None:
        for store in self._open:
            store.close()


@pytest.fixture
def owners(database):
    made = Owners(database)
    yield made
    made.close()


@pytest.fixture
def ann(owners) -> SessionStore:
    return owners("ann")


@pytest.fixture
def bob(owners) -> SessionStore:
    return owners("bob")


def names(store: SessionStore, **asked) -> list[str]:
    return [session.name for session in store.list_recent(**asked)]


@on_a_server
def test_each_sees_what_is_his(owners, ann, bob):
    hers = Talk(ann).turn("the walrus of ann", "yes", name="notes")
    Talk(ann).turn("q", "a", name="plan")
    his = Talk(bob).turn("the walrus of bob", "no", name="notes")
    assert (hers.owner, his.owner) == ("ann", "bob")
    assert (names(ann), names(bob)) == (["plan", "notes"], ["notes"])
    assert (ann.count(), bob.count(), bob.count_kept()) == (2, 1, 1)
    assert bob.last_used().id == his.id
    assert ann.resolve("notes").id == hers.id
    assert bob.resolve("no").id == his.id
    assert ann.resolve("@last~1").id == hers.id
    assert [hit.session_id for hit in bob.search("walrus")] == [his.id]
    assert {hit.session_id for hit in bob.search("notes")} == {his.id}
    assert sum(tally.turns for tally in bob.tallies("model")) == 1
    assert [kept.name for kept in bob.conversations()] == ["notes"]
    assert bob.archived().ids == [his.id]
    assert bob.older_than(datetime.now(UTC) + timedelta(days=1)) == [his]
    assert bob.last_asked().id == his.id


@on_a_server
def test_the_latest_question_is_ones_own(ann, bob):
    his = Talk(bob).turn("q", "a", name="his")
    Talk(ann).ask("without a reply", name="hers")
    assert bob.last_asked().id == his.id
    assert ann.last_asked().name == "hers"


@on_a_server
def test_the_latest_question_is_found_without_a_look_at_what_others_wrote_since(ann, bob, database):
    hers = Talk(ann).ask("without a reply", name="hers")
    his = Talk(bob).turn("q", "a", name="his")
    with psycopg.connect(database.where, autocommit=True) as db:
        db.execute(
            "INSERT INTO message (session_id, position, role, content, status, created_at) SELECT"
            " %s, 2 + n, 'assistant', 'a', 'complete', 0 FROM generate_series(1, 20000) n",
            [his.id],
        )
        db.execute("ANALYZE")
    assert last_asked(ann) == (hers.session.id, True)


@on_a_server
def test_the_latest_question_is_found_without_a_look_at_each_session(ann, database):
    talk = Talk(ann)
    talk.turn("q", "a", name="first")
    with psycopg.connect(database.where, autocommit=True) as db:
        db.execute(
            "INSERT INTO session (uid, name, origin, message_count, last_status, created_at,"
            " updated_at, use_seq, owner) SELECT n::text, n::text, 'chat', 2, 'complete', 0, 0, -n,"
            " 'ann' FROM generate_series(1, 3000) n"
        )
        db.execute(
            "INSERT INTO message (session_id, position, role, content, status, created_at)"
            " SELECT s.id, n, CASE n WHEN 1 THEN 'user' ELSE 'assistant' END, 'text', 'complete', 0"
            " FROM session s, generate_series(1, 2) n WHERE s.use_seq < 0"
        )
        db.execute("ANALYZE")
    last = talk.turn("q", "a", name="last")
    assert last_asked(ann) == (last.id, True)
    asked = talk.ask("more", session=ann.resolve("first"))
    assert last_asked(ann) == (asked.session.id, True)


def last_asked(store: SessionStore) -> tuple[int, bool]:
    """The session of the latest question, and whether few messages were read to find it."""
    with store._engine.reading() as db:
        found = sessions.last_asked(db).id
        read = db.execute_sql(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"
            " WHERE relname = 'message'"
        ).fetchone()
        return found, read[0] < 100


@on_a_server
def test_what_is_anothers_is_found_by_nobody_else_and_told_of(ann, bob):
    hers = Talk(ann).turn("q", "a", name="plan")
    with pytest.raises(NotFoundError, match=rf"^session {hers.id} is ann's: add --owner ann"):
        bob.resolve(str(hers.id))
    with pytest.raises(NotFoundError, match=r'^you have no session "plan", ann has one'):
        bob.resolve("plan")
    assert bob.find("plan") is None
    for change in (
        lambda: bob.rename(hers.id, "mine"),
        lambda: bob.touch(hers.id),
        lambda: bob.fork(hers.id),
        lambda: bob.undo(hers.id),
        lambda: bob.create_checkpoint(hers.id, "here"),
        lambda: Talk(bob).turn("q", "a", hers),
    ):
        with pytest.raises(NotFoundError):
            change()
    assert bob.delete([hers.id]) == 0
    assert Talk(ann).contents(ann.get(hers.id)) == ["q", "a"]
    assert ann.get(hers.id) == hers


@on_a_server
def test_who_says_so_acts_as_another(owners, ann):
    hers = Talk(ann).turn("q", "a", name="plan")
    as_ann = owners("ann")
    Talk(as_ann).turn("more", "b", hers)
    assert as_ann.rename(hers.id, "the plan").name == "the plan"
    assert Talk(as_ann).turn("q", "a", name="new").owner == "ann"
    assert names(ann) == ["new", "the plan"]


@on_a_server
def test_everybodys_are_looked_at_in_the_order_of_time(owners, ann, bob):
    for store, name in ((ann, "notes"), (ann, "plan"), (bob, "notes"), (ann, "plan")):
        Talk(store).turn("walrus", "a", store.find(name), name=None if store.find(name) else name)
    every = owners("carol", every=True)
    listed = [(session.owner, session.name) for session in every.list_recent()]
    assert listed == [("ann", "plan"), ("bob", "notes"), ("ann", "notes")]
    assert every.resolve("@last").name == "plan"
    assert every.resolve("@last~1").owner == "bob"
    assert every.resolve("pl").owner == "ann"
    with pytest.raises(AmbiguousError, match=r'"notes" \(1 of ann\), "notes" \(3 of bob\)'):
        every.resolve("notes")
    assert {hit.owner for hit in every.search("walrus")} == {"ann", "bob"}
    assert {tally.key for tally in every.tallies("session")} == {
        *("ann: notes", "ann: plan", "bob: notes"),
    }
    assert len(list(every.conversations())) == 3
    assert every.check() == []


@on_a_server
def test_names_and_the_order_of_use_are_each_ones_own(ann, bob):
    for store in (ann, bob):
        talk = Talk(store)
        first, second = talk.turn("q", "a", name="one"), talk.turn("q", "a", name="two")
        with pytest.raises(UsageError, match=f'"two" is taken by session {second.id}'):
            store.rename(first.id, "two")
        store.touch(first.id)
    assert names(ann) == names(bob) == ["one", "two"]
    forked = ann.fork(ann.resolve("one").id)
    assert forked.name == "one (fork)"
    assert bob.fork(bob.resolve("one").id).name == "one (fork)"


@on_a_server
def test_first_turns_of_two_under_one_name_at_once(database):
    together = Barrier(8)

    def come(number: int) -> str:
        owner = "ann" if number % 2 else "bob"
        with open_place(database.where, owner=owner) as store:
            together.wait(60)
            try:
                return Talk(store).turn(f"q{number}", "a", name="same").owner
            except UsageError:
                return ""

    with ThreadPoolExecutor(8) as threads:
        came = sorted(filter(None, threads.map(come, range(8))))
    assert came == ["ann", "bob"]


@on_a_server
def test_deleting_all_deletes_ones_own(ann, bob, database):
    picture = Attachment("a.png", "image/png", b"shared")
    for store in (ann, bob):
        talk = Talk(store)
        talk.answer(talk.ask("see", name="notes", attachments=(picture,)), "seen")
        talk.turn("q", "a", name="more")
    assert database.count("attachment") == 1
    assert bob.delete([session.id for session in bob.list_recent()]) == 2
    assert names(bob) == []
    assert names(ann) == ["more", "notes"]
    assert ann.transcript(ann.resolve("notes").id)[0].attachments == (picture,)
    assert len(ann.search("seen")) == 1
    ann.delete([ann.resolve("notes").id])
    assert (database.count("attachment"), database.count("session")) == (0, 1)
    assert ann.check() == []


@on_a_server
def test_a_history_comes_to_each_and_is_deleted_by_each(ann, bob, tmp_path):
    chance = random.Random(29)
    with SessionStore(tmp_path / "from.db") as giver:
        populate(giver, 20, chance, lambda: f"text {chance.random()}")
        whole = exported(giver)
        uid = giver.last_used().uid
        for store in (ann, bob):
            done = put(store, giver)
            assert done.sessions > 5
            assert exported(store) == whole
        ann.delete([next(s.id for s in ann.list_recent() if s.uid == uid)])
        assert put(ann, giver).deleted >= 1
        assert exported(bob) == whole
        done = put(bob, giver)
    assert (done.sessions, done.deleted) == (0, 0)
    assert [s.uid for s in ann.list_recent()] != [s.uid for s in bob.list_recent()]
    assert ann.check() == []


@on_a_server
def test_everybodys_export_holds_each_session_under_a_uid_of_its_own(owners, ann, bob, tmp_path):
    chance = random.Random(30)
    with SessionStore(tmp_path / "from.db") as giver:
        populate(giver, 20, chance, lambda: f"text {chance.random()}")
        for store in (bob, ann):
            put(store, giver)
    for store, said in ((bob, "his"), (ann, "hers")):
        Talk(store).turn(f"{said} alone", "a", store.last_used())
    every = owners(every=True)
    kept = list(every.conversations())
    uids = {conversation.uid for conversation in kept}
    assert len(uids) == len(kept) == 2 * len(list(bob.conversations()))
    assert {c.parent_uid for c in kept} - {None} <= uids
    assert {c.uid for c in ann.conversations()} < uids
    with SessionStore(tmp_path / "to.db") as taker:
        assert put(taker, every).sessions == len(kept)
        assert contents(taker) == contents(ann) + contents(bob)
        assert len(taker.search("alone")) == 2
        Talk(bob).turn("more", "b", bob.last_used())
        done = put(taker, every)
        assert (done.sessions, done.extended, done.messages) == (0, 1, 2)
        assert contents(taker) == contents(ann) + contents(bob)


def contents(store: SessionStore) -> Counter[tuple[str, ...]]:
    """What is said in each session, branches included."""
    return Counter(
        tuple(message.content for message in store.transcript(branch.session.id))
        for session in store.list_recent(limit=None, unanswered=True)
        for branch in store.family(session.id)
    )


def put(store: SessionStore, giver: SessionStore):
    return store.put(giver.conversations())


@on_a_server
def test_an_import_that_broke_off_is_taken_back_by_whose_it_is(owners, ann, bob, database):
    with psycopg.connect(database.where, autocommit=True) as db:
        db.execute("SET hfs.owner = 'ann'")
        db.execute("INSERT INTO import (started_at) VALUES (0)")
        db.execute(
            "INSERT INTO session (uid, name, origin, message_count, created_at, updated_at,"
            " use_seq, import_id) SELECT 'abc', 'half', 'import', 0, 0, 0, -5, id FROM import"
        )
    assert (names(ann), names(bob)) == ([], [])
    with pytest.raises(UsageError, match="comes in with an import"):
        Talk(ann).turn("q", "a", name="half")
    Talk(bob).turn("q", "a", name="half")
    # Nor do those who look at everybody's meet what it has left.
    assert owners(every=True).resolve("half").owner == "bob"
    bob.vacuum()
    assert database.count("import") == 1
    ann.vacuum()
    assert (database.count("import"), names(bob)) == (0, ["half"])


@on_a_server
def test_a_reply_that_is_used_again_is_ones_own(ann, bob):
    talk = Talk(ann)
    ann.note_request(talk.answer(talk.ask("q"), "kept"), "digest")
    assert ann.find_reply("digest", EARLY).content == "kept"
    assert bob.find_reply("digest", EARLY) is None


@on_a_server
def test_keys_are_looked_for_in_what_is_ones_own(ann, bob):
    key = Keys().checked("ghp_")
    note = Attachment("notes.txt", "text/plain", f"it is {key}".encode())
    for store in (ann, bob):
        talk = Talk(store)
        talk.answer(talk.ask(f"use {key}", name="keys", attachments=(note,)), "ok")
        store.create_checkpoint(store.resolve("keys").id, key)
    assert len(ann.kept_keys()) == len(bob.kept_keys()) == 3
    assert len(bob.redact()) == 3
    assert bob.kept_keys() == []
    assert len(ann.kept_keys()) == 3
    assert ann.transcript(ann.resolve("keys").id)[0].attachments == (note,)
    assert key.encode() not in bob.transcript(bob.resolve("keys").id)[0].attachments[0].data


@on_a_server
@pytest.mark.parametrize("owner", ["O'Brien", 'a "b" \\ c', "анна", "x" * 63])
def test_an_owner_may_have_any_name(owners, owner):
    store = owners(owner)
    Talk(store).turn("q", "a", name="one")
    assert [session.owner for session in store.list_recent()] == [owner]
    assert owners("ann").list_recent() == []


# --- a file ---------------------------------------------------------------------------


@on_a_file
def test_in_a_file_no_query_asks_for_an_owner(path, store, monkeypatch):
    """Nobody pays for what he has not: the same statements as ever, but for the tables' columns."""
    said: list[str] = []
    connect = sqlite3.connect

    def told(*args, **kwargs):
        made = connect(*args, **kwargs)
        made.set_trace_callback(said.append)
        return made

    store.delete([1])  # made, before it is listened to
    store.close()
    monkeypatch.setattr(sqlite3, "connect", told)
    talk = Talk(store)
    picture = Attachment("a.txt", "text/plain", b"shared")
    session = talk.turn("q1", "a1", name="notes", attachments=(picture,))
    assert session.owner == ""
    talk.turn("q2", "a2", session)
    store.create_checkpoint(session.id, "end")
    fork = store.fork(session.id, at=2)
    store.rewind(session.id, "2")
    store.touch(fork.id)
    store.rename(fork.id, "other")
    store.list_recent(unanswered=True, query="o")
    store.resolve("oth")
    store.last_asked()
    store.search("q1")
    store.kept_keys()
    store.find_reply("digest", EARLY)
    for by in ("day", "model", "session"):
        store.tallies(by)
    store.older_than(datetime.now(UTC), keep=1)
    list(json_lines(store.conversations()))
    store.delete([session.id])
    store.delete([s.id for s in store.list_recent()])
    monkeypatch.undo()
    asked = [text for text in said if "owner" in text]
    # The key of what was deleted has both, on either engine; else it is a column that is read.
    assert all("ON CONFLICT" in t or "owner" not in t.partition(" FROM ")[2] for t in asked)
    assert len(said) > 100


@on_a_file
def test_in_a_file_nobody_is_left_out(path, store, talk):
    talk.turn("q", "a", name="one")
    with open_place(str(path), owner="ann") as other:
        assert names(other) == ["one"]
    assert Path(path).exists()
