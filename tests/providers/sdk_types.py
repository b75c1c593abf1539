"""Request bodies held against the types of the vendors' own libraries."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from pydantic import TypeAdapter

_adapter = cache(TypeAdapter)  # some take seconds to make


def unknown_to(kind: Any, body: dict[str, Any]) -> dict[str, Any]:
    """What of a body a vendor's type does not know, by its top-level field; empty if legal.

    A wrong value raises `pydantic.ValidationError`. A typed dictionary of pydantic drops the
    keys that it does not know, so they show as what is missing after a round trip.
    """
    adapter = _adapter(kind)
    kept = json.loads(adapter.dump_json(adapter.validate_python(body)))
    sent = json.loads(json.dumps(body))
    return {name: value for name, value in sent.items() if not _holds(kept.get(name), value)}


def _holds(kept: Any, sent: Any) -> bool:
    """Whether all that was sent is in what a type kept, which may add its defaults."""
    if isinstance(sent, dict):
        return isinstance(kept, dict) and all(
            name in kept and _holds(kept[name], value) for name, value in sent.items()
        )
    if isinstance(sent, list):
        return isinstance(kept, list) and len(kept) == len(sent) and all(map(_holds, kept, sent))
    return bool(kept == sent)


def illegal(wire: str, body: dict[str, Any]) -> dict[str, Any]:
    """What of a request in a format its vendor's library does not know; empty if it is legal.

    Raises:
        pydantic.ValidationError: A value is wrong.
        ValueError: No library is known for the format.
    """
    match wire:
        case "openai" | "local":
            from openai.types.chat import ChatCompletionContentPartParam
            from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming

            bare = json.loads(json.dumps(body))
            for message in bare["messages"]:  # the words of other vendors that speak it
                for name in ("reasoning", "reasoning_content", "reasoning_details"):
                    message.pop(name, None)
            unknown = _unknown_in_lists(bare["messages"], ChatCompletionContentPartParam)
            return unknown | unknown_to(CompletionCreateParamsStreaming, bare)
        case "responses":
            from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

            return unknown_to(ResponseCreateParamsStreaming, body)
        case "anthropic":
            return _illegal_for_anthropic(body)
        case "gemini":
            return _illegal_for_gemini(body)
        case "ollama":
            # The server's fields (api/types.go, ChatRequest) that its Python library has not yet.
            newer = {"truncate", "shift"}
            return _illegal_for_ollama({k: v for k, v in body.items() if k not in newer})
    raise ValueError(f"no types to hold {wire} against")


def _illegal_for_anthropic(body: dict[str, Any]) -> dict[str, Any]:
    from anthropic.types.content_block_param import ContentBlockParam
    from anthropic.types.message_create_params import MessageCreateParamsStreaming

    bare = json.loads(json.dumps(body))
    unknown = _unknown_in_lists(bare["messages"], ContentBlockParam)
    return unknown | unknown_to(MessageCreateParamsStreaming, bare)


def _unknown_in_lists(messages: list[dict[str, Any]], kind: Any) -> dict[str, Any]:
    """What a part's type does not know of the parts of each message, which become a text.

    They are held against it one by one: pydantic reads an iterable in a union once.
    """
    unknown = {}
    adapter = _adapter(kind)
    for number, message in enumerate(messages):
        if isinstance(message["content"], list):
            parts, message["content"] = message["content"], "x"
            assert parts, "a message without content is a 400"
            for part in parts:
                if part.get("type") == "web_search_tool_result":  # an iterable in a union again
                    part["content"] = []
                kept = json.loads(adapter.dump_json(adapter.validate_python(part)))
                if not _holds(kept, part):
                    unknown[f"message {number}"] = part
    return unknown


def _illegal_for_gemini(body: dict[str, Any]) -> dict[str, Any]:
    """Its types know every field by its JSON name and refuse all others."""
    from google.genai import types

    kinds: dict[str, Any] = {
        "contents": list[types.Content],
        "systemInstruction": types.Content,
        "tools": list[types.Tool],
        "toolConfig": types.ToolConfig,
        "generationConfig": types.GenerationConfig,
    }
    for name in kinds.keys() & body.keys():
        _adapter(kinds[name]).validate_python(body[name])
    for content in body["contents"]:
        assert content["parts"], "a content without parts is a 400"
    return {name: value for name, value in body.items() if name not in kinds}


def _illegal_for_ollama(body: dict[str, Any]) -> dict[str, Any]:
    """Its library has no ids of calls yet; its server does (api/types.go, read 2026-11-29)."""
    from ollama._types import ChatRequest

    bare = json.loads(json.dumps(body))
    for message in bare["messages"]:
        message.pop("tool_call_id", None)
        for call in message.get("tool_calls", ()):
            call.pop("id")
    declared = bare.pop("tools", ())  # its types cut a schema down
    assert all(tool["function"]["name"] for tool in declared)
    return unknown_to(ChatRequest, bare)
