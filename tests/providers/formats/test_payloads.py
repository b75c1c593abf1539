"""What each format sends, and how it reads a reply in one piece."""

import json

import pytest

from hfs_cli.messages import ChatMessage, Delta, Finish, Reasoning, Request, ToolCall, Usage
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.formats.decode import ReplyDecoder
from hfs_cli.providers.formats.openai import is_strict
from hfs_cli.providers.formats.wire import Quirks
from tests.scripted_server import sse

TALK = (ChatMessage("user", "a"), ChatMessage("assistant", "b"), ChatMessage("user", "c"))
OPTIONS = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 50, "stop": "END", "seed": 7}


def body(wire, messages=TALK, **values):
    return load_format(wire).payload(Request("m", messages, **values), Quirks())


def decode(wire, *chunks, request=None):
    decoder = ReplyDecoder(
        load_format(wire).framer(), load_format(wire).decoder(request or Request("m", ()))
    )
    events = [event for chunk in chunks for event in decoder.feed(chunk)] + decoder.rest()
    assert decoder.fault is None
    return events + decoder.end()


def whole(wire, document):
    decoder = ReplyDecoder(load_format(wire).framer(), load_format(wire).decoder(Request("m", ())))
    events = decoder.whole(json.dumps(document))
    assert decoder.fault is None
    return events + decoder.end()


def test_anthropic():
    assert body("anthropic", system="be brief", options=OPTIONS | {"seed": None}) == {
        "model": "m",
        "max_tokens": 50,
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b"},
            {"role": "user", "content": "c"},
        ],
        "stream": True,
        "system": "be brief",
        "temperature": 0.5,
        "top_p": 0.9,
        "stop_sequences": ["END"],
    }
    assert body("anthropic")["max_tokens"] == 8192


def test_gemini():
    wire = load_format("gemini")
    assert wire.path(Request("gemini-x", ())) == "/models/gemini-x:streamGenerateContent?alt=sse"
    safety = [{"category": "x", "threshold": "y"}]
    assert body("gemini", system="be brief", options=OPTIONS | {"safetySettings": safety}) == {
        "contents": [
            {"role": "user", "parts": [{"text": "a"}]},
            {"role": "model", "parts": [{"text": "b"}]},
            {"role": "user", "parts": [{"text": "c"}]},
        ],
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "safetySettings": safety,
        "generationConfig": {
            "temperature": 0.5,
            "topP": 0.9,
            "maxOutputTokens": 50,
            "stopSequences": ["END"],
            "seed": 7,
        },
    }


def test_ollama():
    assert body("ollama", system="be brief", options=OPTIONS | {"think": True}) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b"},
            {"role": "user", "content": "c"},
        ],
        "stream": True,
        "think": True,
        "options": {
            "temperature": 0.5,
            "top_p": 0.9,
            "num_predict": 50,
            "stop": "END",
            "seed": 7,
        },
    }


@pytest.mark.parametrize("wire", ["anthropic", "gemini"])
def test_roles_alternate_where_the_vendor_demands_it(wire):
    messages = (
        ChatMessage("user", "a"),
        ChatMessage("user", "b"),
        ChatMessage("assistant", ""),
        ChatMessage("user", "c"),
    )
    sent = body(wire, messages)
    turns = sent.get("messages") or sent["contents"]
    assert len(turns) == 1
    assert "a\\n\\nb\\n\\nc" in json.dumps(turns)


def test_a_schema_in_anthropics_way_comes_back_as_the_text():
    request = Request("m", TALK, schema={"type": "object"})
    events = sse(
        {"type": "content_block_start", "content_block": {"type": "tool_use", "name": "reply"}},
        {
            "type": "content_block_delta",
            "delta": {"type": "input_json_delta", "partial_json": '{"a": 1}'},
        },
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"type": "message_stop"},
        done=False,
    )
    assert decode("anthropic", *events, request=request) == [
        Delta('{"a": 1}'),
        Finish("stop", "tool_use"),
    ]


def test_anthropic_counts_cached_tokens_as_input():
    usage = {
        "input_tokens": 3,
        "cache_read_input_tokens": 10,
        "cache_creation_input_tokens": 5,
        "output_tokens": 7,
    }
    message = {
        "type": "message",
        "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "yes"}],
        "stop_reason": "end_turn",
        "usage": usage,
    }
    assert whole("anthropic", message) == [
        Reasoning("hm"),
        Delta("yes"),
        Usage(18, 7, 10),
        Finish("stop", "end_turn"),
    ]


def test_gemini_thoughts_calls_and_counts():
    parts = [
        {"text": "hm", "thought": True},
        {"text": "yes"},
        {"functionCall": {"name": "f", "args": {"a": 1}}},
    ]
    response = {
        "candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}],
        "usageMetadata": {
            "promptTokenCount": 5,
            "candidatesTokenCount": 2,
            "thoughtsTokenCount": 9,
            "cachedContentTokenCount": 4,
        },
    }
    assert whole("gemini", response) == [
        Reasoning("hm"),
        Delta("yes"),
        ToolCall("f", '{"a": 1}'),
        Usage(5, 11, 4, 9),
        Finish("tool_calls", "STOP"),
    ]


def test_ollama_lines():
    lines = [
        {"message": {"role": "assistant", "thinking": "hm", "content": ""}, "done": False},
        {"message": {"content": "a\u2028b"}, "done": False},
        {"done": True, "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 2},
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
    for at in range(len(text)):
        assert decode("ollama", text[:at], text[at:]) == [
            Reasoning("hm"),
            Delta("a\u2028b"),
            Usage(5, 2),
            Finish("stop", "stop"),
        ]


def test_ollamas_last_line_may_lack_its_end():
    line = b'{"message": {"content": "a"}, "done": true, "done_reason": "stop"}'
    assert decode("ollama", line) == [Delta("a"), Finish("stop", "stop")]


def test_ollama_tool_calls():
    call = {"function": {"name": "f", "arguments": {"a": 1}}}
    line = {"message": {"tool_calls": [call]}, "done": True, "done_reason": "stop"}
    assert whole("ollama", line) == [ToolCall("f", '{"a": 1}'), Finish("tool_calls", "stop")]


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        ({"type": "string"}, True),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "string"}},
                "required": ["a"],
                "additionalProperties": False,
            },
            True,
        ),
        ({"type": "object", "properties": {"a": {}}, "required": ["a"]}, False),
        ({"type": "object", "properties": {"a": {}}, "additionalProperties": False}, False),
        ({"type": "array", "items": {"type": "object", "properties": {"a": {}}}}, False),
        ({"anyOf": [{"type": "object", "properties": {"a": {}}}]}, False),
    ],
)
def test_strict_only_where_the_vendors_rules_are_kept(schema, strict):
    assert is_strict(schema) is strict
