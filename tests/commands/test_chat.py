"""`hfs chat` from outside: what is sent, shown, kept, and how it exits."""

import json
import os
import re
import select
import signal
import subprocess
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from hfs_cli.store.store import SessionStore
from tests.conftest import KEY, UNMEASURED
from tests.scripted_server import CUT, STALL, Await, openai_chunk, openai_sse, sse
from tests.tools.conftest import wait_until


def transcript(hfs, ref="@last"):
    return json.loads(hfs.ok("sessions", "show", ref, "--format", "json"))["messages"]


def test_a_pipe_gets_the_exact_text_and_one_newline(chat, server):
    text = "a\u2028b \x1b[1m**c**\r\n  d"
    server.reply(openai_sse(text))
    done = chat("chat", "hi")
    assert (done.returncode, done.stdout, done.stderr) == (0, text.encode() + b"\n", b"")
    server.reply(openai_sse("ends\n"))
    assert chat("chat", "hi").stdout == b"ends\n"


def test_the_request_is_what_the_wire_format_wants(chat, server):
    server.reply(openai_sse("one")).reply(openai_sse("two"))
    chat.ok("chat", "-s", "be brief", "--temperature", "0", "-o", "stop", '["x"]', "first")
    chat.ok("chat", "-c", "--max-tokens", "9", "second")
    first, second = server.requests
    assert (first.method, first.path) == ("POST", "/v1/chat/completions")
    assert first.header("Authorization") == f"Bearer {KEY}"
    assert first.body == (
        b'{"model":"m","messages":[{"role":"system","content":"be brief"},'
        b'{"role":"user","content":"first"}],"stream":true,'
        b'"stream_options":{"include_usage":true},"stop":["x"],"temperature":0.0}'
    )
    assert second.json["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": "second"},
    ]
    assert second.json["max_tokens"] == 9


def test_arguments_and_stdin_are_both_sent(chat, server):
    server.always(openai_sse("ok"))
    chat.ok("chat", "summarise", "this", stdin=b"line 1\r\nline 2\n\n")
    chat.ok("chat", stdin=b"\xef\xbb\xbfalone\n")
    chat.ok("chat", stdin=b"of Windows\r\n\r\n")
    chat.ok("chat", "-", "x", stdin=b"forced")
    chat.ok("chat", "x", "--no-stdin", stdin=b"ignored")
    sent = [request.json["messages"][-1]["content"] for request in server.requests]
    assert sent == [
        "summarise this\n\nline 1\r\nline 2\n",
        "alone",
        "of Windows\r\n",
        "x\n\nforced",
        "x",
    ]


def test_nul_round_trips(chat, server):
    server.always(openai_sse("o\0k"))
    assert chat("chat", stdin=b"a\0b").stdout == b"o\0k\n"
    assert [m["content"] for m in transcript(chat)] == ["a\0b", "o\0k"]


@pytest.mark.parametrize(
    ("args", "stdin", "says"),
    [
        ((), b"", b"no prompt"),
        ((" \n",), b"", b"no prompt"),
        (("",), b" \n", b"no prompt"),
        ((), b"ab\xff", b"byte 0xff at offset 2"),
        ((), b"\xed\xa0\x80", b"offset 0"),
        ((), "hé".encode("utf-16"), b"--encoding utf-16"),
        ((), "né".encode("latin-1"), b"seems to be latin-1"),
        ((), "\u201cné\u201d".encode("cp1252"), b"seems to be cp1252"),
        (("--encoding", "ascii", "hi"), "né".encode(), b"is not ascii"),
        (("--encoding", "nonsense", "hi"), b"", b"no encoding 'nonsense'"),
        (("--encoding", "base64", "hi"), b"", b"no encoding 'base64'"),
        (("--encoding", "utf-7", "hi"), b"+2AA-", b"cannot be read as utf-7"),
        (("-f", "nothing/*.py", "hi"), b"", b"no file matches"),
        ((b"\xff",), b"", b"not UTF-8"),
        (("-c", "-n", "x", "hi"), b"", b"exclude each other"),
        (("-o", "top_p", "1", "-o", "top_p", "2", "hi"), b"", b"given twice"),
        (("--create", "hi"), b"", b"--create"),
        (("-n", "123", "hi"), b"", b"digits"),
        (("-o", "top_p", "-m", "x/y", "hi"), b"", b"-o top_p has no value: write -o top_p=VALUE"),
        (("-t", "translate", "-p", "to", "-q", "hi"), b"", b"-p to has no value: write -p to="),
        (("-o", "top_p", "--no-search", "hi"), b"", b"-o top_p has no value: write -o top_p="),
        (("-t", "translate", "-p", "to", "--model=x/y"), b"hi", b"-p to has no value: write -p"),
        (("-t", "translate", "-p", "to", "--", "hi"), b"", b"-p to has no value: write -p to="),
        (("--param", "to", "-m=x", "hi"), b"", b"--param to has no value: write --param to=VALUE"),
        (("-t", "translate", "-p", "to", "-mx/y", "hi"), b"", b"-p to has no value: write -p to="),
        (("-o", "stop", "-qu", "hi"), b"", b"-o stop has no value: write -o stop=VALUE"),
        (("--frobnicate", "hi"), b"", b"--frobnicate"),
    ],
)
def test_unusable_input_sends_and_keeps_nothing(chat, server, args, stdin, says):
    done = chat("chat", *args, stdin=stdin)
    assert done.returncode == 2
    assert done.stdout == b""
    assert says in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert server.requests == []
    assert not chat.database.exists()


@pytest.mark.parametrize(
    ("reply", "code", "says"),
    [
        ({"status": 401, "body": {"error": {"message": f"bad key {KEY}"}}}, 3, "TEST_KEY"),
        ({"status": 403, "body": b""}, 3, "TEST_KEY"),
        ({"status": 404, "body": {"error": {"message": "model m not found"}}}, 4, "m"),
        ({"status": 400, "body": {"error": {"message": "bad \x1b[31mthing"}}}, 5, "thing"),
        ({"status": 429, "body": b""}, 5, "429"),
        ({"status": 500, "body": b"<html>oops</html>"}, 5, "500"),
    ],
)
def test_a_refusal_keeps_the_question_and_exits_by_kind(chat, server, reply, code, says):
    server.reply(**reply)
    done = chat("chat", "hi")
    error = done.stderr.decode()
    assert (done.returncode, done.stdout) == (code, b"")
    assert error.startswith("hfs: error: ")
    assert says in error
    assert KEY not in error
    assert "\x1b" not in error
    assert error.count("\n") == 1
    assert [m["role"] for m in transcript(chat, "1")] == ["user"]


def test_a_short_retry_after_is_waited_for(chat, server):
    server.reply(status=429, headers={"Retry-After": "1"}).reply(openai_sse("ok"))
    done = chat("chat", "--retries", "1", "hi")
    assert (done.returncode, done.stdout) == (0, b"ok\n")
    assert b"-m" not in done.stderr, "advice for who has to try again"
    assert server.requests[1].at - server.requests[0].at >= 1
    assert [m["role"] for m in transcript(chat)] == ["user", "assistant"]


def test_a_refused_port_is_a_network_error(chat):
    chat.config.write_text(
        'model = "x/m"\n[providers.x]\ntype = "openai"\nbase_url = "http://127.0.0.1:1/v1"\n'
    )
    done = chat("chat", "hi")
    assert done.returncode == 6
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([*openai_sse("half a", finish=None, done=False)], 2),
        ([*openai_sse("half a", finish=None, done=False), CUT], 2),
        ([*openai_sse("half a", finish=None, done=False), b"data: {oops\n\n"], 2),
        ([*sse(openai_chunk({"content": "half"}), {"error": {"message": "overloaded"}})], 1),
    ],
)
def test_a_broken_stream_exits_7_with_what_arrived_kept(chat, server, steps, words):
    server.reply(steps)
    done = chat("chat", "hi")
    assert done.returncode == 7
    assert done.stdout.startswith(b"half")
    assert f"{words} word" in done.stderr.decode()
    assert b"chunked" not in done.stderr
    last = transcript(chat)[-1]
    assert (last["role"], last["status"]) == ("assistant", "partial")
    assert last["content"].encode() + b"\n" == done.stdout


def test_a_stall_is_cut_at_the_idle_timeout(chat, server):
    server.reply([*openai_sse("slow", finish=None, done=False), STALL])
    done = chat("chat", "--idle-timeout", "2", "hi")
    assert (done.returncode, done.stdout) == (7, b"slow\n")
    assert transcript(chat)[-1]["status"] == "partial"


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_what_arrived(chat, server, signum, code):
    server.reply([*openai_sse("so far", finish=None, done=False), STALL])
    process = chat.start("chat", "hi")
    assert process.stdout.read(6) == b"so far"
    process.send_signal(signum)
    out, err = process.communicate()
    assert process.returncode == code
    assert (out, err.count(b"\n")) == (b"\n", 1)
    assert b"interrupted" in err
    last = transcript(chat)[-1]
    assert (last["content"], last["status"]) == ("so far", "partial")


def test_kill_9_costs_at_most_the_last_second(kept, server):
    go_on = threading.Event()
    first, then = (sse(openai_chunk({"content": text}), done=False) for text in ("one ", "two"))
    server.reply([*first, Await(go_on), *then, STALL])
    process = kept.start("chat", "hi", env=UNMEASURED)
    assert process.stdout.read(4) == b"one "
    # It is saved while the stream says no more: from then on the session counts as used.
    wait_until(lambda: kept("sessions", "show", "@last").returncode == 0)
    go_on.set()
    assert process.stdout.read(3) == b"two"
    process.kill()
    process.communicate()
    question, answer = transcript(kept)
    assert (question["content"], answer["status"]) == ("hi", "partial")
    assert answer["content"] in {"one ", "one two"}
    assert kept.ok("chat", "--help")


def test_a_reader_that_leaves_ends_the_turn(chat, server):
    gate = threading.Event()
    pieces = openai_sse(["line 1\n", "line 2\n"], finish=None, done=False)
    server.reply([*pieces[:2], Await(gate), *pieces[2:], *openai_sse("more " * 50)])
    process = chat.start("chat", "hi")
    assert process.stdout.readline() == b"line 1\n"
    process.stdout.close()
    gate.set()
    assert process.wait() == 141
    assert process.stderr.read() == b""
    process.stderr.close()
    last = transcript(chat)[-1]
    assert last["content"].startswith("line 1\nline 2\n")
    assert last["status"] == "partial"


def test_each_delta_is_flushed(chat, server):
    gate = threading.Event()
    pieces = openai_sse(["early", "late"])
    server.reply([*pieces[:2], Await(gate), *pieces[2:]])
    process = chat.start("chat", "hi")
    assert process.stdout.read(5) == b"early"
    gate.set()
    assert process.communicate()[0] == b"late\n"


def test_a_full_disk_behind_stdout_keeps_the_whole_reply(chat, server):
    server.reply(openai_sse(["all ", "of it"]))
    with Path("/dev/full").open("wb") as full:
        process = chat.start("chat", "hi", stdout=full)
        error = process.communicate()[1]
    assert process.returncode == 8
    assert error.count(b"\n") == 1
    last = transcript(chat)[-1]
    assert (last["content"], last["status"]) == ("all of it", "complete")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_descriptors_do_no_harm(chat, server, closed):
    server.reply(openai_sse("fine"))
    done = subprocess.run(
        ["bash", "-c", f'exec "$@" {closed}', "-", *chat.argv, "chat", "hi"],
        env=chat.environment(),
        capture_output=True,
        check=False,
    )
    if ">&-" not in closed.split():
        assert (done.returncode, done.stdout) == (0, b"fine\n")
    assert b"Traceback" not in done.stderr
    assert chat.ok("sessions", "list", "--ids") == "1\n"
    assert transcript(chat)[-1]["content"] == "fine"


def test_no_save_leaves_nothing_and_still_reads_history(chat, server):
    server.always(openai_sse("ok"))
    chat.ok("chat", "--no-save", "hi")
    assert not chat.data.exists()
    chat.ok("chat", "kept")
    chat.ok("chat", "-c", "--no-save", "not kept")
    sent = server.requests[-1].json["messages"]
    assert [m["content"] for m in sent] == ["kept", "ok", "not kept"]
    assert len(transcript(chat)) == 2


def test_json_is_one_object(chat, server):
    server.reply(openai_sse("Hello", reasoning="hm", usage=(3, 2)))
    shape = json.loads(chat.ok("chat", "--json", "hi"))
    assert shape["session"]["id"] == 1
    assert (shape["reply"], shape["reasoning"]) == ("Hello", "hm")
    assert (shape["status"], shape["finish_reason"]) == ("complete", "stop")
    assert shape["model"] == "test/m"
    assert shape["usage"]["input_tokens"] == 3
    assert shape["timing"]["total_s"] >= shape["timing"]["first_token_s"] > 0
    assert shape["error"] is None
    server.reply(openai_sse("x"))
    assert json.loads(chat.ok("chat", "--json", "--no-save", "hi"))["session"] is None


def test_json_lines_stream_events(chat, server):
    server.reply(openai_sse(["Hel", "lo"], reasoning="hm"))
    events = [json.loads(line) for line in chat.ok("chat", "--format", "jsonl", "hi").splitlines()]
    kinds = [event["type"] for event in events]
    assert (kinds[0], kinds[-1]) == ("session", "done")
    assert "".join(e["text"] for e in events if e["type"] == "delta") == "Hello"
    assert "".join(e["text"] for e in events if e["type"] == "reasoning") == "hm"


def test_an_error_in_json_lines_is_an_event(chat, server):
    server.reply(openai_sse("half", finish=None, done=False))
    done = chat("chat", "--format", "jsonl", "hi")
    error, last = [json.loads(line) for line in done.stdout.splitlines()][-2:]
    assert (error["type"], error["exit_code"], done.returncode) == ("error", 7, 7)
    assert (last["type"], last["status"]) == ("done", "partial")


def test_sessions_are_chosen_by_flag_then_environment(chat, server):
    server.always(openai_sse("ok"))
    chat.keep("one", "hi", "ok")
    chat.keep("two", "hi", "ok")
    chat.ok("chat", "-S", "one", "again")
    chat.ok("chat", "again", env={"HFS_SESSION": "two"})
    chat.ok("chat", "-S", "on", "by prefix", env={"HFS_SESSION": "two"})
    chat.ok("chat", "-n", "four", "new", env={"HFS_SESSION": "two"})
    chat.ok("chat", "-S", "three", "--create", "made")
    chat.ok("chat", "-S", "three", "--create", "continued")
    counts = {s["name"]: s["messages"] for s in json.loads(chat.ok("sessions", "list", "--json"))}
    assert counts == {"one": 6, "two": 4, "three": 4, "four": 2}
    for ref, hint in (("nothing", b"(a new one: --create)"), ("t", b'"two" (2)'), ("9", b'"9"')):
        done = chat("chat", "-S", ref, "hi")
        assert (done.returncode, hint in done.stderr) == (4, True)
        assert (b"--create" in done.stderr) == (ref == "nothing")
    taken = chat("chat", "-n", "four", "new")
    assert (taken.returncode, b"go on with that one by -S" in taken.stderr) == (2, True)


def test_continue_without_a_session_needs_create(chat, server):
    server.always(openai_sse("ok"))
    assert chat("chat", "-c", "hi").returncode == 4
    assert server.requests == []
    chat.ok("chat", "-c", "--create", "hi")


def test_a_dry_run_shows_the_request_without_the_key(chat, server):
    server.reply(openai_sse("one"))
    chat.ok("chat", "first")
    shown = chat.ok("chat", "-c", "--dry-run", "second")
    request = json.loads(shown)
    assert [m["content"] for m in request["body"]["messages"]] == ["first", "one", "second"]
    assert KEY not in shown
    assert len(server.requests) == 1
    assert len(transcript(chat)) == 2


def test_the_key_is_nowhere_in_what_is_kept(kept, server, database):
    server.reply(openai_sse("ok"))
    kept.ok("chat", "hi")
    for file in kept.home.rglob("*"):
        if file.is_file():
            assert KEY.encode() not in file.read_bytes()
    # What a server keeps is not below the home.
    assert KEY not in database.all_text()


def test_a_missing_key_is_said_before_anything_is_kept(chat, server):
    del chat.env["TEST_KEY"]
    done = chat("chat", "hi")
    assert done.returncode == 3
    assert b"TEST_KEY" in done.stderr
    assert server.requests == []
    assert not chat.database.exists()


def test_a_silent_pipe_is_said_once(chat, server):
    server.reply(openai_sse("ok"))
    process = chat.start("chat", "hi", stdin=subprocess.PIPE)
    line = process.stderr.readline()
    assert b"waiting for standard input" in line
    assert b"HFS_STDIN" in line
    out, err = process.communicate(b"at last")
    assert (process.returncode, out, err) == (0, b"ok\n", b"")
    assert server.requests[0].json["messages"][-1]["content"] == "hi\n\nat last"


@pytest.mark.parametrize("never", [["--no-stdin"], [], ["--stdin-timeout", "0.2"]])
def test_a_pipe_that_never_ends_can_be_left_alone(chat, server, never):
    server.reply(openai_sse("ok"))
    chat.configure(chat.config.read_text().replace("retries", 'stdin = "never"\nretries'))
    env = {} if never != ["--stdin-timeout", "0.2"] else {"HFS_STDIN": "auto"}
    process = chat.start("chat", *never, "hi", stdin=subprocess.PIPE, env=env)
    assert process.wait() == 0
    assert (process.stdout.read(), process.stderr.read()) == (b"ok\n", b"")
    assert server.requests[0].json["messages"][-1]["content"] == "hi"


def test_standard_input_that_is_always_read_is_waited_for_without_a_word(chat, server):
    server.reply(openai_sse("ok"))
    process = chat.start("chat", "hi", stdin=subprocess.PIPE, env={"HFS_STDIN": "always"})
    time.sleep(2.5)
    assert process.communicate(b"late") == (b"ok\n", b"")
    assert server.requests[0].json["messages"][-1]["content"] == "hi\n\nlate"


def test_a_pipe_that_stops_in_the_middle_is_not_taken_for_whole(chat, server):
    process = chat.start("chat", "--stdin-timeout", "0.5", "hi", stdin=subprocess.PIPE)
    process.stdin.write(b"half a ")
    process.stdin.flush()
    assert process.wait() == 2
    assert b"silent after 7 bytes" in process.stderr.read()
    assert server.requests == []


def test_a_dash_reads_standard_input_whatever_the_setting(chat, server):
    server.reply(openai_sse("ok"))
    chat.ok("chat", "-", stdin=b"words", env={"HFS_STDIN": "never"})
    assert server.requests[0].json["messages"][-1]["content"] == "words"
    assert chat("chat", "-", "--no-stdin", stdin=b"words").returncode == 2


def test_a_reply_at_the_token_limit_is_whole_with_a_warning(chat, server):
    server.reply(openai_sse("cut he", finish="length"))
    done = chat("chat", "hi")
    assert (done.returncode, done.stdout) == (0, b"cut he\n")
    assert b"token limit" in done.stderr
    assert transcript(chat)[-1]["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("caht", "hi"), "did you mean chat?"),
        (("sessions", "lst"), "did you mean list?"),
        (("config", "sett"), "No such command 'sett': did you mean set? (see hfs config --help)"),
        (("models", "a b"), "No such command 'a b' (see hfs models --help)"),
        (("What is a pipe?",), 'hfs chat "What is a pipe?"'),
        (("what", "is", "awk", "-q"), 'hfs chat "what is awk" (see'),
        (("why $x?",), "hfs chat 'why $x?'"),
        (("frobnicate", "this"), 'hfs chat "frobnicate this"'),
        (("list",), "hfs sessions list, hfs checkpoints list or hfs models list?"),
        (("show", "3"), "did you mean hfs sessions show, hfs tools show or hfs templates show?"),
        (("stats",), "did you mean hfs sessions stats?"),
        (("tree",), "did you mean hfs sessions tree?"),
        (("rm", "3"), "did you mean hfs delete?"),
        (("version",), "did you mean hfs --version?"),
        (("sessions", "rm", "2"), "did you mean hfs sessions delete?"),
        (("keys", "delete", "openai"), "did you mean hfs keys remove?"),
        (("templates", "rm", "x"), "did you mean hfs templates remove?"),
        (("config", "show"), "did you mean hfs config list?"),
        (("config", "check"), "did you mean hfs doctor? (see"),
        (("config", "reset", "model"), "did you mean hfs config unset?"),
        (("chat", "--redact", "x"), "No such option '--redact' (see hfs chat --help)"),
        (("sessions", "chat"), "did you mean hfs chat?"),
        (("help", "caht"), "did you mean chat?"),
        (("--model", "x", "chat", "hi"), "hfs chat --model …"),
        (("chat", "-n is a flag of what?"), "put -- before the prompt"),
        (("chat", "--no-save is what?"), "put -- before the prompt"),
        (("completion",), "missing SHELL (bash, zsh, fish): hfs completion SHELL"),
        (("login",), "did you mean hfs keys set? (see"),
        (("--no-pager", "sessions", "show"), "hfs sessions show --no-pager …"),
        (("sessions", "--json", "list"), "hfs sessions list --json …"),
        (("--no-search", "chat", "hi"), "hfs chat --no-search …"),
        (("-m", "x", "hi"), "-m is an option of hfs chat: hfs chat -m …"),
        (("-V",), "No such option '-V': did you mean --version?"),
        (("chat", "--sys", "x"), "did you mean --system or --system-file?"),
        (("chat", "--no-pager", "x"), "No such option '--no-pager' (see hfs chat --help)"),
        (("chat", "--budget", "1", "x"), "No such option '--budget': did you mean --max-cost?"),
        (("resume",), "missing REF: hfs resume REF [PROMPT]... (see hfs resume --help)"),
        (("config", "set", "model"), "missing VALUE: hfs config set KEY VALUE (see"),
        (("sessions", "rewind", "x"), "missing option --to N|CHECKPOINT (see"),
    ],
)
def test_a_mistyped_command_is_answered_in_one_line_with_what_was_meant(hfs, args, says):
    done = hfs(*args)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert says in done.stderr.decode()


@pytest.fixture
def locked(kept, server, database):
    """A stream that is under way, and a database that another process then locks."""
    server.reply(openai_sse("one"))
    kept.ok("chat", "hi")
    gate = threading.Event()
    pieces = openai_sse(["text", " more"])
    server.reply([*pieces[:2], Await(gate), *pieces[2:]])
    process = kept.start("chat", "hi")
    assert process.stdout.read(4) == b"text"
    with database.locked():
        yield process, gate
    gate.set()


def test_an_interrupted_reply_that_cannot_be_saved_is_spilled(locked):
    process, _ = locked
    process.terminate()
    _, error = process.communicate()
    assert process.returncode == 143
    spilled = Path(re.search(rb"kept in (\S+)", error)[1].decode())
    assert "text" in spilled.read_text()
    assert spilled.stat().st_mode & 0o777 == 0o600


def test_an_empty_file_is_not_a_prompt(chat, server, tmp_path):
    empty = tmp_path / "empty"
    empty.write_bytes(b"\n")
    done = chat("chat", "-f", str(empty))
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert server.requests == []


def test_a_schema_that_the_token_limit_cut_is_told_so(chat, server):
    server.reply(openai_sse("{", finish="length"))
    done = chat("chat", "--schema", "name, age int", "hi")
    assert (done.returncode, done.stdout) == (7, b"{\n")
    assert b"token limit" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_a_checkpoint_that_was_set_aside_is_found(chat, server):
    server.always(openai_sse("ok"))
    chat.ok("chat", "-n", "k", "one")
    chat.ok("chat", "-c", "two")
    chat.ok("checkpoints", "create", "k", "--label", "draft")
    branch = chat.ok("sessions", "rewind", "k", "--to", "2")
    assert chat.ok("sessions", "rewind", "k", "--to", "draft") == branch
    assert [m["content"] for m in transcript(chat, "k")] == ["one", "ok", "two", "ok"]


def test_the_budget_has_one_name(hfs):
    hfs.ok("config", "set", "budget.daily", "5")
    assert hfs.ok("config", "get", "budget.daily") == "5.0\n"
    assert hfs.ok("config", "list").split("budget.daily")[1].split() == ["5.0", "file"]


LATIN1 = os.fsdecode(b"caf\xe9")


@pytest.mark.parametrize(
    ("args", "env"),
    [
        (["-s", LATIN1], {}),
        (["-m", f"test/{LATIN1}"], {}),
        (["-o", "stop", LATIN1], {}),
        (["-n", LATIN1], {}),
        ([], {"HFS_SYSTEM": LATIN1}),
    ],
)
def test_what_is_not_utf8_is_refused_before_anything_is_kept(chat, server, args, env):
    done = chat("chat", *args, "hi", env=env)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert b"not UTF-8" in done.stderr
    assert (server.requests, chat.database.exists()) == ([], False)


@pytest.mark.parametrize(
    "args",
    [
        ["--temperature", "nan"],
        ["-o", "top_p", "NaN"],
        ["-o", "x", '{"a": 1e999}'],
        ["-o", "messages", "[]"],
        ["-o", "model", "other"],
        ["-o", "stream", "false"],
        ["-o", "stream=false"],
        ["-o", "=1"],
        ["-qo", "temperature=0.2", "--no-save"],
        ["-o", "seed", "9" * 5000],
        ["-o", "stop", r'"\ud800"'],
        ["-o", "x", "[" * 100_000],
        ["--max-tokens", "9" * 5000],
        ["--timeout", "-5"],
        ["--timeout", "inf"],
        ["--idle-timeout", "0"],
        ["--retries", "-1"],
        ["--retries", "9" * 5000],
    ],
)
def test_options_that_would_break_the_request_are_refused(chat, server, args):
    done = chat("chat", *args, "hi")
    assert (done.returncode, done.stderr.count(b"\n"), server.requests) == (2, 1, [])


def test_hfs_session_starts_a_session_and_is_meant_without_a_reference(chat, server):
    server.always(openai_sse("ok"))
    chat.keep("cron daily", "hi", "ok")
    pinned = {"HFS_SESSION": "cron"}
    missing = chat("sessions", "show", env=pinned)
    assert (missing.returncode, b"HFS_SESSION" in missing.stderr) == (4, True)
    chat.ok("chat", "first", env=pinned)
    chat.ok("chat", "-c", "--at", "0", "second", env=pinned)
    chat.ok("chat", "-n", "other", "third")
    shown = json.loads(chat.ok("sessions", "show", "--json", env=pinned))
    assert (shown["session"]["name"], len(shown["messages"])) == ("cron", 2)
    chat.ok("sessions", "retry", env=pinned)
    assert server.requests[-1].json["messages"][-1]["content"] == "second"
    chat.ok("rename", "nightly", env=pinned)
    assert chat("sessions", "undo", env=pinned).returncode == 4
    chat.ok("sessions", "undo", env={"HFS_SESSION": "nightly"})
    assert json.loads(chat.ok("sessions", "show", "nightly", "--json"))["messages"] == []


@pytest.mark.parametrize(
    ("session", "code"), [("999", 4), ("@last~9", 4), ("a\nb", 2), ("-x", 2), ("x" * 999, 2)]
)
def test_what_hfs_session_cannot_name_is_said_to_come_from_it(chat, server, session, code):
    chat.keep("one", "hi", "ok")
    done = chat("chat", "hi", env={"HFS_SESSION": session})
    assert (done.returncode, server.requests) == (code, [])
    assert b"HFS_SESSION" in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("args", [["-S", ""], ["-S", " "], ["-S", "", "--create"], ["-m", ""]])
def test_an_empty_name_is_refused_and_not_left_out(chat, server, args):
    chat.keep("one", "hi", "ok")
    done = chat("chat", *args, "hi")
    assert (done.returncode, server.requests) == (2, [])


def test_a_key_in_the_arguments_is_refused_and_not_shown_again(hfs):
    done = hfs("keys", "set", "openai", KEY)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert KEY.encode() not in done.stderr
    assert b"hfs keys set openai" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["-o", "stop=a=b", "-o", "top_p", "0.5", "--no-save", "hi"],
        ["-ostop=a=b", "--option=top_p=0.5", "--no-save", "hi"],
        ["--option", "stop=a=b", "-q", "-o", "top_p=0.5", "hi", "--no-save"],
    ],
)
def test_an_option_of_the_model_is_one_word_or_two(chat, server, words):
    server.reply(openai_sse("x"))
    chat.ok("chat", *words)
    sent = server.requests[0].json
    assert (sent["stop"], sent["top_p"], sent["messages"][0]["content"]) == ("a=b", 0.5, "hi")
    assert not chat.database.exists()


def test_the_name_of_an_argument_is_a_value_like_any_other(chat, server):
    server.reply(openai_sse("x"))
    chat.ok("chat", "-o", "stop", "words", "-o", "seed", "-1", "hi")
    sent = server.requests[0].json
    assert (sent["stop"], sent["seed"], sent["messages"][0]["content"]) == ("words", -1, "hi")


def test_only_what_is_an_option_is_read_as_one(chat, server):
    server.reply(openai_sse("x"))
    chat.ok("chat", "-s", "-o", "--", "-o", "a=b")
    system, user = server.requests[0].json["messages"]
    assert (system["content"], user["content"]) == ("-o", "-o a=b")


def test_a_mistyped_model_is_asked_once(chat, server):
    chat.keep("talk", "hi", "ok")
    server.reply(status=404, body=b'{"error": {"code": "model_not_found", "message": "no"}}')
    assert chat("chat", "-c", "-m", "test/typo", "hi").returncode == 4
    server.reply(openai_sse("here again"))
    assert chat.ok("chat", "-c", "hi") == "here again\n"
    assert server.requests[-1].json["model"] == "m"


@pytest.mark.skipif(find_spec("socksio") is not None, reason="the extra socks is installed")
def test_a_socks_proxy_is_told_what_it_needs(chat):
    env = {"ALL_PROXY": "socks5://127.0.0.1:1", "OPENAI_API_KEY": "k"}
    done = chat("chat", "-m", "openai/x", "hi", env=env)
    assert (done.returncode, done.stderr.count(b"\n")) == (3, 1)
    assert b"hfs-cli[socks]" in done.stderr


def test_a_setting_that_is_a_path_is_printed_bare(hfs):
    assert hfs.ok("config", "get", "data_dir") == f"{hfs.data}\n"
    assert f"data_dir\t{hfs.data}\t" in hfs.ok("config", "list")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("chat", "--timeout", "inf", "hi"), "not a number of seconds"),
        (("chat", "--timeout", "-5", "hi"), "not a number of seconds"),
        (("chat", "--idle-timeout", "-5", "hi"), "not a number of seconds"),
        (("chat", "--stdin-timeout", "-5", "hi"), "not a number of seconds"),
        (("chat", "--retries", "-5", "hi"), "not a whole number"),
        (("chat", "--retries", "1.5", "hi"), "not a whole number"),
        (("chat", "--idle-timeout", "nan", "hi"), "not a number of seconds"),
        (("sessions", "list", "--since", "2026-13-01"), "30d or 2w, or a date such as 2026-11-22"),
    ],
)
def test_what_is_not_a_time_is_a_usage_error(hfs, args, says):
    done = hfs(*args)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert says in done.stderr.decode()


def test_a_negative_value_is_answered_in_the_words_of_the_setting(hfs):
    done = hfs("config", "set", "retries", "-1")
    assert (done.returncode, done.stderr.count(b"\n")) == (3, 1)
    assert b"retries" in done.stderr
    assert b"must be a whole number from 0 to 10" in done.stderr


@pytest.mark.parametrize("args", [["sessions", "list", "--query"], ["config", "set", "system"]])
def test_what_is_not_utf8_is_not_a_bug_anywhere(chat, args):
    chat.keep("talk", "hi", "ok")
    done = chat(*args, LATIN1)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert b"not UTF-8" in done.stderr


@pytest.mark.parametrize("more", [[], ["--render", "markdown"]])
def test_no_stream_shows_nothing_before_the_reply_is_whole(chat, server, more):
    for args, streams in ((more, True), (["--no-stream", *more], False)):
        gate = threading.Event()
        pieces = openai_sse(["first\n\nmore\n\n", "second"])
        server.reply([*pieces[:2], Await(gate), *pieces[2:]])
        process = chat.start("chat", "-n", f"streams {streams}", *args, "hi", bufsize=0)
        early = b""
        if streams:
            while b"first" not in early:
                piece = process.stdout.read(100)
                assert piece, "it ended"
                early += piece
        else:
            # It has come: a part of it is kept while the rest is waited for.
            while "first" not in kept_so_far(chat, "streams False"):
                assert process.poll() is None
            assert select.select([process.stdout], [], [], 0)[0] == []
        assert b"second" not in early
        gate.set()
        out, _ = process.communicate()
        assert early + out == b"first\n\nmore\n\nsecond\n"


def kept_so_far(hfs, name):
    """What a session's reply holds; read here, so that no process is in between."""
    with SessionStore(hfs.database) as store:
        session = store.find(name)
        if session is None:
            return ""
        return "".join(m.content for m in store.transcript(session.id) if m.role == "assistant")


def test_a_system_prompt_that_is_typed_beats_the_configured_one(chat, server, tmp_path):
    server.always(openai_sse("ok"))
    chat.configure('system = "configured"\n' + chat.config.read_text())
    (tmp_path / "prompt").write_text("from a file")

    def sent(*args):
        chat.ok("chat", *args)
        messages = server.requests[-1].json["messages"]
        return [m["content"] for m in messages if m["role"] == "system"]

    assert sent("hi") == ["configured"]
    assert sent("-s", "typed", "hi") == ["typed"]
    assert sent("--system-file", str(tmp_path / "prompt"), "hi") == ["from a file"]
    assert sent("--no-system", "hi") == []
    assert sent("-s", "", "hi") == []
    # A session goes on with its own.
    chat.ok("chat", "-n", "kept", "-s", "its own", "hi")
    assert sent("-S", "kept", "-s", "", "more") == []
    assert sent("-S", "kept", "more") == ["its own"]
    assert sent("-S", "kept", "-s", "another", "more") == ["another"]
