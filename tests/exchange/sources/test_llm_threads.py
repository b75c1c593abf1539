"""The message store of llm since 0.32 comes whole, alone and beside the tables of before."""

import json
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from hfs_cli.exchange.sources import llm
from hfs_cli.messages import Usage
from tests.exchange.reading import bring_in, read
from tests.scripted_server import openai_sse

SCHEMA = """
CREATE TABLE messages (hash TEXT PRIMARY KEY, parent_hash TEXT, role TEXT, provider_metadata TEXT);
CREATE TABLE parts (id INTEGER PRIMARY KEY, message_hash TEXT, position INTEGER, type TEXT,
    tool_name TEXT, text TEXT, payload TEXT);
CREATE TABLE threads (id TEXT PRIMARY KEY, name TEXT, tip_message_hash TEXT, forked_from TEXT,
    datetime_utc TEXT);
CREATE TABLE turns (id TEXT PRIMARY KEY, thread_id TEXT, parent_message_hash TEXT,
    tip_message_hash TEXT, model TEXT, resolved_model TEXT, options_json TEXT, schema_id TEXT,
    input_tokens INTEGER, output_tokens INTEGER, token_details TEXT, duration_ms INTEGER,
    datetime_utc TEXT, response_json TEXT);
CREATE TABLE fragments (id INTEGER PRIMARY KEY, hash TEXT, content TEXT);
CREATE TABLE attachments (id TEXT, type TEXT, path TEXT, url TEXT, content BLOB);
CREATE TABLE schemas (id TEXT, content TEXT);
"""
OLDER = """
CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT,
    prompt_json TEXT, options_json TEXT, response TEXT, response_json TEXT, conversation_id TEXT,
    duration_ms INTEGER, datetime_utc TEXT, input_tokens INTEGER, output_tokens INTEGER);
"""


class Logs:
    """A database in the shape of llm's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with closing(sqlite3.connect(path)) as db:
            db.executescript(SCHEMA)

    def put(self, table: str, **columns: object) -> None:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        with closing(sqlite3.connect(self.path)) as db, db:
            db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", [*columns.values()])

    def say(self, key: str, after: str | None, role: str, *parts: object) -> None:
        """A message; a part is text, or its kind with its payload."""
        self.put("messages", hash=key, parent_hash=after, role=role)
        for place, part in enumerate(parts):
            kind, value = part if isinstance(part, tuple) else ("text", part)
            text, payload = (value, None) if isinstance(value, str) else (None, json.dumps(value))
            columns = {"type": kind, "text": text, "payload": payload}
            self.put("parts", message_hash=key, position=place, **columns)

    def turn(self, key: str, thread: str, parent: str, tip: str, second: int) -> None:
        self.put(
            "turns",
            id=key,
            thread_id=thread,
            parent_message_hash=parent,
            tip_message_hash=tip,
            model="m",
            options_json='{"temperature": 0.5}',
            schema_id="s1" if key == "t2" else None,
            input_tokens=11,
            output_tokens=2,
            duration_ms=1500,
            datetime_utc=f"2026-05-06T07:08:0{second}.123456+00:00",
        )


@pytest.fixture
def logs(tmp_path):
    """A conversation with fragment, file, thought, call and an abandoned turn, and its fork."""
    made = Logs(tmp_path / "logs.db")
    made.put("fragments", id=1, content="a long text")
    made.put("attachments", id="a1", type="image/png", path="/x/p.png", content=b"\x89PNG")
    made.put("attachments", id="a2", type="text/plain", path="/x/gone.txt")
    made.put("schemas", id="s1", content='{"type": "object"}')
    made.say("h0", None, "system", "be brief")
    pieces = {"text_ref": [{"fragment": 1}, {"literal": "\nSummarise"}]}
    files = [("attachment", {"attachment": {"id": key}}) for key in ("a1", "a2")]
    made.say("h1", "h0", "user", ("text", pieces), *files)
    asked = {"name": "add", "arguments": {"a": 1}, "tool_call_id": "c1"}
    made.say("h2", "h1", "assistant", ("reasoning", "hm"), ("tool_call", asked))
    given = {"name": "add", "output": "2", "tool_call_id": "c1"}
    made.say("h3", "h2", "tool", ("tool_result", given))
    made.say("h4", "h3", "assistant", "It is two.")
    made.say("h5", "h4", "user", "More")
    made.say("h6", "h5", "assistant", "The end.")
    made.say("h7", "h5", "assistant", "Another end.")
    made.say("f1", "h4", "user", "Elsewhere")
    made.say("f2", "f1", "assistant", "There.")
    made.say("x1", None, "user", "nobody's")
    made.put("threads", id="01", name="Summary", tip_message_hash="h6")
    made.put("threads", id="02", name="Aside", tip_message_hash="f2", forked_from="01")
    for turn in (
        ("t1", "01", "h1", "h2", 1),
        ("t2", "01", "h3", "h4", 2),
        ("t3", "01", "h5", "h7", 3),
        ("t4", "01", "h5", "h6", 4),
        ("t5", "02", "f1", "f2", 5),
    ):
        made.turn(*turn)
    return made


def said(conversation):
    return [(m.role, m.content) for m in conversation.messages]


def test_threads_come_with_all_that_they_hold(logs, store):
    before = logs.path.read_bytes()
    main, variant, fork, alone = read(llm.conversations(logs.path))
    assert (main.name, said(main)) == (
        "Summary",
        [
            ("system", "be brief"),
            ("user", "a long text\nSummarise"),
            ("assistant", ""),
            ("assistant", "It is two."),
            ("user", "More"),
            ("assistant", "The end."),
        ],
    )
    question, step, reply = main.messages[1:4]
    assert [(a.name, a.data) for a in question.attachments] == [("p.png", b"\x89PNG")]
    (call,) = step.tool_calls
    assert (step.reasoning, call.id, call.name, call.arguments, call.result) == (
        "hm",
        "c1",
        "add",
        '{"a": 1}',
        "2",
    )
    assert (reply.model, reply.usage, reply.total_s) == ("m", Usage(11, 2), 1.5)
    assert reply.created_at.isoformat() == "2026-05-06T07:08:02.123456+00:00"
    assert reply.extra["options"] == {"temperature": 0.5}
    assert reply.extra["schema"] == {"type": "object"}
    assert (variant.fork_position, said(variant)) == (5, [("assistant", "Another end.")])
    assert (fork.name, fork.origin, fork.listed) == ("Aside", "fork", True)
    assert (fork.parent_uid, fork.fork_position, said(fork)) == (
        main.uid,
        4,
        [("user", "Elsewhere"), ("assistant", "There.")],
    )
    assert said(alone) == [("user", "nobody's")]
    done = bring_in(store, logs.path)
    # Eleven messages, one of which is what a call returned.
    assert (done.sessions, done.branches, done.messages) == (4, 2, 10)
    assert (done.attachments, done.calls) == (1, 1)
    assert done.left_out == {"file that is not in the export": 1}
    assert store.check() == []
    assert logs.path.read_bytes() == before
    assert bring_in(store, logs.path).sessions == 0


@pytest.fixture
def upgraded(logs):
    """A database that was used before and after 0.32; the thread 01 goes on with the older one."""
    with closing(sqlite3.connect(logs.path)) as db:
        db.executescript(OLDER)
    logs.put("conversations", id="01", name="As it began")
    logs.put("conversations", id="00", name="Never again")
    older = {"model": "old", "datetime_utc": "2024-05-06T07:08:09"}
    logs.put("responses", id="r0", conversation_id="00", prompt="q", response="a", **older)
    text = {"system": "be brief", "prompt": "a long text\nSummarise", "response": ""}
    logs.put("responses", id="r1", conversation_id="01", **text, **older)
    return logs


def test_a_database_that_holds_both_loses_neither(upgraded):
    main, *_, last = found = read(llm.conversations(upgraded.path))
    assert len(found) == 5
    assert (last.name, said(last)) == ("Never again", [("user", "q"), ("assistant", "a")])
    assert (main.name, len(main.messages)) == ("As it began", 6)
    # What was kept before has the times of before.
    assert [m.created_at.year for m in main.messages] == [2024, 2024, 2026, 2026, 2026, 2026]


def test_what_the_thread_does_not_go_on_with_stays_a_conversation(upgraded):
    upgraded.put(
        "responses", id="r2", conversation_id="01", prompt="another", response="story", model="old"
    )
    found = [said(c) for c in read(llm.conversations(upgraded.path))]
    assert any(("assistant", "story") in messages for messages in found)
    assert any(("assistant", "The end.") in messages for messages in found)


def test_threads_that_were_forked_from_each_other_lose_nothing(logs):
    with closing(sqlite3.connect(logs.path)) as db, db:
        db.execute("UPDATE threads SET forked_from = '02' WHERE id = '01'")
    found = read(llm.conversations(logs.path))
    assert {"The end.", "There."} <= {m.content for c in found for m in c.messages}


@pytest.mark.parametrize(
    ("table", "column", "damaged", "error"),
    [
        ("turns", b"output_tokens", b"output_tolens", "no column output_tokens"),
        ("parts", b"position", b"posotion", "as a database of llm: no such column"),
        ("threads", b"forked_from", b"forked_fro\xf9", "a name in it is not UTF-8"),
    ],
)
def test_a_damaged_table_is_refused_also_when_a_thread_is_read(
    logs, hfs, table, column, damaged, error
):
    with closing(sqlite3.connect(logs.path)) as db, db:
        db.execute("PRAGMA writable_schema = ON")
        sql = "SELECT CAST(sql AS BLOB) FROM sqlite_master WHERE name = ?"
        (made,) = db.execute(sql, (table,)).fetchone()
        db.execute(
            "UPDATE sqlite_master SET sql = CAST(? AS TEXT) WHERE name = ?",
            (made.replace(column, damaged), table),
        )
    done = hfs("sessions", "import", str(logs.path))
    assert (done.returncode, error in done.stderr.decode()) == (2, True), done.stderr


@pytest.mark.skipif(
    "HFS_TEST_LLM" not in os.environ,
    reason="HFS_TEST_LLM names executables of llm, with : between them (pip install llm)",
)
def test_what_llm_itself_writes_comes_whole(tmp_path, server, store):
    """Old ones and the newest, against a loopback server; counts and transcripts are equal."""
    for number, program in enumerate(os.environ.get("HFS_TEST_LLM", "").split(":")):
        home = tmp_path / str(number)
        home.mkdir()
        (home / "extra-openai-models.yaml").write_text(
            f"- model_id: fake\n  model_name: fake\n  api_base: {server.url}\n"
        )
        (home / "note.txt").write_text("a note")
        said_here = []
        for words in (["-s", "be brief", "one"], ["-c", "two"], ["-f", "note.txt", "three"]):
            reply = f"reply {number} {words[-1]}"
            server.reply(openai_sse(reply))
            subprocess.run(
                [program, "-m", "fake", *words],
                cwd=home,
                env=os.environ | {"LLM_USER_PATH": str(home), "OPENAI_API_KEY": "x"},
                check=True,
                capture_output=True,
            )
            said_here.append(reply)
        done = bring_in(store, home / "logs.db")
        assert (done.sessions, done.messages, done.left_out) == (2, 7, {})
        found = [m.content for c in read(llm.conversations(home / "logs.db")) for m in c.messages]
        assert [text for text in found if text.startswith("reply")] == said_here
        assert {"be brief", "one", "two", "a note\nthree"} <= {*found}
    assert store.check() == []
