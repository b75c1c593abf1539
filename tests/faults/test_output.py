"""What reaches a terminal, a pipe, or nobody."""

import contextlib
import json
import re
import resource
import sqlite3
import subprocess
import unicodedata

import pytest

from hfs_cli.errors import UsageError
from tests.render.terminals import spawn
from tests.scripted_server import Pause, openai_chunk, openai_sse, sse
from tests.test_sanitize import PAYLOADS

# All that hfs itself ever sends to a terminal: colour and weight, and what redraws a block.
_OURS = re.compile(
    # A frame of the spinner is between two returns; none is drawn where a reply comes at once.
    r"\r[⠀-⣿]\r|\x1b\[[0-9;]*m|\r?\x1b\[\d*A\r\x1b\[J|\x1b\[\?2026[hl]|\r\x1b\[K|\r(?=\n)"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def on_terminal(hfs, *args, columns=80, env=None, drop=()):
    inherited = hfs.environment({"PAGER": "cat"} | (env or {}))
    environment = {name: value for name, value in inherited.items() if name not in drop}
    return spawn([*hfs.argv, *args], environment, columns=columns)


def in_shell(hfs, script, *args):
    """Run a bash script in which "$@" is the command."""
    return subprocess.run(
        ["bash", "-c", script, "bash", *hfs.argv, *args],
        env=hfs.environment(),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def foreign(raw):
    """Control characters that hfs did not mean to send."""
    return _CONTROL.findall(_OURS.sub("", raw.decode()))


def last_message(hfs):
    return json.loads(hfs.ok("sessions", "show", "@last", "--format", "json"))["messages"][-1]


def test_head_takes_one_line_and_the_rest_is_partial(chat, server):
    lines = sse(*(openai_chunk({"content": f"line {n}\n"}) for n in range(2000)), done=False)
    # It goes on until the reader has left, which takes a busy machine its time.
    server.reply([step for line in lines for step in (line, Pause(0.02))])
    done = in_shell(chat, '"$@" | head -1; exit ${PIPESTATUS[0]}', "chat", "hi")
    assert (done.returncode, done.stdout, done.stderr) == (141, b"line 0\n", b"")
    assert last_message(chat)["status"] == "partial"


def test_a_closed_stdout_never_becomes_the_database(chat, server):
    server.reply(openai_sse("secret text"))
    done = in_shell(chat, '"$@" >&-', "chat", "hi")
    assert (done.returncode, done.stderr.count(b"\n")) == (8, 1)
    database = sqlite3.connect(chat.database)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    assert last_message(chat)["content"] == "secret text"


# Commands that print in ways of their own: click's help, plain lines, JSON, a long text.
_PRINTING = (
    ("--help",),
    ("sessions", "--help"),
    ("db", "path"),
    ("config", "get", "retries"),
    ("config", "path"),
    ("config", "list"),
    ("keys", "list", "--json"),
    ("models", "default"),
    ("chat", "--schema-of", "json"),
    ("chat", "--dry-run", "hi"),
    ("completion", "bash"),
    ("sessions", "fork", "kept"),
    ("checkpoints", "create", "kept", "--label", "x"),
    ("--version",),
)


@pytest.mark.parametrize("args", _PRINTING, ids=" ".join)
@pytest.mark.parametrize("target", [">/dev/full", ">&-"])
def test_an_output_that_cannot_be_written_is_one_line_whoever_prints(chat, args, target):
    chat.keep("kept", "hi", "ok")
    done = in_shell(chat, f'"$@" {target}', *args)
    assert (done.returncode, done.stderr.count(b"\n")) == (8, 1)
    assert done.stderr.startswith(b"hfs: error: cannot write to standard output: ")


@pytest.mark.parametrize(
    "args",
    [
        ("chat", "hi"),
        ("batch", "-", "-O", "results.jsonl"),
        ("config", "set", "timeout", "9"),
        ("config", "unset", "retries"),
        ("keys", "set", "test"),
        ("models", "default", "test/other"),
        ("models", "pull", "weights.gguf"),
        ("chat", "--save-template", "mine", "hi"),
        ("completion", "bash", "--install"),
        ("sessions", "export", "-O", "kept.md"),
        ("sessions", "export", "--all", "--format", "html", "-O", "archive"),
        ("db", "backup", "copy.db"),
    ],
    ids=" ".join,
)
def test_a_full_disk_is_one_exit_code_whatever_was_to_be_written(chat, tmp_path, args):
    chat.keep("kept", "hi", "ok")
    before = chat.config.read_text()
    (tmp_path / "weights.gguf").write_bytes(b"GGUF" * 100)

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    process = chat.start(*args, preexec_fn=no_room, stdin=subprocess.PIPE, cwd=tmp_path)
    _, stderr = process.communicate(b"sk-new")
    assert (process.returncode, stderr.count(b"\n")) == (8, 1), stderr
    assert chat.config.read_text() == before
    assert chat.ok("sessions", "list", "--ids") == "1\n"


@pytest.mark.parametrize("args", [("--version",), ("completion", "bash")])
def test_a_reader_that_left_before_is_not_an_error(chat, args):
    done = in_shell(chat, '{ sleep 0.1; "$@"; echo $? >&2; } | :', *args)
    assert done.stderr == b"141\n"


def test_a_command_that_prints_nothing_does_without_an_output(chat):
    chat.keep("old", "hi", "ok")
    done = in_shell(chat, '"$@" >&-', "rename", "old", "new")
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_closed_stderr_or_stdin_does_no_harm(chat, server):
    server.reply(openai_sse("a")).reply(openai_sse("b"))
    assert in_shell(chat, '"$@" 2>&-', "chat", "hi").stdout == b"a\n"
    assert in_shell(chat, '"$@" <&-', "chat", "hi").stdout == b"b\n"


def test_a_terminal_without_a_prompt_does_not_hang(chat):
    seen = on_terminal(chat, "chat")
    assert (seen.code, len(seen.lines)) == (2, 1)


@pytest.mark.parametrize("term", ["dumb", None])
def test_a_dumb_terminal_gets_no_escape_byte(chat, server, term):
    server.reply(openai_sse("**a**\n\n- `b`\n", reasoning="hm"))
    env, drop = ({"TERM": term}, ()) if term else ({}, ("TERM",))
    for args in (["chat", "-u", "hi"], ["sessions", "list"], ["sessions", "show"]):
        seen = on_terminal(chat, *args, env=env, drop=drop)
        assert (seen.code, seen.raw.count(b"\x1b")) == (0, 0)
        assert seen.lines


SGR = re.compile(rb"\x1b\[[0-9;]*m")


def test_no_color_and_force_color_are_obeyed(chat, server):
    server.always(openai_sse("**a**\n"))
    for args in (["chat", "hi"], ["sessions", "list"], ["sessions", "show"]):
        looks = [
            ({}, True),
            ({"NO_COLOR": "1"}, False),
            ({"NO_COLOR": ""}, True),
            ({"TERM": "dumb"}, False),
            ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
            ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
            ({"CLICOLOR": "0"}, True),
        ]
        for env, colored in looks:
            assert bool(SGR.search(on_terminal(chat, *args, env=env).raw)) is colored, (args, env)


def test_force_color_colours_what_is_drawn_in_a_pipe_but_never_a_reply(chat, server):
    server.always(openai_sse("**a**\n"))
    assert chat.ok("chat", "hi", env={"FORCE_COLOR": "1"}) == "**a**\n"
    drawn = ("chat", "--render", "markdown", "hi")
    assert "\x1b[1ma\x1b[0m" in chat.ok(*drawn, env={"FORCE_COLOR": "1"})
    assert "\x1b" not in chat.ok(*drawn)


@pytest.mark.parametrize("columns", [1, 2, 3, 7, 20])
def test_a_narrow_window_loses_no_text(chat, server, columns):
    server.reply(openai_sse("# one\n\n- two `three`\n\n|four|\n|-|\n|five|\n"))
    seen = on_terminal(chat, "chat", "-q", "hi", columns=columns)
    assert seen.code == 0
    text = re.sub(r"\W", "", "".join(seen.lines))
    assert text == "onetwothreefourfive"


@pytest.mark.parametrize("columns", [30, 40, 60, 80])
def test_a_narrow_window_loses_no_setting_and_no_advice(hfs, columns):
    hfs.env["HFS_MODEL"] = "openai/gpt-5"
    whole = {
        ("doctor",): ("setOPENAI_API_KEYorrun:hfskeyssetopenai",),
        ("config", "list"): ("120.0", "openai/gpt-5", "HFS_MODEL"),
    }
    for args, expected in whole.items():
        seen = on_terminal(hfs, *args, columns=columns)
        assert "…" not in "".join(seen.lines)
        # Of a cell that takes several lines, the pieces stand below each other.
        starts = [seen.lines[0].find(title) for title in seen.lines[0].split()]
        cells = [
            "".join(row[a:b].strip() for row in seen.lines)
            for a, b in zip(starts, [*starts[1:], None], strict=True)
        ]
        for text in expected:
            assert any(text in cell.replace(" ", "") for cell in cells), (text, cells)


@pytest.mark.parametrize("render", ["markdown", "plain"])
def test_nothing_from_the_model_drives_the_terminal(chat, server, render):
    evil = "\n\n".join(PAYLOADS.values())
    server.reply(openai_sse(list(evil), reasoning=evil))
    seen = on_terminal(chat, "chat", "--render", render, "hi", columns=300)
    assert (seen.code, foreign(seen.raw)) == (0, [])
    assert r"\x1b]52;c;cm0gLXJm\x07" in seen.lines
    assert last_message(chat)["content"] == evil
    assert foreign(on_terminal(chat, "sessions", "show", "@last").raw) == []
    for form in (["--json"], ["--format", "jsonl"]):
        server.reply(openai_sse(evil))
        assert foreign(on_terminal(chat, "chat", *form, "hi").raw) == []


def test_a_server_error_is_one_clean_line(chat, server):
    body = json.dumps({"error": {"message": "no\x1b[2J\nway\x9b"}}).encode()
    server.reply(status=400, body=body)
    seen = on_terminal(chat, "chat", "hi", columns=300)
    assert (seen.code, foreign(seen.raw)) == (5, [])
    assert seen.lines[-1].endswith(r"no\x1b[2J way\x9b")


def test_a_pipe_gets_what_the_model_said(chat, server):
    evil = "".join(PAYLOADS.values())
    server.reply(openai_sse(list(evil)))
    assert chat("chat", "hi").stdout == evil.encode() + b"\n"


_NAMES = [
    "[bold]",
    "[/foo]",
    "[link=http://x]y[/link]",
    ":smile:",
    "%s %d {0} ${x}",
    "'; DROP TABLE t; --",
    "<script>alert(1)</script>",
    "\u202egnp",
    "👨\u200d👩\u200d👧\u200d👦 family",
    "é é",
    "Ω≈ç√",
    "\ufeffbom",
    "../../etc",
    "$(id)",
]


def test_names_are_text_and_never_markup(chat):
    kept = []
    for name in _NAMES:
        with contextlib.suppress(UsageError):
            chat.keep(name, "hi", "ok")
            kept.append(name)
    seen = on_terminal(chat, "sessions", "list", columns=120)
    # What follows a name that terminals draw in different widths is put at its column.
    drawn = re.sub(rb"\x1b\[\d+G", b"", seen.raw)
    assert (seen.code, foreign(drawn)) == (0, [])
    for name in ("[bold]", "[/foo]", ":smile:", "'; DROP TABLE t; --"):
        assert any(name in line for line in seen.lines)
    listed = [line.split("\t")[1] for line in chat.ok("sessions", "list").split("\n") if line]
    assert len(listed) == len(kept)
    # Names are kept in Unicode's composed form, so that twins are one name.
    assert {unicodedata.normalize("NFC", n) for n in kept if n.isprintable()} <= set(listed)


def test_a_name_with_control_characters_is_refused(chat, server):
    for name in ("a\x1b[2J", "a\nb", "a\tb", "a\x07"):
        done = chat("chat", "-n", name, "hi")
        assert (done.returncode, done.stderr.count(b"\n"), server.requests) == (2, 1, [])
        assert b"\x1b" not in done.stderr
