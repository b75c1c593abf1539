"""What the vendors' batch endpoints are sent, and what their answers say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hfs_cli.errors import ProviderError
from hfs_cli.providers.formats.batches import BATCHES, BatchAnswer, BatchState, checked_id

OPENAI, ANTHROPIC, GROQ = (BATCHES[name] for name in ("openai", "anthropic", "groq"))
PAYLOAD = {"model": "m", "stream": True, "stream_options": {"include_usage": True}}


def test_a_request_is_what_it_would_be_alone_but_whole():
    assert OPENAI.request("7", "/responses", PAYLOAD) == {
        "custom_id": "7",
        "method": "POST",
        "url": "/v1/responses",
        "body": {"model": "m"},
    }
    assert ANTHROPIC.request("7", "/messages", PAYLOAD) == {
        "custom_id": "7",
        "params": {"model": "m"},
    }


def test_a_batch_is_made_of_a_file_or_of_the_requests_themselves():
    assert OPENAI.creation("file-1", "/chat/completions", "part 1") == {
        "input_file_id": "file-1",
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "metadata": {"hfs_part": "part 1"},
    }
    assert ANTHROPIC.creation("", "/messages", "part 1") is None
    assert [json.loads(b"".join((w.frame[0], b"{}", w.frame[2]))) for w in (OPENAI, ANTHROPIC)] == [
        {},
        {"requests": [{}]},
    ]


@pytest.mark.parametrize(
    ("said", "phase"),
    [
        ("validating", "running"),
        ("in_progress", "running"),
        ("cancelling", "running"),
        ("completed", "ended"),
        ("expired", "ended"),
        ("cancelled", "ended"),
        ("failed", "refused"),
        ("something new", "running"),
    ],
)
def test_how_far_a_batch_of_openai_is(said, phase):
    state = OPENAI.state({"id": "batch_1", "status": said})
    assert (state.phase, state.said) == (phase, said)
    assert state == BatchState("batch_1", phase, said)


def test_what_openai_says_of_a_batch():
    state = OPENAI.state(
        {
            "id": "batch_1",
            "status": "completed",
            "request_counts": {"total": 5, "completed": 3, "failed": 2},
            "created_at": 1_795_000_000,
            "expires_at": 1_795_086_400,
            "output_file_id": "file-out",
            "error_file_id": "file-err",
            "metadata": {"hfs_part": "part 1", "other": "x"},
        }
    )
    assert (state.total, state.done, state.failed) == (5, 3, 2)
    assert (state.created_at, state.expires_at) == (1_795_000_000.0, 1_795_086_400.0)
    assert state.answers == ("/files/file-out/content", "/files/file-err/content")
    assert (state.tag, state.why, state.full) == ("part 1", "", False)


@pytest.mark.parametrize(
    ("faults", "why"),
    [
        ([{"message": "no such model", "line": 3}], "no such model (line 3 of what was sent)"),
        ([{"code": "bad"}, {"message": "x"}, {}], "bad, and 2 more"),
        ([{}], "it gives no reason"),
        ([], ""),
        (7, ""),
    ],
)
def test_why_openai_refused_a_batch(faults, why):
    state = OPENAI.state({"id": "b", "status": "failed", "errors": {"data": faults}})
    assert (state.phase, state.why, state.full) == ("refused", why, False)


def test_that_the_queue_is_full_is_told_from_other_refusals():
    faults = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}]
    state = OPENAI.state({"id": "b", "status": "failed", "errors": {"data": faults}})
    assert (state.full, state.why) == (True, "Enqueued token limit reached")


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (
            {"custom_id": "1", "response": {"status_code": 200, "body": {"a": 1}}},
            BatchAnswer("1", 200, b'{"a": 1}'),
        ),
        (
            {"custom_id": "1", "error": None, "response": {"status_code": 429, "body": {}}},
            BatchAnswer("1", 429, b"{}"),
        ),
        (
            {"custom_id": "1", "error": {"code": "batch_expired", "message": "It took long."}},
            BatchAnswer("1", 0, never="expired"),
        ),
        (
            {"custom_id": "1", "error": {"code": "batch_cancelled"}},
            BatchAnswer("1", 0, never="cancelled"),
        ),
        (
            {"custom_id": "1", "error": {"code": "other", "message": "Why not."}},
            BatchAnswer("1", 0, never="Why not."),
        ),
        ({"custom_id": "1", "error": {"code": "other"}}, BatchAnswer("1", 0, never="other")),
        (
            {"custom_id": "1", "error": {"x": 1}},
            BatchAnswer("1", 0, never="it gives no reason"),
        ),
        (
            {"custom_id": "1", "response": {"status_code": "200"}},
            BatchAnswer("1", 0, never="it holds neither a reply nor an error"),
        ),
        ({}, BatchAnswer("", 0, never="it holds neither a reply nor an error")),
    ],
)
def test_an_answer_of_openai(line: dict[str, Any], answer):
    assert OPENAI.answer(json.dumps(line).encode()) == answer


def test_what_anthropic_says_of_a_batch():
    made = {
        "id": "msgbatch_1",
        "processing_status": "in_progress",
        "request_counts": {"processing": 4, "succeeded": 0, "errored": 0},
        "created_at": "2026-11-29T10:00:00Z",
        "expires_at": "2026-11-30T10:00:00+00:00",
        "results_url": "https://elsewhere.example/results",
    }
    state = ANTHROPIC.state(made)
    assert (state.id, state.phase, state.said) == ("msgbatch_1", "running", "in_progress")
    assert (state.total, state.done, state.failed, state.answers) == (4, 0, 0, ())
    assert (state.created_at, state.expires_at) == (1_795_946_400.0, 1_796_032_800.0)
    counts = {"processing": 0, "succeeded": 2, "errored": 1, "expired": 3, "canceled": 4}
    ended = ANTHROPIC.state(made | {"processing_status": "ended", "request_counts": counts})
    assert (ended.phase, ended.total, ended.done, ended.failed) == ("ended", 10, 2, 8)
    assert ended.answers == ("/messages/batches/msgbatch_1/results",)
    assert ANTHROPIC.state({"id": "b", "created_at": "soon"}) == BatchState("b", "running", "")


@pytest.mark.parametrize(
    ("result", "answer"),
    [
        ({"type": "succeeded", "message": {"a": 1}}, BatchAnswer("1", 200, b'{"a": 1}')),
        ({"type": "canceled"}, BatchAnswer("1", 0, never="cancelled")),
        ({"type": "expired"}, BatchAnswer("1", 0, never="expired")),
        ({"type": "new"}, BatchAnswer("1", 0, never='it says "new"')),
        ({}, BatchAnswer("1", 0, never='it says ""')),
    ],
)
def test_an_answer_of_anthropic(result, answer):
    assert ANTHROPIC.answer(json.dumps({"custom_id": "1", "result": result}).encode()) == answer


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("invalid_request_error", 400),
        ("authentication_error", 401),
        ("billing_error", 402),
        ("permission_error", 403),
        ("not_found_error", 404),
        ("request_too_large", 413),
        ("rate_limit_error", 429),
        ("api_error", 500),
        ("timeout_error", 504),
        ("overloaded_error", 529),
        ("a_new_error", 500),
    ],
)
def test_an_error_of_anthropic_has_the_status_that_it_would_have_had_alone(kind, status):
    error = {"type": "error", "error": {"type": kind, "message": "no"}}
    line = {"custom_id": "1", "result": {"type": "errored", "error": error}}
    answer = ANTHROPIC.answer(json.dumps(line).encode())
    assert (answer.status, json.loads(answer.body)) == (status, error)


@pytest.mark.parametrize("wire", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize("document", [None, [], "x", 7])
def test_what_is_not_a_batch_or_an_answer_is_refused(wire, document):
    with pytest.raises(ProviderError, match="something other than what was asked for"):
        wire.state(document)
    with pytest.raises(ProviderError, match="something other than what was asked for"):
        wire.answer(json.dumps(document).encode())
    with pytest.raises(ProviderError, match="not JSON"):
        wire.answer(b"{")


@pytest.mark.parametrize("value", ["", ".", "..", "a/b", "a?b", "a b", "x" * 201, 7, None])
def test_only_what_can_be_part_of_an_address_is_an_id(value):
    with pytest.raises(ProviderError, match="not an id"):
        checked_id(value)
    assert checked_id("batch_A-1.x") == "batch_A-1.x"


@pytest.mark.parametrize("count", [-1, 10**9, True, 1.0, "3", None])
def test_what_cannot_be_a_count_is_not_known(count):
    state = OPENAI.state({"id": "b", "request_counts": {"total": count, "completed": count}})
    assert (state.total, state.done) == (None, 0)


@pytest.mark.parametrize("moment", [0, -1, 10**11, True, "1795000000", None])
def test_what_cannot_be_a_moment_is_not_known(moment):
    assert OPENAI.state({"id": "b", "created_at": moment}).created_at is None


def test_a_list_of_batches_goes_on_from_its_last():
    assert OPENAI.next_page({"has_more": True}, "b9") == "limit=100&after=b9"
    assert ANTHROPIC.next_page({"has_more": True}, "b9") == "limit=100&after_id=b9"
    # Groq lists them without parameters.
    assert GROQ.next_page({"has_more": True}, "b9") is None
    assert [wire.next_page({}, "b9") for wire in (OPENAI, ANTHROPIC)] == [None, None]
