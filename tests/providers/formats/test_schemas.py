"""What the vendors take of a JSON Schema."""

from __future__ import annotations

import json

import pytest
from anthropic.types.message_create_params import MessageCreateParamsStreaming

from hfs_cli.messages import ChatMessage, Request
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.formats.schemas import for_anthropic, is_strict, takes_output_format
from hfs_cli.providers.formats.wire import Quirks
from tests.providers.asking import ask, text_of
from tests.providers.sdk_types import unknown_to
from tests.scripted_server import sse


def closed(**fields):
    return {
        "type": "object",
        "properties": fields,
        "required": [*fields],
        "additionalProperties": False,
    }


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    "schema",
    [
        closed(a=TEXT),
        closed(properties=TEXT, items=TEXT, default=TEXT),
        closed(a=closed(b=TEXT)),
        closed(a={"type": "array", "items": closed(b=TEXT)}),
        closed(a={"type": ["string", "null"]}, b={"anyOf": [TEXT, {"type": "null"}]}),
        closed(a={"enum": [{"allOf": 1}, "not"]}),
        closed(a={"$ref": "#/$defs/a"}) | {"$defs": {"a": closed(b={"$ref": "#"})}},
        closed(a={"type": "string", "description": "not an object", "pattern": "^x"}),
    ],
)
def test_strict_output_takes_what_is_closed_and_full(schema):
    assert is_strict(schema)


@pytest.mark.parametrize(
    "schema",
    [
        TEXT,
        {"type": "array", "items": TEXT},
        {"anyOf": [closed(a=TEXT)]},
        {"type": "object"},
        {"type": "object", "properties": {"a": TEXT}, "required": ["a"]},
        closed(a=TEXT) | {"required": []},
        closed(a={"type": "object"}),
        closed(a={"type": "object", "properties": {}}),
        closed(a={"type": "array"}),
        closed(a={"type": "array", "items": {"type": "object"}}),
        closed(a={"allOf": [TEXT]}),
        closed(a={"oneOf": [TEXT]}),
        closed(a={"not": TEXT}),
        closed(a={"if": TEXT, "then": TEXT}),
        closed(a={"type": "string", "default": "x"}),
        closed(a={"$ref": "#/$defs/a", "description": "x"}) | {"$defs": {"a": TEXT}},
        closed(a=TEXT) | {"patternProperties": {"^x": TEXT}},
        closed(a=TEXT) | {"$defs": {"b": {"type": "object"}}},
    ],
)
def test_strict_output_is_not_asked_for_where_it_would_be_refused(schema):
    assert not is_strict(schema)


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
