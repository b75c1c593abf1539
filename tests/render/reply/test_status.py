"""What standard error shows during a turn, to a person and to a script."""

import json

import pytest

from hfs_cli.config import ModelConfig
from hfs_cli.messages import Reply, Usage
from hfs_cli.render.reply.status import usage_line
from tests.render.terminals import TURN, run_in_terminal
from tests.render.test_output import turn_in_pipe

EVENTS = [("wait", 0.25), ("reasoning", "let me\nsee"), ("text", "the "), ("text", "answer")]


def turn(events=EVENTS, **options):
    return json.dumps({"events": events, "options": options})


def test_a_person_sees_reasoning_reply_and_session_each_on_lines_of_its_own():
    seen = run_in_terminal(TURN, turn())
    assert seen.lines == ["let me", "see", "the answer", "session 12 · wal"]
    assert b"\x1b[2mlet me" in seen.raw


def test_without_colour_an_empty_line_parts_reasoning_and_reply():
    seen = run_in_terminal(TURN, turn(), env={"NO_COLOR": "1"})
    assert seen.lines == ["let me", "see", "", "the answer", "session 12 · wal"]


def test_a_sign_of_life_turns_until_the_first_token_and_leaves_no_trace():
    seen = run_in_terminal(TURN, turn([("spun", 120), *EVENTS]))
    assert "⠋".encode() in seen.raw
    assert "⠋" not in "".join(seen.lines)


def test_a_script_sees_nothing():
    assert turn_in_pipe(turn()).stderr == b""


def test_reasoning_can_be_hidden():
    seen = run_in_terminal(TURN, turn(hide_reasoning=True))
    assert seen.lines == ["the answer", "session 12 · wal"]


def test_quiet_leaves_the_reply_alone():
    seen = run_in_terminal(TURN, turn(quiet=True))
    assert (seen.lines, seen.raw.count("⠋".encode())) == (["the answer"], 0)


def test_reasoning_amid_the_reply_takes_nothing_away():
    events = [("text", "one"), ("wait", 0.1), ("reasoning", "hm"), ("text", " two")]
    seen = run_in_terminal(TURN, turn(events))
    assert seen.lines == ["hm", "one two", "session 12 · wal"]


def test_usage_is_told_to_scripts_too():
    assert turn_in_pipe(turn(usage=True)).stderr.decode() == (
        "7 in · 5 out · first token 1.00 s · 5 tokens/s\n"
    )


@pytest.mark.parametrize(
    ("usage", "line"),
    [
        (None, "the provider gave no token counts"),
        (
            Usage(1200, 30, 200, 10),
            "1,200 in (200 cached) · 30 out (10 reasoning) · cost 0.0024 · the cache saved 0.0003",
        ),
        (Usage(None, 30), "30 out · cost 0.0003"),
    ],
)
def test_usage_says_what_is_known(usage, line):
    prices = ModelConfig(input_price=2.0, output_price=10.0, cached_price=0.5)
    assert usage_line([Reply("", "m", usage=usage)], prices) == line


def test_a_warning_while_the_spinner_turns_stands_alone_on_its_line():
    warn = "__import__('hfs_cli.notices').notices.warn('slow')"
    code = TURN.replace("time.sleep(piece)", f"time.sleep(piece); {warn}")
    seen = run_in_terminal(code, turn())
    assert seen.lines[0] == "hfs: warning: slow"
