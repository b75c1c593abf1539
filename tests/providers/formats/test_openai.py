"""The OpenAI format: what is sent, and what each chunk means."""

import json

import pytest

from hfs_cli.errors import IncompleteReplyError, ProviderError
from hfs_cli.messages import ChatMessage, Delta, Finish, Reasoning, Request, ToolCall, Usage
from hfs_cli.providers.formats.decode import ReplyDecoder
from hfs_cli.providers.formats.openai import FORMAT, payload
from hfs_cli.providers.formats.wire import Quirks
from tests.scripted_server import openai_chunk, openai_sse, sse

ASK = Request("m", (ChatMessage("user", "hi"),))


def decode(*chunks: bytes):
    decoder = ReplyDecoder(FORMAT.framer(), FORMAT.decoder(ASK))
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    if decoder.fault:
        raise decoder.fault
    return events + decoder.end()


def test_history_and_system_prompt_go_out_in_order():
    request = Request(
        "m",
        (ChatMessage("user", "a"), ChatMessage("assistant", "b"), ChatMessage("user", "c")),
        system="be brief",
        options={"temperature": 0.1, "max_tokens": 9, "top_k": 3},
    )
    assert payload(request, Quirks()) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b"},
            {"role": "user", "content": "c"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.1,
        "max_tokens": 9,
        "top_k": 3,
    }


def test_quirks_rename_and_leave_out():
    body = payload(
        Request("m", ASK.messages, options={"max_tokens": 9}),
        Quirks(max_tokens="max_completion_tokens", stream_usage=False),
    )
    assert body["max_completion_tokens"] == 9
    assert not {"max_tokens", "stream_options"} & body.keys()


def test_an_option_of_none_takes_its_key_out():
    assert "stream_options" not in payload(
        Request("m", ASK.messages, options={"stream_options": None}), Quirks()
    )


def test_text_reasoning_usage_and_finish():
    assert decode(*openai_sse(["He", "llo"], reasoning="hm", usage=(3, 2))) == [
        Reasoning("hm"),
        Delta("He"),
        Delta("llo"),
        Usage(3, 2),
        Finish("stop", "stop"),
    ]


def test_pieces_that_come_together_are_joined():
    assert decode(b"".join(openai_sse(["He", "l", "lo"], usage=None)))[0] == Delta("Hello")


def test_the_terminator_alone_is_an_end_too():
    assert decode(*openai_sse("x", finish=None))[-1] == Finish("stop", "")


def test_a_finish_reason_without_terminator_is_an_end():
    assert decode(*openai_sse("x", done=False))[-1] == Finish("stop", "stop")


def test_neither_is_an_incomplete_reply():
    with pytest.raises(IncompleteReplyError, match="without a finish reason"):
        decode(*openai_sse("x", finish=None, done=False))


def test_a_refusal_is_text_with_its_own_finish():
    chunks = sse(openai_chunk({"refusal": "I will not."}), openai_chunk(finish="stop"))
    text, finish = decode(*chunks)
    assert text == Delta("I will not.")
    assert (finish.reason, finish.raw, finish.whole) == ("content_filter", "refusal", True)
    assert "declined to answer" in finish.note


def test_tool_calls_are_reported():
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": '{"a":1}'}}
    chunks = sse(
        openai_chunk({"tool_calls": [call]}),
        openai_chunk({"tool_calls": [more]}),
        openai_chunk(finish="tool_calls"),
    )
    assert decode(*chunks) == [
        ToolCall("f", id="c", index=0),
        ToolCall("", '{"a":1}', index=0),
        Finish("tool_calls", "tool_calls"),
    ]


def test_content_in_parts():
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "yes"},
    ]
    events = decode(*sse(openai_chunk({"content": parts}), openai_chunk(finish="stop")))
    assert events[:2] == [Reasoning("hm"), Delta("yes")]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 7,
                "total_tokens": 17,
                "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
            Usage(10, 7, 4, 5),
        ),
        ({"prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 37}, Usage(10, 27)),
        ({"prompt_tokens": 10}, Usage(10)),
        ({"prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": None}, Usage(1, 2)),
    ],
    ids=["with details", "reasoning in the total alone", "half", "null details"],
)
def test_usage(usage, expected):
    chunks = sse(openai_chunk(finish="stop"), {"choices": [], "usage": usage})
    assert decode(*chunks)[0] == expected


def test_an_error_event_is_the_providers_word():
    with pytest.raises(ProviderError, match="too busy"):
        decode(*sse({"error": {"message": "too busy", "code": 529}}))


def test_events_before_a_fault_are_not_lost():
    decoder = ReplyDecoder(FORMAT.framer(), FORMAT.decoder(ASK))
    body = b"".join([*sse(openai_chunk({"content": "so far"}), done=False), b"data: {oops\n\n"])
    assert decoder.feed(body) == [Delta("so far")]
    assert isinstance(decoder.fault, IncompleteReplyError)


@pytest.mark.parametrize(
    "event",
    [
        "{",
        "[]",
        "7",
        '{"choices": [7]}',
        '{"choices": {"a": 1}}',
        '{"choices": [{"delta": {"content": 7}}]}',
        '{"choices": [{"delta": {"tool_calls": [3]}}]}',
        "[" * 200_000,
        '{"choices": ' + "9" * 5000 + "}",
    ],
    ids=lambda event: event[:40],
)
def test_what_is_malformed_is_said_to_be(event):
    with pytest.raises(IncompleteReplyError, match="malformed"):
        decode(f"data: {event}\n\n".encode())


def test_a_whole_completion_is_read_too():
    decoder = ReplyDecoder(FORMAT.framer(), FORMAT.decoder(ASK))
    completion = {
        "object": "chat.completion",
        "choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    }
    assert decoder.whole(json.dumps(completion)) == [Delta("hi"), Usage(1, 1)]
    assert decoder.end() == [Finish("stop", "stop")]


@pytest.mark.parametrize(
    "detail",
    [
        {"type": "reasoning.text", "text": "so", "signature": "x"},
        {"type": "reasoning.summary", "summary": "so"},
    ],
)
def test_openrouters_details_are_reasoning_where_nothing_else_says_it(detail):
    """OpenRouter's page on reasoning tokens, read 2026-11-29: both come, or the details alone."""
    hidden = {"type": "reasoning.encrypted", "data": "opaque"}
    alone = {"choices": [{"delta": {"reasoning_details": [detail, hidden]}}]}
    both = {"choices": [{"delta": {"reasoning": "so", "reasoning_details": [detail]}}]}
    assert decode(*sse(alone, done=False), *openai_sse("x"))[0] == Reasoning("so")
    assert decode(*sse(both, done=False), *openai_sse("x"))[0] == Reasoning("so")


def test_deepseeks_cache_hits_are_counted():
    """https://api-docs.deepseek.com/guides/kv_cache, read 2026-11-29."""
    counts = {
        "prompt_tokens": 100,
        "completion_tokens": 5,
        "total_tokens": 105,
        "prompt_cache_hit_tokens": 64,
        "prompt_cache_miss_tokens": 36,
    }
    events = decode(*sse({"choices": [], "usage": counts}, done=False), *openai_sse("x"))
    assert Usage(100, 5, 64, None) in events
