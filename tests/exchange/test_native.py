"""What goes out comes back, and what is not ours stays out."""

import json
import os
import random
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfs_cli.errors import UsageError
from hfs_cli.exchange.native import json_document, json_lines
from hfs_cli.messages import Attachment, Call, Citation, KeptState, Session, Usage
from hfs_cli.store.store import SessionStore
from tests.exchange.reading import bring_in
from tests.store.talking import Talk

WRITERS = {"json": json_document, "jsonl": json_lines}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def exported(store, form="json", ids=None):
    return "".join(WRITERS[form](store.conversations(ids)))


def imported(path, text):
    path.parent.mkdir(exist_ok=True)
    file = path.with_suffix(".in")
    file.write_text(text, encoding="utf-8", newline="")
    with SessionStore(path) as store:
        done = bring_in(store, file)
        assert store.check() == []
        return done, exported(store)


def turn_with_tools(talk: Talk, session: Session, chance: random.Random, text) -> None:
    """Up to three calls of as many kinds, or none, and then mostly an answer."""
    opened = talk.ask(text(), session)
    began = datetime(2026, 11, 29, 1, 2, 3, chance.randrange(10**6), UTC)
    sealed = {text(): [text(), None, 0.5]}
    calls = (
        Call(text(), text(), text(), text(), failed=True, extra=sealed),
        Call("", "a__b", "{}", started_at=began),
        Call("2", "a__b", "{}", "", started_at=began, ended_at=began),
    )[: chance.randrange(4)]
    state = chance.choice([None, KeptState("openai", (sealed, {}))])
    talk.answer(opened, text(), tool_calls=calls, state=state)
    if calls and chance.random() < 0.7:
        talk.answer(opened, text(), step=1, state=state)


def populate(store: SessionStore, count: int, chance: random.Random, text) -> None:
    """Sessions with every feature: branches, checkpoints, partial replies, attachments."""
    talk = Talk(store)
    made = []
    for _ in range(count):
        match chance.randrange(8) if made else 0:
            case 0 | 1:
                file = Attachment("a.bin", "image/png", bytes(chance.randrange(256) for _ in "abc"))
                opened = talk.ask(
                    text(),
                    attachments=(file, Attachment("u", "image/png", url="https://example.org/")),
                    system=chance.choice([None, text()]),
                )
                made.append(opened.session.id)
                talk.answer(
                    opened,
                    text(),
                    usage=chance.choice([None, Usage(chance.randrange(10**6), None, 3)]),
                    reasoning=text(),
                    finish_reason="stop",
                    finish_raw="end_turn",
                    total_s=chance.random(),
                    first_token_s=0.1 + 0.2,
                    tool_calls=(Call("", "search"),),
                    citations=(Citation("https://a.test/", text(), "so", 0, 5), Citation("", "b")),
                )
            case 2:
                session = store.get(chance.choice(made))
                talk.answer(talk.ask(text(), session), text(), status="partial", error="cut")
            case 3:
                talk.ask(text(), store.get(chance.choice(made)))
            case 4:
                session = store.get(chance.choice(made))
                if session.messages:
                    at = chance.randrange(session.messages) + 1
                    made.append(store.fork(session.id, at=at).id)
            case 5:
                session = store.get(chance.choice(made))
                if session.messages:
                    at = chance.randrange(session.messages)
                    made.append(store.rewind(session.id, str(at)).id)
            case 6:
                session = store.get(chance.choice(made))
                if session.messages:
                    store.create_checkpoint(session.id)
            case 7:
                turn_with_tools(talk, store.get(chance.choice(made)), chance, text)


# HFS_TEST_SESSIONS=1000 for the long run.
SESSIONS = int(os.environ.get("HFS_TEST_SESSIONS", "50"))


def test_many_sessions_with_every_feature_come_back_identical(tmp_path):
    chance = random.Random(20261122)
    with SessionStore(tmp_path / "a" / "hfs.db") as store:
        while store.count() < SESSIONS:
            populate(store, 60, chance, lambda: f"text {chance.random()} \0 ünï 检查")
        document = exported(store)
        done, again = imported(tmp_path / "b" / "hfs.db", document)
        assert again == document
        assert done.sessions >= SESSIONS
        assert imported(tmp_path / "c" / "hfs.db", exported(store, "jsonl"))[1] == document
    with SessionStore(tmp_path / "b" / "hfs.db") as other:
        assert len(other.search("检查", limit=20)) == 20


@settings(max_examples=12)
@given(st.integers(0, 2**32), st.lists(TEXT, min_size=1, max_size=5))
def test_whatever_was_said_comes_back_identical(seed, texts):
    chance = random.Random(seed)
    with TemporaryDirectory() as directory:
        with SessionStore(Path(directory) / "a" / "hfs.db") as store:
            populate(store, 12, chance, lambda: chance.choice(texts))
            document = exported(store)
        assert imported(Path(directory) / "b" / "hfs.db", document)[1] == document


def test_importing_twice_changes_nothing(tmp_path, store, talk):
    talk.turn("q", "a")
    document = exported(store)
    path = tmp_path / "b" / "hfs.db"
    assert imported(path, document)[0].sessions == 1
    done, again = imported(path, document)
    assert (done.sessions, done.present) == (0, 1)
    assert again == document


def test_a_dry_run_tells_and_leaves_nothing(tmp_path, store, talk):
    talk.turn("q", "a")
    file = tmp_path / "f.json"
    file.write_text(exported(store))
    with SessionStore(tmp_path / "b" / "hfs.db") as other:
        done = bring_in(other, file, dry_run=True)
        assert (done.sessions, done.messages, other.count()) == (1, 2, 0)
        assert not (tmp_path / "b").exists()
        assert bring_in(other, file).sessions == 1
        assert bring_in(other, file, dry_run=True).present == 1
        assert other.count() == 1


def test_a_branch_alone_carries_what_it_shares(tmp_path, store, talk):
    session = talk.turn("q", "a", name="parent")
    fork = store.fork(session.id, name="child")
    talk.turn("x", "y", fork)
    _, again = imported(tmp_path / "b" / "hfs.db", exported(store, ids=[fork.id]))
    (alone,) = json.loads(again)["sessions"]
    assert alone["parent_uid"] is None
    assert [m["content"] for m in alone["messages"]] == ["q", "a", "x", "y"]


def test_a_tail_that_was_set_aside_travels_with_its_session(store, talk):
    session = talk.turn("q", "a", name="parent")
    other = talk.turn("q", "a", name="other")
    store.undo(session.id)
    names = [s["name"] for s in json.loads(exported(store, ids=[session.id]))["sessions"]]
    assert names == ["parent", "parent (undone)"]
    assert other.name not in names


def test_a_name_comes_back_as_it_was_kept(tmp_path, store, talk):
    for name in ("  spaced  ", "x" * 255):
        assert talk.turn("q", "a", name=name).name == name.strip()
        assert store.resolve(name).name == name.strip()
    document = exported(store)
    assert imported(tmp_path / "b" / "hfs.db", document)[1] == document


def test_a_name_that_is_taken_gets_a_number(tmp_path, store, talk):
    talk.turn("q", "a", name="mine")
    document = exported(store)
    path = tmp_path / "b" / "hfs.db"
    with SessionStore(path) as other:
        Talk(other).turn("x", "y", name="mine")
    imported(path, document)
    with SessionStore(path) as other:
        assert sorted(s.name for s in other.list_recent()) == ["mine", "mine (2)"]


def at(year):
    return f"{year}-11-22T18:05:00Z"


def session_of(number, year, **more):
    return {
        **SESSION,
        "uid": f"{number:032x}",
        "name": f"s{number}",
        "updated_at": at(year),
        **more,
    }


def names_in(path):
    with SessionStore(path) as store:
        assert store.check() == []
        return [s.name for s in store.in_order_of_use(20)]


def test_what_comes_in_stands_below_what_was_used_here_by_its_own_time(tmp_path):
    path = tmp_path / "hfs.db"
    imported(path, document(session_of(1, 2021), session_of(3, 2023)))
    assert names_in(path) == ["s3", "s1"]
    imported(path, document(session_of(2, 2022), session_of(4, 2024)))
    assert names_in(path) == ["s4", "s3", "s2", "s1"]
    with SessionStore(path) as store:
        Talk(store).turn("q", "a", name="here")
        store.touch(store.resolve("s1").id)
    imported(path, document(session_of(5, 2020), session_of(6, 2999)))
    assert names_in(path) == ["s1", "here", "s6", "s4", "s3", "s2", "s5"]
    with SessionStore(path) as store:
        document_ = exported(store)
    assert imported(tmp_path / "again" / "hfs.db", document_)[1] == document_


def test_an_order_of_use_that_a_clock_went_back_in_is_kept(tmp_path):
    text = document(session_of(1, 2025), session_of(2, 2024))
    imported(tmp_path / "hfs.db", text)
    assert names_in(tmp_path / "hfs.db") == ["s2", "s1"]


# --- what anyone may have written -------------------------------------------------------

SESSION = {
    "uid": "0" * 32,
    "name": "n",
    "origin": "chat",
    "listed": True,
    "model": None,
    "created_at": "2026-11-22T18:05:00Z",
    "updated_at": "2026-11-22T18:05:00Z",
    "parent_uid": None,
    "fork_position": None,
    "checkpoints": [],
    "messages": [],
}
MESSAGE = {
    "position": 1,
    "role": "user",
    "content": "hi",
    "status": "complete",
    "created_at": "2026-11-22T18:05:00Z",
}


CALL = {"id": "", "name": "search", "arguments": "{}", "failed": False}


def document(*sessions, version=1):
    return json.dumps({"format": "hfs", "schema_version": version, "sessions": list(sessions)})


def with_message(**changes):
    return {**SESSION, "uid": "1" * 32, "messages": [{**MESSAGE, **changes}]}


BAD_SESSIONS = {
    "no object": 5,
    "uid": {**SESSION, "uid": "x"},
    "digits for a name": {**SESSION, "name": "123"},
    "control characters in a name": {**SESSION, "name": "a\x1b[2J"},
    "origin": {**SESSION, "origin": "elsewhere"},
    "listed": {**SESSION, "listed": 1},
    "time": {**SESSION, "created_at": "yesterday"},
    "time beyond": {**SESSION, "created_at": "9999-12-31T23:59:59-23:00"},
    "parent without position": {**SESSION, "parent_uid": "2" * 32},
    "parent missing": {**SESSION, "parent_uid": "2" * 32, "fork_position": 0},
    "its own parent": {**SESSION, "parent_uid": "0" * 32, "fork_position": 0},
    "messages no array": {**SESSION, "messages": {}},
    "role": with_message(role="system2"),
    "position": with_message(position=2),
    "content number": with_message(content=5),
    "surrogate": with_message(content="\ud800"),
    "huge number": with_message(usage={"input_tokens": 2**63}),
    "negative": with_message(usage={"input_tokens": -1}),
    "answers itself": with_message(reply_to=1),
    "no base64": with_message(attachments=[{"name": "a", "media_type": "b", "data": "*"}]),
    "a step of none": with_message(step=-1),
    "a state without items' objects": with_message(state={"provider": "a", "items": [1]}),
    "calls of names": with_message(calls=["search"]),
    "a call without words": with_message(calls=[{**CALL, "name": None}]),
    "a call at no time": with_message(calls=[{**CALL, "started_at": "now"}]),
    "a call with a word more": with_message(calls=[{**CALL, "extra": "x"}]),
    "checkpoint beyond": {
        **SESSION,
        "checkpoints": [{"position": 1, "label": "x", "created_at": SESSION["created_at"]}],
    },
}
BAD_DOCUMENTS = {
    "empty": "",
    "no json": "{",
    "array": "[]",
    "another format": '{"format": "x", "schema_version": 1}',
    "newer": document(version=2),
    "older than all": document(version=0),
    "NaN": document(SESSION)[:-1] + ', "x": NaN}',
    "deep": '{"format": "hfs", "schema_version": 1, "sessions": ' + "[" * 100_000,
    "twice": '{"format": "hfs", "format": "hfs", "schema_version": 1}',
    "5000 digits": '{"format": "hfs", "schema_version": ' + "1" * 5000 + "}",
    "lines that end": json.dumps({"format": "hfs", "schema_version": 1}) + '\n{"uid": ',
    "not utf-8": "\udcff",
}


@pytest.mark.parametrize("what", BAD_SESSIONS)
def test_one_bad_session_keeps_all_out(tmp_path, what):
    text = document({**SESSION, "uid": "f" * 32}, BAD_SESSIONS[what])
    refused(tmp_path, text.encode())


@pytest.mark.parametrize("what", BAD_DOCUMENTS)
def test_what_is_not_a_document_of_ours_is_refused(tmp_path, what):
    refused(tmp_path, BAD_DOCUMENTS[what].encode("utf-8", "surrogateescape"))


def refused(tmp_path, data: bytes) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(data)
    with SessionStore(tmp_path / "hfs.db") as store:
        with pytest.raises(UsageError) as error:
            bring_in(store, file)
        assert store.count() == 0
    assert "\n" not in error.value.message


def test_the_smallest_session_comes_in_and_nothing_in_it_is_sql(tmp_path):
    evil = "'); DROP TABLE session; --"
    text = document({**with_message(content=evil), "name": evil, "model": evil})
    assert imported(tmp_path / "hfs.db", text)[0].messages == 1


def test_calls_that_an_earlier_hfs_wrote_as_names_come_in_as_calls(tmp_path):
    text = document(with_message(role="assistant", tool_calls=["search"]))
    (tmp_path / "old.json").write_text(text)
    with SessionStore(tmp_path / "hfs.db") as store:
        bring_in(store, tmp_path / "old.json")
        assert store.transcript(1)[0].tool_calls == (Call("", "search"),)
