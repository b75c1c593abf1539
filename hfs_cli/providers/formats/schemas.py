"""JSON Schemas as the vendors take them: how each is asked, and what Anthropic allows. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from hfs_cli.providers.formats.strict import for_strict, is_strict, with_notes
from hfs_cli.providers.formats.wire import SchemaWay

Way = Literal["strict", "rewritten", "not strict", "by a tool", "in the prompt"]


class Asked(NamedTuple):
    """How a schema is asked for.

    Args:
        way: ``strict`` where the vendor holds the reply to it as it is, ``rewritten`` where it
            does to an equal one in its own subset, ``not strict`` where the model is shown it.
        schema: It, as it is sent.
        field: What carries it in chat completions: ``json_schema``, ``json_object`` with the
            schema in the prompt, or nothing but the prompt.
    """

    way: Way
    schema: Mapping[str, Any]
    field: Literal["json_schema", "json_object", ""] = "json_schema"


def asked_of(schema: Mapping[str, Any], way: SchemaWay, model: str, style: str) -> Asked:
    """How a model of a vendor is asked for a schema.

    Args:
        schema: What the user wants.
        way: The format's, `hfs_cli.providers.formats.wire.WireFormat.schema`.
        model: The vendor's id.
        style: The vendor's way, `hfs_cli.providers.formats.wire.Quirks.schema`.
    """
    match way:
        case "strict":
            # Decoding is held to the schema itself; what it cannot express of it is left out there.
            return Asked("strict", schema)
        case "prompt":
            return Asked("in the prompt", schema, "")
        case "anthropic":
            if not takes_output_format(model):
                return Asked("by a tool", schema)
            fitted = for_anthropic(schema)
            return Asked("strict" if fitted == schema else "rewritten", fitted)
    return _asked_of_openai(schema, _style_at_groq(model) if style == "groq" else style)


def _asked_of_openai(schema: Mapping[str, Any], style: str) -> Asked:
    match style:
        case "object" if schema.get("type") == "object":
            return Asked("in the prompt", schema, "json_object")
        case "object" | "prompt":
            return Asked("in the prompt", schema, "")
        case "plain" | "shown":
            strict = style == "plain" and is_strict(schema)
            return Asked("strict" if strict else "not strict", schema)
    fitted = for_strict(schema)
    if fitted is None:
        return Asked("not strict", schema)
    return Asked("strict" if fitted == schema else "rewritten", fitted)


def _style_at_groq(model: str) -> str:
    """Groq enforces a schema for gpt-oss, shows it to some models, and has JSON mode for the rest.

    https://console.groq.com/docs/structured-outputs, "Supported models", read 2026-11-29.
    """
    if "gpt-oss" in model and "safeguard" not in model:
        return "strict"
    shown = re.search(r"gpt-oss-safeguard|kimi-k\d|llama-4|qwen3\.\d", model)
    return "shown" if shown else "object"


def response_format(asked: Asked) -> dict[str, Any] | None:
    """What carries a schema in chat completions, or None where the prompt alone does."""
    if not asked.field:
        return None
    if asked.field == "json_object":
        return {"type": "json_object"}
    strict = asked.way != "not strict"
    form = {"name": "reply", "schema": asked.schema, "strict": strict}
    return {"type": "json_schema", "json_schema": form}


def in_words(schema: Mapping[str, Any], system: str | None) -> str:
    """A system prompt that asks for JSON that fits; the vendors want the word in it."""
    text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    asked = f"Reply with one JSON value alone, without a code fence, that fits this schema:\n{text}"
    return f"{system}\n\n{asked}" if system else asked


# The keywords that Anthropic's own library leaves in a schema (anthropic 2.13,
# lib/_parse/_transform.py). It writes the rest into the description, for the model to read.
_ANTHROPIC = frozenset(
    {"type", "enum", "const", "required", "title", "description", "$ref", "additionalProperties"}
    | {"properties", "$defs", "definitions", "items", "anyOf", "oneOf", "allOf"}
)
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)


def takes_output_format(model: str) -> bool:
    """Whether a model of Anthropic's takes a schema as ``output_config.format``.

    All since 4.5 and opus-4-1 do, and the newest refuse the way that came before, a tool that
    must be called. An id without a version that can be read is taken for a new one.
    """
    named = re.search(r"claude-(?:[a-z]+-)?(\d)(?:[.-](\d{1,2})(?!\d))?(?!\d)", model)
    if named is None:
        return True
    version = (int(named[1]), int(named[2] or 0))
    return version >= (4, 5) or ("opus" in model and version == (4, 1))


def for_anthropic(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema that Anthropic accepts: objects are closed, and refused keywords become notes."""
    kept: dict[str, Any] = {}
    notes: list[str] = []
    for name, value in schema.items():
        if name in {"properties", "$defs", "definitions"} and isinstance(value, Mapping):
            kept[name] = {field: _allowed(inner) for field, inner in value.items()}
        elif name == "items":
            kept[name] = _allowed(value)
        elif name in {"anyOf", "oneOf", "allOf"}:
            kept["anyOf" if name == "oneOf" else name] = [_allowed(inner) for inner in value]
        elif (
            name in _ANTHROPIC
            or (name == "minItems" and value in {0, 1})
            or (name == "format" and value in _FORMATS)
        ):
            kept[name] = value
        elif name not in {"$schema", "$id"}:
            notes.append(f"{name}: {value}")
    if kept.get("type") == "object" or "properties" in kept:
        kept["additionalProperties"] = False
    return with_notes(kept, notes)


def _allowed(inner: object) -> object:
    return for_anthropic(inner) if isinstance(inner, Mapping) else inner


# The keywords that Gemini supports: https://ai.google.dev/api/caching#FunctionDeclaration and
# https://ai.google.dev/gemini-api/docs/structured-output, read 2026-11-29. It ignores most others
# without an error.
_GEMINI = frozenset(
    {"$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items"}
    | {"prefixItems", "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf"}
    | {"properties", "additionalProperties", "required", "propertyOrdering"}
)


def for_gemini(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A function's parameters for Gemini: unsupported keywords become notes for the model."""
    kept: dict[str, Any] = {}
    notes: list[str] = []
    for name, value in schema.items():
        if name in {"properties", "$defs"} and isinstance(value, Mapping):
            kept[name] = {field: _for_gemini(inner) for field, inner in value.items()}
        elif name in {"items", "additionalProperties"}:
            kept[name] = _for_gemini(value)
        elif name in {"anyOf", "oneOf", "prefixItems"} and isinstance(value, list):
            kept[name] = [_for_gemini(inner) for inner in value]
        elif name == "const":
            kept["enum"] = [value]
        elif name in _GEMINI:
            kept[name] = value
        elif name not in {"$schema", "$comment"}:
            notes.append(f"{name}: {value}")
    return with_notes(kept, notes)


def _for_gemini(inner: object) -> object:
    return for_gemini(inner) if isinstance(inner, Mapping) else inner
