"""Models that are asked when the first cannot answer, from outside."""

from __future__ import annotations

import json

import pytest

from tests.scripted_server import CUT, openai_sse, sse


@pytest.fixture
def two(hfs, server, free_port):
    """The command with models at three places: two of the server's, and one where nobody is."""
    hfs.configure(
        "retries = 0\n"
        f'[providers.one]\ntype = "openai"\nbase_url = "{server.url}/one"\n'
        f'[providers.two]\ntype = "anthropic"\nbase_url = "{server.url}/two"\n'
        f'[providers.off]\ntype = "openai"\nbase_url = "http://127.0.0.1:{free_port}"\n'
        '[models."two/m".options]\ntop_k = 5\n'
    )
    return hfs


def claude(text):
    return sse(
        {"type": "message_start", "message": {"usage": {"input_tokens": 3}}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 2},
        },
        {"type": "message_stop"},
        done=False,
    )


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, b"slow down"),
        (500, b"oops"),
        (503, b""),
        (529, b"overloaded"),
        (404, b'{"error": {"code": "model_not_found", "message": "no model m"}}'),
    ],
)
def test_the_next_is_asked_where_the_first_cannot_answer(two, server, status, body):
    server.reply(status=status, body=body).reply(claude("from two"))
    done = two("chat", "-m", "one/m", "-m", "two/m", "--temperature", "0.5", "hi")
    assert (done.returncode, done.stdout) == (0, b"from two\n")
    warning = done.stderr.decode()
    assert warning.startswith("hfs: warning: one") and warning.endswith("asking two/m\n")
    assert (warning.count("\n"), warning.count(" — ")) == (1, 1)
    asked = server.requests[1].json
    assert (asked["model"], asked["temperature"], asked["top_k"]) == ("m", 0.5, 5)
    shown = json.loads(two.ok("sessions", "show", "--format", "json"))
    assert [message["model"] for message in shown["messages"]][-1] == "two/m"


def test_the_next_is_asked_where_the_first_is_not_there(two, server):
    server.reply(claude("from two"))
    done = two("chat", "--json", "-m", "off/m", "-m", "two/m", "hi")
    assert (done.returncode, b"asking two/m" in done.stderr) == (0, True)
    assert json.loads(done.stdout)["model"] == "two/m"


def test_retries_come_before_the_next_model(two, server):
    server.reply(status=503).reply(status=503).reply(claude("from two"))
    done = two("chat", "--retries", "1", "-m", "one/m", "-m", "two/m", "hi")
    assert done.stdout == b"from two\n"
    assert [request.path for request in server.requests] == [
        "/v1/one/chat/completions", "/v1/one/chat/completions", "/v1/two/messages",
    ]  # fmt: skip


@pytest.mark.parametrize(("status", "code"), [(400, 5), (401, 3), (402, 5), (413, 5), (422, 5)])
def test_what_is_wrong_with_the_request_or_the_key_is_not_tried_elsewhere(
    two, server, status, code
):
    server.reply(status=status, body=b"no")
    assert two("chat", "-m", "one/m", "-m", "two/m", "hi").returncode == code
    assert len(server.requests) == 1


def test_a_reply_that_has_begun_is_not_begun_again(two, server):
    server.reply([*openai_sse("Hel", finish=None, done=False), CUT])
    done = two("chat", "-m", "one/m", "-m", "two/m", "hi")
    assert (done.returncode, done.stdout, len(server.requests)) == (7, b"Hel\n", 1)


def test_where_none_answers_it_is_the_first_ones_failure(two, server):
    server.reply(status=503, body=b"down").reply(status=429, body=b"slow")
    done = two("chat", "-m", "off/m", "-m", "one/m", "-m", "two/m", "hi")
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 6
    assert [line.partition(" — asking ")[2] for line in lines if "asking" in line] == [
        "one/m", "two/m",
    ]  # fmt: skip
    assert lines[-1].startswith("hfs: error: off cannot be reached")
    assert two.ok("sessions", "list") == ""


def test_a_fallback_without_its_key_or_with_an_option_that_it_has_not_is_passed_over(two, server):
    server.reply(status=503).reply(openai_sse("from one"))
    done = two(
        "chat", "-m", "one/a", "-m", "groq/m", "-m", "two/m", "-m", "one/b", "-o", "seed", "7", "hi"
    )
    assert (done.returncode, done.stdout) == (0, b"from one\n")
    assert b"no key for groq" in done.stderr
    assert b"takes no seed" in done.stderr


def test_the_setting_holds_where_no_model_is_named(two, server):
    two.configure(two.config.read_text().replace(
        "retries = 0", 'retries = 0\nmodel = "one/m"\nfallback = ["one/m", "two/m"]'
    ))  # fmt: skip
    server.reply(status=503).reply(claude("from two"))
    assert two("chat", "hi").stdout == b"from two\n"
    server.reply(status=503)
    assert two("chat", "-m", "one/m", "hi").returncode == 5
    assert len(server.requests) == 3
    server.reply(status=503).reply(openai_sse("again"))
    named = {"HFS_FALLBACK": "two/m, one/z", "HFS_MODEL": "two/m"}
    assert two("chat", "hi", env=named).stdout == b"again\n"
    assert server.requests[-1].json["model"] == "z"


def test_of_two_names_for_one_model_the_first_counts(two, server):
    two.configure(
        f'{two.config.read_text()}[aliases]\nfast = "one/m"\n[models.fast.options]\ntop_p = 0.5\n'
    )
    server.reply(openai_sse("x")).reply(openai_sse("y"))
    assert two.ok("chat", "-m", "fast", "-m", "one/m", "hi") == "x\n"
    assert server.requests[0].json["top_p"] == 0.5
    assert two.ok("chat", "-m", "one/m", "-m", "fast", "hi") == "y\n"
    assert "top_p" not in server.requests[1].json


def test_a_fallback_that_does_not_exist_is_said_before_anything_is_sent(two, server):
    done = two("chat", "-m", "one/m", "-m", "nobody/m", "hi")
    assert (done.returncode, server.requests) == (4, [])


def test_a_schema_is_read_as_the_model_that_answered_was_asked(two, server):
    server.reply(status=503).reply(claude('```json\n{"a": "x"}\n```'))
    done = two("chat", "-u", "-m", "one/m", "-m", "two/m", "--schema", "a", "hi")
    assert done.stdout == b'{"a": "x"}\n'
    assert b"schema sent: strict" in done.stderr
    assert "output_config" in server.requests[1].json
