"""The reply as text, in a pipe and on a terminal."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

from hfs_cli.messages import Outcome, Reply
from hfs_cli.render.output import PlainRenderer
from tests.render.terminals import ROOT, TURN, run_in_terminal


def plan(*pieces, **more):
    return json.dumps({"events": [("text", piece) for piece in pieces], **more})


def turn_in_pipe(argument, shell=None, env=None):
    command = [sys.executable, "-c", TURN, argument]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | (env or {})
    if shell:
        command = ["bash", "-c", f'"$@" {shell}', "bash", *command]
    return subprocess.run(command, capture_output=True, env=environment, check=False)


def test_a_pipe_gets_the_exact_text_and_one_final_newline():
    done = turn_in_pipe(plan("# *x*  \n", "\x1b]52;c;!\x07 \u202e e\u0301 é ", "end"))
    assert done.stdout.decode() == "# *x*  \n\x1b]52;c;!\x07 \u202e e\u0301 é end\n"
    assert done.stderr == b""


def test_a_final_newline_is_not_doubled():
    assert turn_in_pipe(plan("a\n")).stdout == b"a\n"


def test_an_empty_reply_writes_nothing():
    assert turn_in_pipe(plan("", "")).stdout == b""


def test_without_streaming_the_bytes_are_the_same():
    assert turn_in_pipe(plan("a", "b", options={"stream": False})).stdout == b"ab\n"


def test_without_streaming_a_reply_is_written_in_one_piece():
    written = []
    renderer = PlainRenderer(SimpleNamespace(write=written.append), safe=False, stream=False)
    for piece in ("one\n", "two"):
        renderer.text(piece)
    renderer.close(Outcome(None, None, Reply("", "m")))
    assert [piece for piece in written if piece] == ["one\ntwo\n"]


def test_utf8_whatever_the_locale():
    done = turn_in_pipe(plan("é→"), env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    assert (done.stdout, done.code if hasattr(done, "code") else done.returncode) == (
        "é→\n".encode(),
        0,
    )


def test_a_lone_surrogate_is_written_as_its_escape():
    assert turn_in_pipe(plan("a\ud800b")).stdout == b"a\\ud800b\n"


def test_a_full_device_is_one_line_and_exit_8():
    done = turn_in_pipe(plan("a"), shell="> /dev/full")
    assert (done.returncode, done.stderr.count(b"\n")) == (8, 1)
    assert b"No space left" in done.stderr


def test_a_closed_stdout_is_one_line_and_exit_8():
    done = turn_in_pipe(plan("a"), shell=">&-")
    assert (done.returncode, done.stderr) == (
        8,
        b"hfs: error: cannot write to standard output: it is closed\n",
    )


def test_a_reader_that_leaves_is_exit_141():
    events = [("text", "line\n"), ("wait", 0.1)] * 600
    argument = json.dumps({"events": events})
    done = turn_in_pipe(argument, shell="| head -1 >/dev/null; exit ${PIPESTATUS[0]}")
    assert done.returncode == 141


def test_a_closed_stderr_changes_nothing():
    assert turn_in_pipe(plan("a"), shell="2>&-").stdout == b"a\n"


def test_a_nonblocking_pipe_takes_everything():
    read, write = os.pipe()
    os.set_blocking(write, False)
    text = "x" * 1_000_000
    code = "import sys; from hfs_cli.render.output import Output; Output().write('x' * 1_000_000)"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=write, env={"PYTHONPATH": str(ROOT)}
    )
    os.close(write)
    with os.fdopen(read) as stream:
        assert stream.read() == text
    assert process.wait() == 0


def test_plain_on_a_terminal_is_made_safe():
    seen = run_in_terminal(
        TURN, plan("\x1b]52;c;x\x07\n", "a\r", "\nb", options={"render": "plain"})
    )
    assert seen.raw.count(b"\x1b]52") == 0
    assert r"\x1b]52;c;x\x07" in seen.lines
    assert "b" in seen.lines


def test_an_error_after_unfinished_text_begins_its_own_line():
    for render in ("plain", "markdown"):
        seen = run_in_terminal(TURN, plan("so far", options={"render": render}, error="cut"))
        assert "so far" in seen.lines
        assert "hfs: error: cut" in seen.lines


def test_a_dumb_terminal_gets_no_escape_bytes():
    for term in ({"TERM": "dumb"}, {"TERM": ""}):
        argument = plan("**a** `b`\n\n", "- c\n", options={"usage": True})
        assert b"\x1b" not in run_in_terminal(TURN, argument, env=term).raw


def test_no_color_sets_no_colour_and_force_color_does():
    argument = plan("**bold** text\n", options={"quiet": True})
    assert b"m" not in run_in_terminal(TURN, argument, env={"NO_COLOR": "1"}).raw.split(b"\x1b[")[0]
    assert b"\x1b[1m" not in run_in_terminal(TURN, argument, env={"NO_COLOR": "1"}).raw
    forced = run_in_terminal(TURN, argument, env={"FORCE_COLOR": "1", "TERM": "xterm"})
    assert b"\x1b[1m" in forced.raw


def test_plain_text_in_a_pipe_loads_neither_rich_nor_markdown():
    code = TURN + "\nprint([m for m in ('rich', 'markdown_it', 'pygments') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code, plan("a")],
        capture_output=True,
        env={"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.stdout == b"a\n[]\n"
