"""The options of `hfs chat` that say what is written, and where."""

import json
import resource
import shutil
import signal
import stat
import threading
from pathlib import Path

import jsonschema
import pytest

import hfs_cli.render
from hfs_cli.commands.chat import SCHEMAS
from tests.scripted_server import CUT, STALL, Await, openai_chunk, openai_sse, sse

CODE = "Try:\n\n```sh\nls -l\n```\n\nor\n\n- x\n  ```python\n  if a:\n      b()\n  ```\n\nend"


@pytest.fixture
def chat(chat):
    prices = '[models."test/m"]\ninput_price = 2.0\noutput_price = 10.0\n'
    chat.configure(chat.config.read_text() + prices)
    return chat


def test_extract_writes_the_first_block_and_nothing_else(chat, server):
    server.reply(openai_sse(CODE))
    assert chat.ok("chat", "-x", "hi") == "ls -l\n"


def test_extract_last_writes_the_last_block(chat, server):
    server.reply(openai_sse(CODE))
    assert chat.ok("chat", "--extract-last", "hi") == "if a:\n    b()\n"


def test_extract_without_a_block_fails_and_says_where_the_reply_is(chat, server):
    server.reply(openai_sse("no code"))
    done = chat("chat", "-x", "hi")
    assert (done.returncode, done.stdout) == (5, b"")
    assert done.stderr == (
        b"hfs: error: the reply has no fenced code block: hfs sessions show -r 1 shows it\n"
    )


def test_extract_writes_nothing_of_a_reply_that_broke_off(chat, server):
    server.reply([*openai_sse(CODE, finish=None, done=False), CUT])
    done = chat("chat", "-x", "hi")
    assert (done.returncode, done.stdout) == (7, b"")


def test_output_goes_to_a_file_of_the_user_alone(chat, server, tmp_path):
    file = tmp_path / "reply.md"
    server.reply(openai_sse("# *hi*"))
    assert chat.ok("chat", "-O", str(file), "hi") == ""
    assert file.read_text() == "# *hi*\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == ["reply.md"]


def test_a_dash_is_standard_output_wherever_output_is(chat, server, tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    server.always(openai_sse("hi"))
    assert chat.ok("chat", "-O", "-", "hi") == "hi\n"
    assert chat.ok("sessions", "show", "-r", "-O", "-") == "hi\n"
    assert "\nhi\n" in chat.ok("sessions", "export", "-O", "-")
    assert json.loads(chat.ok("batch", "-O", "-", stdin=b"one\n"))["reply"] == "hi"
    assert list(Path.cwd().iterdir()) == []
    assert chat.ok("chat", "-O", "./-", "hi") == ""
    assert Path("-").read_text() == "hi\n"


def test_output_is_not_overwritten_without_force(chat, server, tmp_path):
    file = tmp_path / "reply.md"
    file.write_text("mine")
    done = chat("chat", "-O", str(file), "hi")
    assert (done.returncode, file.read_text(), server.requests) == (2, "mine", [])
    server.reply(openai_sse("new"))
    chat.ok("chat", "-O", str(file), "--force", "hi")
    assert file.read_text() == "new\n"


def test_a_reply_that_broke_off_leaves_the_old_file(chat, server, tmp_path):
    file = tmp_path / "reply.md"
    file.write_text("mine")
    server.reply([*openai_sse("half", finish=None, done=False), CUT])
    assert chat("chat", "-O", str(file), "--force", "hi").returncode == 7
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == ["reply.md"]
    assert file.read_text() == "mine"


@pytest.mark.parametrize("target", ["directory", "fifo", "link", "missing/x"])
def test_output_is_a_regular_file_in_a_directory_that_is_there(chat, server, tmp_path, target):
    import os

    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    done = chat("chat", "-O", str(tmp_path / target), "--force", "hi")
    assert (done.returncode, server.requests) == (2, [])
    assert not (tmp_path / "elsewhere").exists()


def test_code_can_be_extracted_into_a_file(chat, server, tmp_path):
    server.reply(openai_sse(CODE))
    chat.ok("chat", "-x", "-O", str(tmp_path / "run.sh"), "hi")
    assert (tmp_path / "run.sh").read_text() == "ls -l\n"


@pytest.mark.parametrize("args", [["-x", "--json"], ["-x", "--render", "plain"], ["--force"]])
def test_options_that_exclude_each_other_are_refused(chat, server, args):
    assert (chat("chat", *args, "hi").returncode, server.requests) == (2, [])


def test_usage_is_on_stderr_with_the_cost(chat, server):
    server.reply(openai_sse("hi", usage=(1000, 500)))
    done = chat("chat", "-u", "hi")
    assert done.stdout == b"hi\n"
    line = done.stderr.decode()
    assert line.startswith("1,000 in · 500 out · first token ")
    assert line.endswith(" · cost 0.007\n")


def schema_of(hfs, name):
    schema = json.loads(hfs.ok("chat", "--schema-of", name))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_every_schema_that_is_shipped_can_be_printed():
    folder = Path(hfs_cli.render.__file__).parent / "schemas"
    assert sorted(SCHEMAS) == sorted(file.stem for file in folder.iterdir())


@pytest.mark.parametrize(
    "steps", [openai_sse("hé"), [*openai_sse("h", finish=None, done=False), CUT]]
)
def test_what_is_printed_fits_the_schemas(chat, server, steps):
    server.reply(steps).reply(steps)
    schema_of(chat, "json").validate(json.loads(chat("chat", "--json", "hi").stdout))
    events = schema_of(chat, "jsonl")
    for line in chat("chat", "--format", "jsonl", "hi").stdout.splitlines():
        events.validate(json.loads(line))
    schema_of(chat, "sessions").validate(json.loads(chat.ok("sessions", "list", "--json")))
    shown = chat.ok("sessions", "show", "@last", "--format", "json")
    schema_of(chat, "transcript").validate(json.loads(shown))


def test_what_is_printed_of_a_turn_with_tools_fits_the_schemas(chat, server):
    chat.configure(
        chat.config.read_text() + '[tools.again]\ncommand = ["cat"]\ndescription = "Say again."\n'
    )
    call = {"index": 0, "id": "1", "function": {"name": "again", "arguments": '{"a": 1}'}}
    asks = sse(
        openai_chunk({"content": "Let me see.", "tool_calls": [call]}),
        openai_chunk(finish="tool_calls"),
    )
    server.reply(asks).reply(openai_sse("done")).reply(asks).reply(openai_sse("done"))
    told = json.loads(chat.ok("chat", "--tool", "again", "--json", "hi"))
    schema_of(chat, "json").validate(told)
    assert told["reply"] == "done"
    assert [(c["tool"], c["result"], c["failed"]) for c in told["calls"]] == [
        ("again", '{"a": 1}', False)
    ]
    lines = chat.ok("chat", "--tool", "again", "--format", "jsonl", "hi").splitlines()
    events = [json.loads(line) for line in lines]
    for event in events:
        schema_of(chat, "jsonl").validate(event)
    assert [event["type"] for event in events] == [
        *("session", "delta", "tool_call", "tool_result", "delta", "usage", "done")
    ]
    shown = json.loads(chat.ok("sessions", "show", "@last", "--format", "json"))
    schema_of(chat, "transcript").validate(shown)
    assert [m["step"] for m in shown["messages"]] == [0, 0, 1]


def test_a_file_that_cannot_be_finished_is_one_line_and_the_reply_is_kept(chat, server, tmp_path):
    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    chat.keep("talk", "hi", "ok")
    server.reply(openai_sse("z" * 3_000_000))
    process = chat.start("chat", "-O", str(tmp_path / "o.md"), "hi", preexec_fn=little_room)
    out, error = process.communicate()
    assert (process.returncode, out, error.count(b"\n")) == (8, b"", 1)
    assert list(tmp_path.glob("*o.md*")) == []


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_file_and_keeps_the_reply(chat, server, tmp_path, signum):
    server.reply([*openai_sse("so far", finish=None, done=False), STALL])
    process = chat.start("chat", "-O", str(tmp_path / "o.md"), "hi")
    server.wait_for_requests(1)
    while not any(b"so far" in part.read_bytes() for part in tmp_path.glob("*o.md*")):
        if process.poll() is not None or is_kept(chat, "so far"):
            break
    process.send_signal(signum)
    process.communicate()
    assert process.returncode == 128 + signum
    assert list(tmp_path.glob("*o.md*")) == []


def test_a_directory_that_is_gone_when_the_reply_ends_is_one_line(chat, server, tmp_path):
    gate = threading.Event()
    folder = tmp_path / "out"
    folder.mkdir()
    pieces = openai_sse(["all ", "of it"])
    server.reply([*pieces[:2], Await(gate), *pieces[2:]])
    process = chat.start("chat", "-O", str(folder / "o.md"), "hi")
    server.wait_for_requests(1)
    shutil.rmtree(folder)
    gate.set()
    out, error = process.communicate()
    assert (process.returncode in {2, 8}, out, error.count(b"\n")) == (True, b"", 1), error
    assert is_kept(chat, "all of it")


def is_kept(hfs, text):
    """Whether the last reply holds a text; the command that asks is one more process."""
    shown = hfs("sessions", "show", "@last", "--format", "json")
    return shown.returncode == 0 and text in json.loads(shown.stdout)["messages"][-1]["content"]
