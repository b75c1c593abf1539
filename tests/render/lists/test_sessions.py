"""Lists of sessions and transcripts: for a person, for a pipe, as JSON."""

import json
import re
import subprocess
import sys

import pytest

from tests.render.terminals import ROOT, run_in_terminal

SETUP = """
import sys
from datetime import datetime, timedelta, timezone
from hfs_cli.messages import Message, Session
now = datetime(2026, 11, 22, 18, 5, tzinfo=timezone.utc)
names = ["short", "[/foo] :smile: a\\x1b]0;t\\x07\\tb\\nc", "长" * 60]
def session(id, name, **more):
    return Session(id, "0" * 32, name, "openai/gpt", 2, now, now - timedelta(hours=3 * id), **more)
sessions = [session(i, name) for i, name in enumerate(names, 1)]
sessions.append(session(9, "cut", last_status="partial"))
long = "\\n\\n".join(f"paragraph {i}" for i in range(100))
messages = [
    Message(1, 1, "user", "hi\\x1b[2J", now),
    Message(2, 2, "assistant", "**yes**", now, "partial", model="m", reply_to=1, error="reset"),
]
"""
LIST = """
from hfs_cli.render.lists.sessions import show_sessions
def show(**how):
    show_sessions(sessions, current_id=1, total=9, now=now, **how)
"""
TRANSCRIPT = "from hfs_cli.render.lists.transcript import print_transcript\n"


def in_pipe(code):
    return subprocess.run(
        [sys.executable, "-c", SETUP + code],
        capture_output=True,
        env={"PYTHONPATH": str(ROOT), "TZ": "UTC"},
        check=True,
    ).stdout.decode()


def test_the_pipe_form_has_stable_columns_and_loads_no_rich():
    out = in_pipe(LIST + "show(); print('rich' in sys.modules)")
    rows = [line.split("\t") for line in out.split("\n")]
    assert rows[0] == ["1", "short", "openai/gpt", "2", "2026-11-22T15:05:00.000000Z", ""]
    assert rows[3][5] == "partial"
    assert rows[1][1] == r"[/foo] :smile: a\x1b]0;t\x07\tb\nc"
    assert rows[4] == ["False"]


def test_the_json_form_is_an_array():
    listed = json.loads(in_pipe(LIST + "show(as_json=True)"))
    assert listed[3]["name"] == "cut"
    assert set(listed[0]) == {
        "id", "uid", "name", "model", "messages", "created_at", "updated_at", "last_status",
    }  # fmt: skip


@pytest.mark.parametrize("columns", [*range(1, 21), 40, 80, 200])
def test_a_list_fits_the_width(columns):
    code = SETUP + LIST + "show()"
    seen = run_in_terminal(code, columns=columns, rows=50)
    assert seen.code == 0, seen.lines
    assert len(seen.lines) >= 6  # the last line goes on below itself
    assert "".join(seen.lines[5:]).replace(" ", "").endswith("4of9—--allfortherest")
    assert b"\x1b]" not in seen.raw
    if columns >= 40:
        assert [line[-1] for line in (seen.lines[1], seen.lines[4])] == ["●", "◐"]
    if columns >= 80:
        assert seen.lines[1].split() == ["1", "short", "gpt", "2", "3", "h", "ago", "●"]
        assert seen.lines[4].endswith("◐")
        assert seen.lines[5] == "● current   ◐ last reply partial   4 of 9 — --all for the rest"


NAMED = """
names = [f"words number {n}... - 2026-11-22_18-05" for n in range(3)]
sessions = [session(n, name) for n, name in enumerate(names, 1)]
"""


@pytest.mark.parametrize(("columns", "date"), [(40, False), (60, False), (80, True), (200, True)])
def test_the_date_of_an_automatic_name_is_dim_or_left_out_but_never_cut(columns, date):
    seen = run_in_terminal(SETUP + NAMED + LIST + "show()", columns=columns)
    assert f"words number 1...{' - 2026-11-22_18-05' if date else ''}" in seen.lines[2]
    assert not re.search(r"\d…", "".join(seen.lines))
    assert (b"\x1b[2m - 2026" in seen.raw) == date


def test_a_narrow_window_keeps_the_names_and_drops_the_rest():
    seen = run_in_terminal(SETUP + NAMED + LIST + "show()", columns=30)
    assert [line.split("  ")[0].strip() for line in seen.lines[:2]] == ["ID", "1"]
    assert "words number 0..." in seen.lines[1]


def test_a_transcript_in_a_pipe_is_exact():
    out = in_pipe(TRANSCRIPT + "print_transcript(sessions[0], messages)")
    assert out == (
        "session 1 · short\n\n--- 1 user · 2026-11-22 18:05\nhi\x1b[2J\n\n"
        "--- 2 assistant · m · 2026-11-22 18:05 · ◐ partial: reset\n**yes**\n"
    )


def test_a_transcript_marks_checkpoints():
    code = (
        SETUP
        + TRANSCRIPT
        + (
            "from hfs_cli.conversations import Checkpoint\n"
            "points = [Checkpoint(1, 1, 1, 'draft\\x1b', now), Checkpoint(2, 1, 2, None, now)]\n"
            "print_transcript(sessions[0], messages, checkpoints=points)"
        )
    )
    lines = run_in_terminal(code, env={"TZ": "UTC"}).lines
    assert [line for line in lines if "◆" in line] == [r"◆ draft\x1b"]
    assert lines.index(r"◆ draft\x1b") < lines.index("yes")


def test_a_transcript_as_json():
    out = in_pipe(TRANSCRIPT + "print_transcript(sessions[0], messages, as_json=True)")
    assert [m["reply_to"] for m in json.loads(out)["messages"]] == [None, 1]


def test_a_transcript_on_a_terminal_is_safe_markdown():
    code = SETUP + TRANSCRIPT + "print_transcript(sessions[0], messages)"
    seen = run_in_terminal(code, env={"TZ": "UTC"})
    assert b"\x1b[2J" not in seen.raw
    assert r"hi\x1b[2J" in seen.lines
    assert "yes" in seen.lines


def test_a_long_transcript_goes_through_the_pager():
    message = "Message(2, 2, 'assistant', long, now)"
    code = SETUP + TRANSCRIPT + f"print_transcript(sessions[0], [{message}])"
    seen = run_in_terminal(code, env={"TZ": "UTC", "PAGER": "sed s/^/paged:/"})
    assert "paged:paragraph 99" in seen.lines


CALLED = """
from hfs_cli.messages import Call
def call(id, result, **more):
    return Call(id, "files__list", '{"path": "."}', result, **more)
long = "\\n".join(f"line {n}" for n in range(12))
messages[1:] = [
    Message(2, 2, "assistant", "Let me see.", now, model="m", reply_to=1, tool_calls=(
        call("1", long, started_at=now, ended_at=now),
        call("2", "no \\x1b[2Jsuch", failed=True),
        call("3", None, started_at=now),
        call("4", None),
    )),
    Message(3, 3, "assistant", "done", now, model="m", reply_to=2, step=1),
]
"""


def test_the_transcript_in_a_pipe_has_each_call_and_all_that_it_said():
    out = in_pipe(CALLED + TRANSCRIPT + "print_transcript(sessions[0], messages)")
    _, _, reply, *calls, answer = out.split("\n--- ")
    assert reply == "2 assistant · m · 2026-11-22 18:05\nLet me see.\n"
    asked = '⚙ files:list {"path": "."}'
    lines = "".join(f"line {n}\n" for n in range(12))
    assert calls == [
        f"{asked} · 85 B  0 ms\n{lines}",
        f"{asked} · failed: no \\x1b[2Jsuch\nno \x1b[2Jsuch\n",
        f"{asked} · no result: it broke off\n",
        f"{asked} · not run\n",
    ]
    assert answer == "3 assistant · m · 2026-11-22 18:05\ndone\n"


def test_the_transcript_on_a_terminal_has_a_line_for_each_call_and_how_its_result_begins():
    code = SETUP + CALLED + TRANSCRIPT + "print_transcript(sessions[0], messages)"
    seen = run_in_terminal(code, rows=60, env={"TZ": "UTC"})
    at = seen.lines.index("Let me see.")
    assert seen.lines[at + 1 : -3] == [
        "",
        "⚙ files:list path=.  85 B  0 ms",
        "  line 0",
        "  line 1",
        "  line 2",
        "  line 3",
        "  line 4",
        "  … 7 more lines",
        "",
        r"⚙ files:list path=.  failed: no \x1b[2Jsuch",
        "",
        "⚙ files:list path=.  no result: it broke off",
        "",
        "⚙ files:list path=.  not run",
    ]


def test_the_transcript_as_json_has_calls_and_steps():
    out = in_pipe(CALLED + TRANSCRIPT + "print_transcript(sessions[0], messages, as_json=True)")
    _, step, last = json.loads(out)["messages"]
    assert [call["failed"] for call in step["calls"]] == [False, True, False, False]
    assert step["calls"][3] == {
        "id": "4",
        "name": "files__list",
        "tool": "files:list",
        "arguments": '{"path": "."}',
        "result": None,
        "failed": False,
        "started_at": None,
        "ended_at": None,
    }
    assert (step["step"], last["step"], last["reply_to"]) == (0, 1, 2)
