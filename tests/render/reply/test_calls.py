"""Calls of tools as a person sees them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from hfs_cli.messages import Call
from hfs_cli.render.reply.calls import call_line, names_of
from tests.render.terminals import TURN, run_in_terminal
from tests.render.test_output import turn_in_pipe

BEGAN = datetime(2026, 11, 29, tzinfo=UTC)


def call(arguments: object, result: str | None = "ok", ms: float = 80, **more) -> Call:
    given = arguments if isinstance(arguments, str) else json.dumps(arguments)
    ended = BEGAN + timedelta(milliseconds=ms)
    kept = Call("1", "files__read_file", given, result, started_at=BEGAN, ended_at=ended)
    return kept._replace(**more)


@pytest.mark.parametrize(
    ("called", "line"),
    [
        (
            call({"path": "README.md"}, "x" * 1234),
            "⚙ files:read_file path=README.md  1.2 kB  80 ms",
        ),
        (
            call({"n": 3, "all": True, "in": [1]}),
            "⚙ files:read_file n=3 all=true in=[1]  2 B  80 ms",
        ),
        (call("", "", 2500), "⚙ files:read_file  0 B  2.5 s"),
        (call("not json"), "⚙ files:read_file not json  2 B  80 ms"),
        (call("[1]"), "⚙ files:read_file [1]  2 B  80 ms"),
        (call({"a": "x\ny\x1b[2J"}), r"⚙ files:read_file a=x y\x1b[2J  2 B  80 ms"),
        (call({"a": "x" * 99}), f"⚙ files:read_file a={'x' * 59}…  2 B  80 ms"),
        (
            call({}, "no\nsuch file", failed=True),
            "⚙ files:read_file  failed: no such file  80 ms",
        ),
        (call({}, None, ended_at=None), "⚙ files:read_file  no result: it broke off"),
        (call({}, None, started_at=None, ended_at=None), "⚙ files:read_file  not run"),
        (call({}, ms=-5), "⚙ files:read_file  2 B  0 ms"),
    ],
)
def test_a_call_is_one_line(called, line):
    assert call_line(called, 100) == line


def test_a_line_fits_and_its_arguments_give_way_first():
    called = call({"text": "x" * 50, "more": "y" * 50}, "ok")
    assert call_line(called, 60) == f"⚙ files:read_file text={'x' * 24}…  2 B  80 ms"
    assert len(call_line(called, 60)) == 60
    failed = call({"path": "abc"}, "no such file " * 9, failed=True)
    assert call_line(failed, 40) == "⚙ files:read_file path=abc  failed: no …"


ASKED = {"id": "1", "name": "files__read", "arguments": '{"path": "a"}'}
DONE, FAILED = {**ASKED, "result": "words\n"}, {**ASKED, "result": "no such file", "failed": True}
EVENTS = [
    ("text", "Let me **see**"),
    ("called", ASKED),
    ("called", ASKED),
    ("waiting", None),
    ("returned", DONE),
    ("returned", FAILED),
    ("wait", 0.25),
    ("text", "the answer"),
]


def turn(events=EVENTS, **options) -> str:
    return json.dumps({"events": events, "options": options, "tools": True})


@pytest.mark.parametrize("render", ["markdown", "plain"])
def test_a_person_sees_what_was_said_before_the_tools_each_call_and_the_answer(render):
    seen = run_in_terminal(TURN, turn(render=render))
    said = "Let me see" if render == "markdown" else "Let me **see**"
    assert seen.lines == [
        said,
        "⚙ files:read path=a  6 B  0 ms",
        "⚙ files:read path=a  failed: no such file  0 ms",
        "the answer",
        "session 12 · wal",
    ]
    assert "\x1b[2m⚙ files:read path=a  6 B".encode() in seen.raw
    assert "\x1b[31m⚙ files:read path=a  failed".encode() in seen.raw
    # A sign of life while the model is asked again, which leaves no trace.
    assert "⠋".encode() in seen.raw


def test_the_tools_that_run_are_named_beside_the_spinner_until_they_have_ended():
    other = {**ASKED, "name": "slow", "arguments": "{}"}
    ran = [
        ("called", ASKED),
        ("called", other),
        ("called", ASKED),
        ("drawn", None),
        ("returned", DONE),
        ("drawn", None),
        ("returned", DONE),
        ("drawn", None),
        ("returned", {**other, "result": "x"}),
        ("drawn", None),
        ("text", "the answer"),
    ]
    seen = run_in_terminal(TURN, turn(ran))
    frames = seen.raw.decode().split("\r")
    first = [frame for frame in frames if frame.startswith("⠋ ")]
    assert first == ["⠋ ⚙ files:read, slow", "⠋ ⚙ slow, files:read", "⠋ ⚙ slow"]
    assert "⠋" in frames[frames.index(first[-1]) :]  # the model is asked again
    assert "⠋" not in "".join(seen.lines)


def test_the_names_of_many_tools_fit_into_the_window():
    read = Call("1", "files__read")
    assert names_of([read, read], 20) == "⚙ files:read"
    assert names_of([read, Call("", "two")], 15) == "⚙ files:read, …"


def test_quiet_leaves_the_calls_out():
    seen = run_in_terminal(TURN, turn(quiet=True))
    assert seen.lines == ["Let me see", "the answer"]


def test_verbose_shows_all_that_went_in_and_came_out_on_a_terminal_or_not():
    shown = ["⚙ files:read path=a  6 B  0 ms", '{"path": "a"}', "words"]
    seen = run_in_terminal(TURN, turn(verbose=True))
    assert seen.lines[1:4] == shown
    done = turn_in_pipe(turn(verbose=True))
    assert done.stderr.decode().splitlines()[:3] == shown
    assert done.stdout == b"the answer\n"


@pytest.mark.parametrize("render", ["markdown", "plain"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_pipe_gets_what_the_last_step_said_and_nothing_on_standard_error(render, stream):
    done = turn_in_pipe(turn(render=render, stream=stream))
    assert (done.stdout, done.stderr) == (b"the answer\n", b"")


def test_of_steps_without_words_nothing_is_written():
    events = [("called", ASKED), ("waiting", None), ("returned", DONE)]
    assert turn_in_pipe(turn(events)).stdout == b""


def test_json_lines_tell_of_calls_and_results():
    out = turn_in_pipe(turn(format="jsonl")).stdout.decode()
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["type"] for event in events] == [
        "session",
        "delta",
        "tool_call",
        "tool_call",
        "tool_result",
        "tool_result",
        "delta",
        "usage",
        "done",
    ]
    assert events[2] == {
        "type": "tool_call",
        "id": "1",
        "name": "files__read",
        "tool": "files:read",
        "arguments": '{"path": "a"}',
    }
    assert events[5]["result"] == "no such file"
    assert (events[4]["failed"], events[5]["failed"]) == (False, True)


def test_what_a_tool_says_never_drives_the_terminal():
    evil = {**ASKED, "result": "\x1b[2Jx\x1b]0;t\x07", "name": "a\x1b[2J", "failed": True}
    events = [("called", ASKED), ("returned", evil), ("text", "done")]
    for options in ({}, {"verbose": True}):
        seen = run_in_terminal(TURN, turn(events, **options))
        assert b"\x1b[2J" not in seen.raw
        assert b"\x1b]0" not in seen.raw
