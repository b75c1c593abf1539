"""What the vendors take of a JSON Schema."""

from __future__ import annotations

import json

import pytest
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

from hfs_cli.config.settings import PROVIDER_TYPES
from hfs_cli.messages import ChatMessage, Request
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.formats.claude import takes_output_format
from hfs_cli.providers.formats.schemas import (
    for_anthropic,
    for_gemini,
    schema_form,
)
from hfs_cli.providers.formats.wire import Quirks
from hfs_cli.providers.presets import PRESETS
from tests.providers.asking import ask, text_of
from tests.providers.formats.test_strict import TEXT, closed
from tests.providers.sdk_types import unknown_to
from tests.scripted_server import sse


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("claude-opus-5-5", True),
        ("claude-sonnet-4-5-20250929", True),
        ("claude-haiku-4-5", True),
        ("claude-opus-4-1-20250805", True),
        ("anthropic.claude-sonnet-4-6", True),
        ("claude-fable-5", True),
        ("latest", True),
        ("claude-sonnet-4-20250514", False),
        ("claude-opus-4-0", False),
        ("claude-3-7-sonnet-latest", False),
        ("claude-3-haiku-20240307", False),
    ],
)
def test_models_of_anthropic_that_take_a_schema(model, takes):
    assert takes_output_format(model) is takes


def test_a_schema_for_anthropic_is_closed_and_keeps_its_meaning_in_words():
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 0, "description": "in years"},
            "tags": {"type": "array", "items": {"oneOf": [TEXT, {"type": "null"}]}, "minItems": 2},
            "day": {"type": "string", "format": "date"},
            "at": {"type": "string", "format": "regex"},
        },
        "required": ["age"],
    }
    assert for_anthropic(schema) == {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "description": "in years\n\n{minimum: 0}"},
            "tags": {
                "type": "array",
                "items": {"anyOf": [TEXT, {"type": "null"}]},
                "description": "{minItems: 2}",
            },
            "day": {"type": "string", "format": "date"},
            "at": {"type": "string", "description": "{format: regex}"},
        },
        "required": ["age"],
        "additionalProperties": False,
    }


def test_a_schema_goes_to_anthropic_beside_an_effort():
    request = Request(
        "claude-haiku-5-5",
        (ChatMessage("user", "hi"),),
        options={"output_config": {"effort": "low"}},
        schema=closed(a=TEXT),
    )
    body = load_format("anthropic").payload(request, Quirks())
    assert body["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": closed(a=TEXT)},
    }
    assert "tools" not in body
    assert unknown_to(MessageCreateParamsStreaming, body) == {}


def test_a_reply_in_anthropics_output_format_is_its_text(server):
    request = Request("claude-haiku-5-5", (ChatMessage("user", "hi"),), schema=closed(a=TEXT))
    delta = {"type": "text_delta", "text": json.dumps({"a": "b"})}
    server.reply(
        sse(
            {"type": "content_block_delta", "delta": delta},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
            done=False,
        )
    )
    answer = ask(server.url, request, wire="anthropic")
    assert (text_of(answer.events), answer.exit_code) == ('{"a": "b"}', 0)


OPEN = {"type": "object", "properties": {"a": TEXT}}


@pytest.mark.parametrize(
    ("provider", "model", "way"),
    [
        ("openai", "gpt-6-luna", "rewritten"),
        ("openrouter", "openrouter/auto", "rewritten"),
        ("groq", "openai/gpt-oss-120b", "rewritten"),
        ("groq", "moonshotai/kimi-k2-instruct", "not strict"),
        ("groq", "llama-3.3-70b-versatile", "in the prompt"),
        ("deepseek", "deepseek-flash", "in the prompt"),
        ("zai", "glm-5.3-flash", "in the prompt"),
        ("moonshot", "kimi-k2.6", "in the prompt"),
        ("qwen", "qwen3.8-flash", "in the prompt"),
        ("minimax", "MiniMax-M3.1-Flash", "in the prompt"),
        ("mistral", "mistral-small-latest", "rewritten"),
        ("xai", "grok-4.3", "rewritten"),
        ("perplexity", "perplexity/sonar", "rewritten"),
        ("anthropic", "claude-haiku-5-5", "rewritten"),
        ("anthropic", "claude-3-haiku-20240307", "by a tool"),
        ("gemini", "gemini-flash-latest", "strict"),
        ("ollama", "llama3.2", "strict"),
    ],
)
def test_each_vendor_is_asked_in_its_own_way(provider, model, way):
    preset = PRESETS[provider]
    form = load_format(preset.type)
    assert schema_form(OPEN, form.schema, model, preset.quirks.schema).way == way


@pytest.mark.parametrize("wire", PROVIDER_TYPES)
def test_what_is_told_of_a_schema_is_what_is_sent(wire):
    """A schema is part of the request's JSON, or of the text of a prompt in it."""
    form = load_format(wire)
    request = Request("m", (ChatMessage("user", "hi"),), schema=closed(marked=TEXT))
    sent = json.dumps(form.payload(request, Quirks()))
    asked = schema_form(closed(marked=TEXT), form.schema, "m", Quirks().schema)
    assert ('"marked":' in sent) is (asked.way != "in the prompt")
    assert ('\\"marked\\":' in sent) is (asked.way == "in the prompt")


@pytest.mark.parametrize("style", ["strict", "plain", "shown", "object", "prompt"])
@pytest.mark.parametrize("system", [None, "Be brief."])
def test_what_carries_a_schema_in_chat_completions_is_legal(style, system):
    request = Request("m", (ChatMessage("user", "hi"),), system=system, schema=OPEN)
    body = load_format("openai").payload(request, Quirks(schema=style))
    assert unknown_to(CompletionCreateParamsStreaming, body) == {}
    in_prompt = style in {"object", "prompt"}
    systems = [m["content"] for m in body["messages"] if m["role"] == "system"]
    # What asks for JSON alone must say the word (DeepSeek, Groq, Qwen), and follows what is there.
    assert (
        "JSON" in "".join(systems) and json.dumps(OPEN, separators=(",", ":")) in systems[0]
    ) is (in_prompt)
    assert system is None or systems[0].startswith(system)
    form = body.get("response_format", {"type": None})
    assert form["type"] == {"object": "json_object", "prompt": None}.get(style, "json_schema")
    if style == "strict":
        assert form["json_schema"]["strict"] is True
        assert form["json_schema"]["schema"]["required"] == ["a"]


def test_json_alone_is_not_asked_for_where_the_reply_is_a_list():
    asked = schema_form({"type": "array", "items": TEXT}, "openai", "m", "object")
    assert (asked.way, asked.field) == ("in the prompt", "")


@pytest.mark.parametrize("style", ["strict", "plain", "object"])
def test_what_carries_a_schema_in_responses_is_legal(style):
    request = Request("m", (ChatMessage("user", "hi"),), schema=OPEN)
    body = load_format("responses").payload(request, Quirks(schema=style))
    assert unknown_to(ResponseCreateParamsStreaming, body) == {}
    assert ("instructions" in body) is (style == "object")


def test_perplexity_has_the_schema_beside_the_text():
    request = Request("perplexity/sonar", (ChatMessage("user", "hi"),), schema=OPEN)
    body = load_format("responses").payload(request, Quirks(schema="beside"))
    assert "text" not in body
    form = body["response_format"]
    assert (form["type"], form["json_schema"]["name"]) == ("json_schema", "reply")
    assert form["json_schema"]["schema"]["additionalProperties"] is False


def test_parameters_for_gemini_are_what_it_reads_and_the_rest_is_told_to_it():
    place = {"type": "string", "const": "here", "$comment": "of ours"}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "at": {"$ref": "#/$defs/place"},
            "const": {"type": "boolean"},
            "tags": {"type": "array", "items": {"const": 1}, "uniqueItems": True},
            "way": {"anyOf": [{"const": "a"}, {"oneOf": [{"const": "b"}, True]}]},
            "pair": {"prefixItems": [{"const": 2}], "additionalProperties": {"const": 3}},
        },
        "$defs": {"place": place},
    }
    assert for_gemini(schema) == {
        "type": "object",
        "properties": {
            "at": {"$ref": "#/$defs/place"},
            "const": {"type": "boolean"},
            "tags": {"type": "array", "items": {"enum": [1]}, "description": "{uniqueItems: True}"},
            "way": {"anyOf": [{"enum": ["a"]}, {"oneOf": [{"enum": ["b"]}, True]}]},
            "pair": {"prefixItems": [{"enum": [2]}], "additionalProperties": {"enum": [3]}},
        },
        "$defs": {"place": {"type": "string", "enum": ["here"]}},
    }


def test_what_is_within_a_schema_for_anthropic_is_as_it_takes_it_too():
    inner, taken = {"minimum": 1, "$id": "x"}, {"description": "{minimum: 1}"}
    for name, kept in (("anyOf", "anyOf"), ("oneOf", "anyOf"), ("allOf", "allOf")):
        assert for_anthropic({name: [inner, True]}) == {kept: [taken, True]}
    for name in ("$defs", "definitions"):
        assert for_anthropic({name: {"a": inner}}) == {name: {"a": taken}}
    assert for_anthropic({"properties": {"a": inner}}) == {
        "properties": {"a": taken},
        "additionalProperties": False,
    }
    assert for_anthropic({"items": inner, "minItems": 1}) == {"items": taken, "minItems": 1}
    # Its library's list: anthropic 2.14, lib/_parse/_transform.py.
    for form in [
        "date-time",
        "time",
        "date",
        "duration",
        "email",
        "hostname",
        "uri",
        "ipv4",
        "ipv6",
        "uuid",
    ]:
        assert for_anthropic({"format": form}) == {"format": form}
    for name in ("enum", "const", "required", "title", "description", "$ref"):
        assert for_anthropic({name: ["x"]}) == {name: ["x"]}
