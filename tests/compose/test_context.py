"""Sessions that grow longer than a model's context."""

from __future__ import annotations

import json

import pytest

from tests.scripted_server import openai_sse

LONG = "word " * 200  # 250 tokens
SMALL = '[models."test/m"]\ncontext = 1000\n'  # of which 250 are kept for the reply


@pytest.fixture
def small(chat):
    """A model that takes little."""
    chat.configure(chat.config.read_text() + SMALL)
    return chat


@pytest.fixture
def grown(small):
    """A session of three turns, each of 250 tokens and more; no vendor has counted them."""
    turns = [(f"{number} {LONG}", f"reply {number}") for number in range(1, 4)]
    small.keep("grown", *sum(turns, ()), system="Be brief.")
    return small


def said(request) -> list[str]:
    """The first word of each message that was sent."""
    return [message["content"].split()[0] for message in request.json["messages"]]


def test_by_itself_all_is_sent(grown, server):
    server.reply(openai_sse("x"))
    grown.ok("chat", "-c", "4 and now?")
    assert said(server.requests[0]) == ["Be", "1", "reply", "2", "reply", "3", "reply", "4"]


@pytest.mark.parametrize("way", ["flag", "variable", "setting", "profile", "template"])
def test_the_oldest_turns_are_left_out_whole(grown, server, way):
    given, env = ["--context", "trim"], {}
    if way == "variable":
        given, env = [], {"HFS_CONTEXT": "trim"}
    elif way == "setting":
        given = []
        grown.configure('context = "trim"\n' + grown.config.read_text())
    elif way == "profile":
        given = ["--profile", "long"]
        grown.configure(grown.config.read_text() + '[profiles.long]\ncontext = "trim"\n')
    elif way == "template":
        file = grown.home / "long.toml"
        file.write_text('context = "trim"\n')
        given = ["-t", str(file)]
    server.reply(openai_sse("x"))
    grown.ok("chat", "-c", *given, "4 and now?", env=env)
    assert said(server.requests[0]) == ["Be", "2", "reply", "3", "reply", "4"]
    # Nothing is lost for it.
    assert f"1 {LONG.strip()}" in grown.ok("sessions", "show")


def test_a_dry_run_says_how_many_tokens_of_how_many(grown):
    whole = json.loads(grown.ok("chat", "-c", "--dry-run", "4 and now?"))
    assert (whole["context_tokens"], whole["turns_left_out"]) == (1000, 0)
    assert whole["estimated_input_tokens"] > 750
    shown = json.loads(grown.ok("chat", "-c", "--dry-run", "--context", "trim", "4 and now?"))
    assert shown["turns_left_out"] == 1
    assert shown["estimated_input_tokens"] <= 750
    assert len(shown["body"]["messages"]) == len(whole["body"]["messages"]) - 2


def test_the_vendors_own_count_corrects_the_estimate(small, server):
    server.reply(openai_sse("reply", usage=(500, 2)))  # and not the 250 of the estimate
    small.ok("chat", f"1 {LONG}")
    about = json.loads(small.ok("chat", "-c", "--dry-run", LONG))["estimated_input_tokens"]
    assert 990 <= about <= 1020
    server.reply(openai_sse("x"))
    small.ok("chat", "-c", "--context", "trim", LONG)
    assert said(server.requests[1]) == ["word"]


def test_what_the_reply_may_have_is_kept_free(grown, server):
    server.reply(openai_sse("x"))
    grown.ok("chat", "-c", "--context", "trim", "--max-tokens", "600", "4 and now?")
    assert said(server.requests[0]) == ["Be", "3", "reply", "4"]


REFUSAL = json.dumps(
    {"error": {"message": "This model's maximum context length is 600 tokens", "code": "x"}}
).encode()


@pytest.mark.parametrize("known", [True, False])
def test_a_refusal_for_length_is_asked_once_more_with_half(grown, server, known):
    if not known:
        grown.configure(grown.config.read_text().replace(SMALL, ""))
    server.reply(status=400, body=REFUSAL).reply(openai_sse("shorter"))
    assert grown.ok("chat", "-c", "--context", "trim", "4 and now?") == "shorter\n"
    first, second = map(said, server.requests)
    assert first[1] == ("2" if known else "1")
    assert second == (["Be", "4"] if known else ["Be", "3", "reply", "4"])


def test_a_second_refusal_is_the_end(grown, server):
    server.reply(status=400, body=REFUSAL).reply(status=400, body=REFUSAL)
    done = grown("chat", "-c", "--context", "trim", "4 and now?")
    assert (done.returncode, len(server.requests)) == (5, 2)


def test_a_refusal_names_what_helps(grown, server):
    server.reply(status=400, body=REFUSAL)
    done = grown("chat", "-c", "4 and now?")
    assert (done.returncode, len(server.requests)) == (5, 1)
    assert b"--context trim" in done.stderr
    server.reply(status=400, body=REFUSAL)
    done = grown("chat", "--context", "trim", "alone")
    assert done.returncode == 5
    assert b"the question alone is too long" in done.stderr and b"--context" not in done.stderr
