"""The sources under a reply: on a terminal, and in a pipe when they are asked for."""

import json

from tests.render.terminals import TURN, run_in_terminal
from tests.render.test_output import turn_in_pipe

SOURCES = [("https://a.test/", "A"), ("https://b.test/", ""), ("", "report.pdf")]
NOTES = ["[1] A — https://a.test/", "[2] https://b.test/", "[3] report.pdf"]


def plan(sources=SOURCES, **options):
    return json.dumps({"events": [("text", "So.")], "citations": sources, "options": options})


def test_a_terminal_shows_them_under_the_reply():
    for render in ("markdown", "plain"):
        seen = run_in_terminal(TURN, plan(render=render))
        assert seen.lines[:5] == ["So.", "", *NOTES]
        assert b"\x1b[2m[1] A" in seen.raw


def test_a_pipe_gets_the_text_alone_unless_they_are_asked_for():
    assert turn_in_pipe(plan()).stdout == b"So.\n"
    assert turn_in_pipe(plan(citations=True)).stdout.decode().split("\n") == [
        "So.",
        "",
        *NOTES,
        "",
    ]


def test_they_stay_out_of_code_and_json():
    argument = json.loads(plan())
    argument["options"] = {"citations": True, "format": "json"}
    assert "[1]" not in turn_in_pipe(json.dumps(argument)).stdout.decode()
    argument["events"] = [("text", "```\nls\n```\n")]
    argument["options"] = {"citations": True, "extract": "first"}
    assert turn_in_pipe(json.dumps(argument)).stdout == b"ls\n"


def test_nothing_in_them_drives_the_terminal():
    evil = [("https://a.test/\x1b]52;c;!\x07", "x\r\ny\x9b2J")]
    seen = run_in_terminal(TURN, plan(evil, render="plain"))
    assert b"\x1b]52" not in seen.raw
    assert b"\x9b" not in seen.raw
    assert r"\x1b]52" in "".join(seen.lines)


def test_a_reply_without_sources_has_no_notes():
    assert run_in_terminal(TURN, plan([], render="plain")).lines[0] == "So."
    assert (
        turn_in_pipe(
            json.dumps({"events": [("text", "So.")], "options": {"citations": True}})
        ).stdout
        == b"So.\n"
    )
