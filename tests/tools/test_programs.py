"""Programs as tools: whatever they do, the turn goes on and nothing of them is left."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

import pytest

from hfs_cli.config.tools import ProgramConfig
from hfs_cli.errors import ConfigError
from hfs_cli.tools.programs import open_program
from hfs_cli.tools.tool import MAX_RESULT_BYTES
from tests.tools.conftest import is_running, wait_until

FILE = Path("/etc/hfs.toml")


def program(*command: str, hidden=(), **settings):
    table = ProgramConfig("it", command=command, description="A test.", **settings)
    return open_program(table, FILE, hidden)


def shell(script: str, **settings):
    return program("sh", "-c", script, **settings)


def run(tool, arguments=None, seconds: float | None = 120, stopped=lambda: False):
    return tool.call(arguments or {}, seconds, stopped)


def test_it_is_given_one_json_object_and_answers_with_what_it_prints():
    result = run(program("cat"), {"path": "ä\n", "deep": [1, None]})
    assert json.loads(result.text) == {"path": "ä\n", "deep": [1, None]}
    assert not result.failed


def test_a_failure_is_an_error_with_its_output_and_the_end_of_standard_error():
    result = run(shell("echo found; seq 1000 >&2; exit 7"))
    assert result.failed
    lines = result.text.splitlines()
    assert lines[:2] == ["found", "[it failed with exit status 7]"]
    assert lines[-1] == "1000"
    assert len(lines) < 30


def test_a_signal_that_ended_it_is_named():
    assert run(shell("kill -SEGV $$")).text == "[it was ended by signal SIGSEGV]"


def test_one_that_hangs_is_ended_at_its_limit():
    result = run(shell("echo begun; sleep 600", timeout=3), seconds=None)
    assert result.failed
    assert result.text == "begun\n[it was ended: it took over 3 s]"


def test_one_that_does_not_listen_to_sigterm_is_ended_too():
    result = run(shell("trap '' TERM; while :; do sleep 1; done"), seconds=0.3)
    assert result.text == "[it was ended: it took over 0.3 s]"


def test_the_limit_of_the_turn_beats_its_own():
    assert "it took over 0.2 s" in run(shell("sleep 600", timeout=600), seconds=0.2).text


def test_a_flood_is_cut_with_a_note_and_ended():
    result = run(program("yes"))
    assert result.failed
    assert result.text.startswith("y\ny\n")
    assert "[cut here: the first 100,000 of " in result.text
    assert result.text.endswith("[it was ended: it printed over 10,000,000 bytes]")
    assert len(result.text) < MAX_RESULT_BYTES + 200


def test_what_is_long_but_ends_is_cut_and_no_error():
    result = run(shell("yes é | head -c 300001"))
    assert not result.failed
    assert result.text.endswith("é\n\n[cut here: the first 100,000 of 300,001 bytes]")


def test_a_result_of_escapes_alone_stays_within_the_limit():
    result = run(shell("head -c 99000 /dev/zero"))
    assert result.text.startswith("\\x00\\x00")
    assert len(result.text) < MAX_RESULT_BYTES + 200


def test_bytes_that_are_not_text_are_shown_and_escapes_are_kept():
    result = run(shell(r"printf 'a\377\033]52;c;eA==\007\000z'"))
    assert result.text == "a\\xff\x1b]52;c;eA==\x07\\x00z"


def test_one_that_reads_nothing_is_not_waited_for():
    assert run(program("true"), {"long": "x" * 1_000_000}).text == ""
    assert run(shell("exec <&-; echo still here"), {"long": "x" * 1_000_000}).text == "still here\n"


def test_one_that_prints_before_it_reads_does_not_hang():
    script = "import sys; print('x' * 200000); print(len(sys.stdin.read()))"
    result = run(program(sys.executable, "-S", "-c", script), {"long": "y" * 1_000_000})
    assert not result.failed


def test_a_child_that_holds_the_pipe_is_not_waited_for_and_is_ended(tmp_path):
    note = tmp_path / "pid"
    result = run(shell(f"sleep 600 & echo $! > {note}; echo done"))
    assert result.text == "done\n"
    wait_until(lambda: not is_running(int(note.read_text())))


@pytest.mark.skipif(sys.platform != "linux", reason="found by /proc, which Linux has")
def test_a_child_that_has_left_the_group_is_ended_too(tmp_path):
    note = tmp_path / "pid"
    script = f"setsid sh -c 'echo $$ > {note}; exec sleep 600' & while [ ! -s {note} ]; do :; done"
    run(shell(script))
    wait_until(lambda: not is_running(int(note.read_text())))


def test_all_of_it_ends_when_the_turn_does(tmp_path):
    note, stop = tmp_path / "pid", threading.Event()
    tool = shell(f"sleep 600 & echo $! > {note}; wait")
    thread = threading.Thread(target=run, args=(tool, {}, None, stop.is_set))
    thread.start()
    wait_until(lambda: note.exists() and note.read_text().strip())
    stop.set()
    thread.join(120)
    assert not thread.is_alive()
    wait_until(lambda: not is_running(int(note.read_text())))


def test_it_has_no_terminal():
    assert run(shell("(exec </dev/tty) 2>/dev/null && echo has one; true")).text == ""


def test_it_sees_the_variables_that_were_named_and_no_others(monkeypatch):
    monkeypatch.setenv("NAMED", "yes")
    monkeypatch.setenv("OTHER", "no")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    seen = run(shell("env", env=("NAMED", "NOT_SET"))).text
    assert "NAMED=yes" in seen
    assert "PATH=" in seen
    assert "OTHER" not in seen
    assert "canary" not in seen


def test_a_providers_key_cannot_even_be_named():
    with pytest.raises(ConfigError, match="holds a provider's key, which no tool gets"):
        shell("env", env=("OPENAI_API_KEY",), hidden={"OPENAI_API_KEY"})


def test_it_runs_where_it_was_told_to(tmp_path):
    assert run(program("pwd", cwd=str(tmp_path))).text == f"{tmp_path}\n"


@pytest.mark.parametrize(
    ("command", "settings", "says"),
    [
        (("no-such-program",), {}, "there is no program no-such-program"),
        (("./run",), {}, "is relative"),
        ((), {}, "has no command"),
        (("cat",), {"cwd": "work"}, "cwd .* is relative"),
        (("cat",), {"cwd": "/no/such"}, "is not a directory"),
        (("cat",), {"parameters": {"type": "array"}}, "must describe an object"),
        (("cat",), {"parameters": {"properties": 7}}, "cannot be used"),
        (("cat",), {"parameters": {"$ref": "file:///etc/passwd"}}, "nothing is fetched"),
        (("cat",), {"parameters": "a date"}, "is not a"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_sent(command, settings, says):
    with pytest.raises(ConfigError, match=says):
        program(*command, **settings)


def test_nothing_is_taken_from_the_current_directory(tmp_path, monkeypatch):
    mine = tmp_path / "mine"
    mine.write_text("#!/bin/sh\necho mine\n")
    mine.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f".:{os.environ['PATH']}:")
    with pytest.raises(ConfigError, match="there is no program mine"):
        program("mine")


def test_a_short_form_describes_the_arguments():
    assert program("cat", parameters="path, depth int").parameters["required"] == ["path", "depth"]
    assert program("cat").parameters == {"type": "object", "properties": {}}
