"""A server that others wrote, as a second judge of what is sent and of what is understood.

`llmock`, a mock by others, answers in the vendors' formats, misbehaves when told to, and
says from its journal whether the client coped.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from hfs_cli.messages import ChatMessage, Request, Usage
from hfs_cli.providers.http.send import RetryPolicy
from tests.providers.asking import Answer, ask, provider_at, quick

BASES = {
    "openai": "/v1",
    "responses": "/v1",
    "anthropic": "/anthropic/v1",
    "gemini": "/gemini/v1beta",
}
REQUEST = Request(
    "gpt-4o",
    (ChatMessage("user", "a"), ChatMessage("assistant", "b"), ChatMessage("user", "c")),
    system="be brief",
    options={"temperature": 0.5, "max_tokens": 50, "stop": ["END"]},
)


@pytest.fixture(params=BASES)
def wire(request):
    return request.param


@pytest.fixture
def asked(llmock, wire):
    """Ask the judge's server in one of the formats."""

    def asked(**limits: Any) -> Answer:
        request = REQUEST
        if wire == "responses":  # which has no place for `stop`
            request = REQUEST._replace(options={"temperature": 0.5, "max_tokens": 50})
        return ask(llmock.url + BASES[wire], request, wire=wire, limits=quick(**limits))

    return asked


def test_a_reply_with_its_end_and_its_tokens(llmock, asked):
    llmock.reply("a scripted reply, naïve 你好")
    answer = asked()
    assert answer.error is None
    assert answer.text == "a scripted reply, naïve 你好"
    assert answer.finish.reason == "stop"
    usage = [event for event in answer.events if isinstance(event, Usage)][-1]
    assert usage.input_tokens
    assert usage.output_tokens
    llmock.assert_resilient(strict=True)


def test_models(llmock, wire):
    provider = provider_at(llmock.url + BASES[wire], wire=wire)
    assert len(provider.models()) > 1
    provider.close()


def test_a_limit_is_waited_for(llmock, asked):
    llmock.rate_limit(times=2, retry_after=0.2)
    assert asked().exit_code == 0
    llmock.assert_resilient(strict=True)


def test_an_outage_is_not_stormed(llmock, asked):
    llmock.outage()
    assert asked(retry=RetryPolicy(1, first=0.01)).exit_code == 5
    llmock.assert_resilient()


@pytest.mark.parametrize(("status", "code"), [(400, 5), (401, 3), (403, 3), (422, 5)])
def test_what_no_retry_can_mend_is_not_retried(llmock, asked, status, code):
    llmock.fail(status)
    assert asked().exit_code == code
    llmock.assert_resilient(strict=True)


def test_a_prompt_that_is_too_long(llmock, asked):
    llmock.context_overflow()
    assert asked().exit_code == 5
    llmock.assert_resilient(strict=True)


@pytest.mark.parametrize("fault", ["disconnect", "truncate", "corrupt"])
def test_a_broken_stream_is_never_taken_for_a_reply(llmock, asked, fault):
    llmock.reply("one two three four five six seven eight")
    getattr(llmock, fault)(after_chunks=3)
    answer = asked()
    assert answer.exit_code == 7
    assert len(llmock.requests) == 1


def test_a_stall(llmock, asked):
    llmock.reply("one two three four five six seven eight")
    # Long enough for the first words to come on a busy machine, and for them alone.
    llmock.stall(after_chunks=3, seconds=20)
    assert asked(idle=4).exit_code == 7


def test_a_conversation_that_is_too_long_goes_on_with_a_summary(hfs, llmock, wire):
    """It judges the requests, and says in the vendor's words that the first one is too long."""
    hfs.configure(
        f'model = "judge/m"\nretries = 0\n[providers.judge]\ntype = "{wire}"\n'
        f'base_url = "{llmock.url}{BASES[wire]}"\napi_key_env = "JUDGE_KEY"\n'
    )
    hfs.env["JUDGE_KEY"] = "k"
    hfs.keep("long", *(f"{n} {'word ' * 200}" for n in range(6)), model="judge/m")
    llmock.context_overflow()
    llmock.reply("They counted to five.")
    assert hfs.ok("chat", "-c", "--context", "compact", "And now?")
    kept = json.loads(hfs.ok("sessions", "show", "--json"))["messages"]
    assert "They counted to five." in [m["content"] for m in kept if m["stands_for"]]
    llmock.assert_resilient(strict=True)
