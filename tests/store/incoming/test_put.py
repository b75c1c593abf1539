"""Imports: others go on meanwhile, and all of it is there or nothing."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from hfs_cli.conversations import Conversation
from hfs_cli.errors import UsageError
from hfs_cli.exchange.native import json_document, json_lines
from hfs_cli.messages import Message
from hfs_cli.store.incoming import bulk, write
from hfs_cli.store.store import SessionStore
from hfs_cli.store.tables import SessionRow
from tests.conftest import UNMEASURED
from tests.exchange.reading import bring_in, conversations_in
from tests.exchange.test_native import populate
from tests.store.talking import Talk

IMPORT = """
import sys
from pathlib import Path
from hfs_cli.exchange.detect import open_source
from tests.store.places import open_place
with open_place(sys.argv[1]) as store, open_source(Path(sys.argv[2])) as source:
    store.put(source)
"""
SMALL = "import hfs_cli.store.incoming.bulk as b; b.MESSAGES = 3\n"
MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def small(monkeypatch):
    """Transactions of a few messages each."""
    monkeypatch.setattr(bulk, "MESSAGES", 3)
    monkeypatch.setattr(bulk, "CHARACTERS", 200)
    monkeypatch.setattr(bulk, "SESSIONS", 4)


@pytest.fixture
def history(tmp_path) -> Path:
    """Sessions of every kind, as JSON Lines."""
    with SessionStore(tmp_path / "from" / "hfs.db") as store:
        populate(store, 60, random.Random(7), lambda: "some words about llamas")
        (tmp_path / "in.json").write_text("".join(json_document(store.conversations())))
        (tmp_path / "in.jsonl").write_text("".join(json_lines(store.conversations())))
    return tmp_path / "in.jsonl"


def test_many_small_transactions_bring_the_same(small, history, database, store):
    bring_in(store, history)
    assert "".join(json_document(store.conversations())) == (
        history.with_suffix(".json").read_text()
    )
    assert store.check() == []


def test_nothing_is_shown_before_all_has_come(small, history, database, store, talk):
    mine = talk.turn("my question", "my reply", name="mine")
    seen = []

    def conversations():
        for conversation in conversations_in(history):
            yield conversation
            # Another process, in the middle of it.
            with database.open() as other:
                assert [s.name for s in other.list_recent(unanswered=True)] == ["mine"]
                assert (other.count(), other.last_used().name) == (1, "mine")
                assert [h.session_name for h in other.search("llamas")] == []
                assert sum(t.turns for t in other.tallies("model")) == len(seen) + 1
                assert len(list(other.conversations())) == 1
                assert other.last_asked().id == mine.id
                assert other.find(conversation.name) is None
                assert other.check() == []
                Talk(other).turn("more", "and more", mine)
                seen.append(database.count("session"))

    done = store.put(conversations())
    assert max(seen[:-1]) > 1  # it was there in part
    assert store.count() > 1
    assert len(store.search("llamas", limit=5)) == 5
    assert store.get(mine.id).messages == 2 + 2 * done.sessions
    assert store.last_used().id == mine.id
    assert store.check() == []


def test_forks_that_add_nothing_are_written_a_few_at_a_time_too(small, database, store):
    said = (Message(1, 1, "user", "q", MOMENT), Message(2, 2, "assistant", "a", MOMENT))
    parent = Conversation("a" * 32, "one", "chat", True, None, MOMENT, MOMENT, said)
    written = []

    def conversations():
        for number in range(40):
            yield replace(
                parent,
                uid=f"{number:032x}",
                messages=(),
                parent_uid=parent.uid,
                fork_position=2,
            )
            written.append(database.count("session"))
        yield parent

    assert store.put(conversations()).sessions == 41
    # Nobody waits for many of them: no transaction has more than four.
    assert max(after - before for before, after in pairwise(written)) == 4
    assert written[-1] >= 36
    names = ["one", *(f"one ({number})" for number in range(2, 42))]
    assert [session.name for session in store.list_recent(limit=None)][::-1] == names
    assert store.check() == []


def test_what_breaks_off_leaves_nothing(small, history, database, store, talk):
    talk.turn("q", "a")
    before = [database.count(t) for t in ("session", "message", "attachment", "import")]
    history.write_text(history.read_text() + "{}\n")
    with pytest.raises(UsageError, match="uid must be"):
        bring_in(store, history)
    assert [database.count(t) for t in ("session", "message", "attachment", "import")] == before
    assert store.check() == []
    # Words that are gone are found nowhere.
    assert store.search("llamas") == []


def test_an_import_that_is_killed_shows_nothing_and_the_next_one_brings_all(
    history, database, store
):
    names = [json.loads(line)["name"] for line in history.read_text().splitlines()[1:]]
    lines = history.read_text().splitlines(keepends=True)
    pipe = history.with_name("pipe")
    os.mkfifo(pipe)
    with database.open() as empty:
        empty.delete([1])  # makes the tables
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORT.replace("with ", SMALL + "with "), database.where, str(pipe)],
        env=os.environ | UNMEASURED,
    )
    with pipe.open("w") as half:
        half.writelines(lines[: len(lines) // 2])
        half.flush()
        deadline = time.monotonic() + 60
        while not database.count("session"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        # It waits for the rest, in the middle of its work, and a chat does not wait for it.
        Talk(store).turn("q", "a", name="meanwhile")
        assert [s.name for s in store.list_recent()] == ["meanwhile"]
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert [s.name for s in store.list_recent()] == ["meanwhile"]
    assert database.count("session") > 1
    assert store.check() == []
    with pytest.raises(UsageError, match="comes in with an import"):
        Talk(store).turn("q", "a", name=names[0])
    assert bring_in(store, history).sessions == len(names)
    assert database.count("session") == len(names) + 1
    assert database.count("import") == 1
    assert store.check() == []


def test_two_imports_of_one_file_bring_it_once(history, database, store):
    processes = [
        subprocess.Popen([sys.executable, "-c", IMPORT, database.where, str(history)]) for _ in "ab"
    ]
    assert [process.wait(120) for process in processes] == [0, 0]
    assert "".join(json_document(store.conversations())) == (
        history.with_suffix(".json").read_text()
    )
    assert store.check() == []


def test_what_a_branch_was_of_may_go_while_it_comes(small, history, database, store, talk):
    parent = talk.turn("q", "a", name="parent")
    fork = store.fork(parent.id, at=2, name="child")
    talk.turn("x", "y", fork)
    there, child = store.conversations()
    store.delete([fork.id])

    def conversations():
        yield child
        yield there
        store.delete([parent.id])

    with pytest.raises(UsageError, match="changed meanwhile"):
        store.put(conversations(), restore=True)
    assert database.count("session") == 0


def test_sessions_of_one_time_stand_in_the_order_in_which_they_came(store):
    def session(number):
        return Conversation(
            f"{number:032x}", f"s{number}", "import", True, None, MOMENT, MOMENT, ()
        )

    store.put(map(session, range(4)), in_order=False)
    store.put(map(session, range(4, 8)), in_order=False)
    assert [s.name for s in store.list_recent()] == [f"s{n}" for n in range(7, -1, -1)]
    assert Talk(store).turn("q", "a").id == store.last_used().id


def test_a_broken_branch_of_much_text_leaves_no_word_in_the_index(database, store):
    question = Message(1, 1, "user", "ostrich " * 50_000, MOMENT)
    branch = Conversation(
        uid="b" * 32,
        name="of a session that never came",
        origin="fork",
        listed=True,
        model=None,
        created_at=MOMENT,
        updated_at=MOMENT,
        messages=tuple(question._replace(id=n, position=n) for n in range(2, 5)),
        parent_uid="a" * 32,
        fork_position=1,
    )
    told = []
    done = store.put([branch], broken=told.append)
    assert (done.sessions, done.messages, done.broken, len(told)) == (0, 0, 1, 1)
    assert [database.count(table) for table in ("session", "message")] == [0, 0]
    assert store.check() == []
    assert store.search("ostrich") == []


def test_texts_of_all_kinds_are_found_once_they_have_come(store):
    texts = ["plain one", "plain two", "Über den Wolken", "a “quote” – and a dash", "東京タワー"]
    texts += ["zero\0byte", "plain three", "plain four"]
    said = [
        Message(n, n, "user", text, MOMENT, "partial" if text == "plain three" else "complete")
        for n, text in enumerate(texts, 1)
    ]
    for uid, messages in (("a" * 32, said), ("b" * 32, said[:3])):
        arriving = Conversation(uid, "n", "chat", True, None, MOMENT, MOMENT, tuple(messages))
        store.put([arriving])
    for word in ("one", "two", "uber", "quote", "dash", "京タ", "byte", "three", "four", "wolken"):
        found = store.search(word)
        assert len(found) == (2 if word in {"one", "two", "uber", "wolken"} else 1), word
    assert store.check() == []
    store.delete([session.id for session in store.list_recent()])
    assert store.search("plain") == []
    assert store.check() == []


def test_a_row_with_a_uid_that_nobody_gave_is_in_nobody_s_way(store, talk, history):
    talk.turn("hi", "hello")
    with store._engine.writing() as db:
        SessionRow.update(uid="not a number").execute(db)
    assert bring_in(store, history).sessions


@pytest.mark.parametrize("most", [0, 3])
def test_uids_that_are_too_many_to_have_in_mind_are_asked_for(store, history, monkeypatch, most):
    monkeypatch.setattr(write, "_IN_MIND", most)
    came = bring_in(store, history)
    again = bring_in(store, history)
    assert (again.sessions, again.messages, again.present) == (0, 0, came.sessions)
    alone = next(s for s in store.list_recent(limit=None) if len(store.family(s.id)) == 1)
    store.delete([alone.id])
    assert bring_in(store, history).deleted == 1


def test_who_waits_for_another_import_is_told_so_once_and_comes_in_after_it(database):
    told, waits = [], threading.Event()

    def wait():
        told.append("waits")
        waits.set()

    with database.open() as first, database.open() as second:

        def bring():
            with second._engine.importing(wait):
                told.append("in")

        with first._engine.importing(lambda: told.append("first waits")):
            other = threading.Thread(target=bring)
            other.start()
            assert waits.wait(60)
            assert told == ["waits"]
        other.join(60)
    assert told == ["waits", "in"]
