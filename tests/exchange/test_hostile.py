"""Files that mean harm: they are refused with a line, or what they hold comes in whole."""

import json
import random
import sys
from tempfile import TemporaryFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfs_cli.errors import UsageError
from hfs_cli.exchange.json_stream import JsonStream, parse_json
from hfs_cli.exchange.native import json_document, json_lines
from hfs_cli.store.store import SessionStore
from tests.exchange.reading import bring_in, conversations_in, places
from tests.exchange.test_native import populate

TIME = "2026-11-22T18:05:00Z"
# In their shapes, with everything that is read from them.
CHATGPT = [
    {
        "id": "c", "conversation_id": "c", "title": "t", "create_time": 1.5e9, "current_node": "b",
        "mapping": {
            "a": {"parent": None, "message": {
                "author": {"role": "user"}, "recipient": "all", "create_time": 1.5e9,
                "content": {"content_type": "text", "parts": ["hi"]}, "metadata": {},
            }},
            "b": {"parent": "a", "message": {
                "author": {"role": "assistant"}, "content": {"content_type": "code", "text": "x"},
                "create_time": 1.5e9, "metadata": {"model_slug": "gpt"},
            }},
        },
    }
]  # fmt: skip
CLAUDE = [
    {
        "uuid": "u", "name": "n", "created_at": TIME,
        "chat_messages": [{
            "sender": "human", "text": "hi", "created_at": TIME,
            "content": [{"type": "text", "text": "hi"}, {"type": "thinking", "thinking": "hm"}],
            "attachments": [{"file_name": "f", "extracted_content": "x"}],
        }],
    }
]  # fmt: skip
SHELL_GPT = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": [{"text": "x"}]}]

WILD = [
    None, True, -1, 0, 2**63, 10**400, 1.5, float("inf"), float("nan"), "", "\x00", "\ud800",
    "x" * 300, "\x1b[2J", "-", "12", "@last", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "local", "assistant", "system2", "image/png", "AAAA",
    [], {}, [[]], {"": ""}, ["\ud800"],
]  # fmt: skip


def changed(document, path, value):
    copy = json.loads(json.dumps(document))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return copy


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    with SessionStore(tmp_path_factory.mktemp("own") / "hfs.db") as store:
        populate(store, 6, random.Random(1), lambda: "text")
        return json.loads("".join(json_document(store.conversations())))


@pytest.mark.parametrize("source", ["own", "chatgpt", "claude", "shell_gpt"])
@settings(max_examples=60)
@given(st.data())
def test_any_value_in_any_place_is_refused_or_comes_in_whole(tmp_path_factory, own, source, data):
    document = {"own": own, "chatgpt": CHATGPT, "claude": CLAUDE, "shell_gpt": SHELL_GPT}[source]
    path = data.draw(st.sampled_from(list(places(document))))
    folder = tmp_path_factory.mktemp("hostile")
    file = folder / "in.json"
    file.write_text(json.dumps(changed(document, path, data.draw(st.sampled_from(WILD)))))
    with SessionStore(folder / "hfs.db") as store:
        try:
            bring_in(store, file)
        except UsageError as error:
            assert "\n" not in error.message
            assert list(store.conversations()) == []
            return
        assert store.check() == []
        again = folder / "again.jsonl"
        again.write_text("".join(json_lines(store.conversations())))
    with SessionStore(folder / "second.db") as second:
        bring_in(second, again)


@pytest.mark.parametrize("name", ["total_s", "first_token_s"])
def test_a_time_without_end_is_refused(tmp_path, own, name):
    text = json.dumps(changed(own, ("sessions", 0, "messages", 0, name), 12345.5))
    file = tmp_path / "in.json"
    file.write_text(text.replace("12345.5", "1e999"))
    with pytest.raises(UsageError, match=f"message 1: {name} is too large a number"):
        conversations_in(file)


@pytest.mark.parametrize(
    "text",
    [
        "messages:\n- {role: user, content: !!bool perhaps}\n",
        "messages:\n- {role: user, content: !!python/object:os.system x}\n",
        "messages:\n- {role: user, content: !!timestamp x}\n",
        "messages:\n- {role: user, content: 2026-11-22}\n",
    ],
)
def test_yaml_is_text_whatever_its_tags_say(tmp_path, text):
    pytest.importorskip("yaml", reason="the extra yaml is not installed")
    file = tmp_path / "a.yaml"
    file.write_text(text)
    (found,) = conversations_in(file)
    assert found.messages[0].content in {"perhaps", "x", "2026-11-22"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"format": "hfs", "schema_version": 1, "sessions": ' + b"[" * 100_000,
        b"[" * 1_000_000 + b"]" * 1_000_000,
        b'{"format": "hfs", "schema_version": ' + b"9" * 5000 + b', "sessions": []}',
        b'{"a": ' * 50_000,
        b"[1e999]",
        b'{"type": ["user"], "payload": {}}\n{}\n',
        b'{"type": {"a": 1}, "sessionId": "s"}\n{}\n',
        b"\x00" * 1_000_000,
        b"",
    ],
)
def test_a_document_without_bottom_or_sense_is_one_line_and_exit_2(hfs, tmp_path, body):
    file = tmp_path / "in.json"
    file.write_bytes(body)
    done = hfs("sessions", "import", str(file))
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert hfs.ok("sessions", "list", "--ids", "--all") == ""


@pytest.mark.parametrize("kind", ["device", "directory", "endless line"])
def test_what_has_no_end_is_not_read(hfs, tmp_path, monkeypatch, kind):
    file = {"device": "/dev/zero", "directory": str(tmp_path), "endless line": "-"}[kind]
    code = "import hfs_cli.exchange.json_stream as p; p.MAX_VALUE = 3_000_000\n"
    hfs.argv = (sys.executable, "-c", f"{code}from hfs_cli.__main__ import main; main()")
    done = hfs("sessions", "import", file, stdin=b"[" * 5_000_000 if file == "-" else -3)
    assert done.returncode == (4 if kind == "directory" else 2)
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ('{"format": "hfs", "sessions": [', "[]]}"),
        ('[{"mapping": {"a": [', "[]]}}]"),
        ('{"session": "s", "role": "user", "extra": {"a": [', "[]]}}\n"),
    ],
    ids=["document", "array", "lines"],
)
def test_a_value_of_many_small_parts_is_refused_in_bounded_memory(hfs, begin, end):
    file = hfs.home / "in.json"
    file.write_text(begin + "[]," * 8_000_000 + end)
    done, peak = hfs.measured("sessions", "import", str(file))
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert peak < 300_000_000


def test_commas_in_a_text_of_which_only_a_part_was_read_yet_do_not_count():
    # Over eight megabytes, the next of the sizes in which a value is read.
    document = [{"a": ',,,"' * 2_000_000}]
    with TemporaryFile() as file:
        file.write(json.dumps(document).encode())
        file.seek(0)
        assert list(JsonStream(file, "in.json").elements()) == document


def test_commas_and_brackets_in_what_was_said_are_not_parts():
    said = ",{[" * 1_100_000 + '\\",'
    assert parse_json(json.dumps({"a": said}).encode(), "in.json") == {"a": said}
