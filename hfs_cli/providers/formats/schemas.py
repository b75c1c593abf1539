"""How each vendor is asked for a JSON Schema, and which keywords it accepts. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from hfs_cli.providers.formats.strict import for_strict, is_strict, with_notes
from hfs_cli.providers.formats.wire import SchemaWay

Way = Literal["strict", "rewritten", "not strict", "by a tool", "in the prompt"]


class SchemaForm(NamedTuple):
    """How a request asks for a schema.

    Args:
        way: ``strict``: the vendor enforces the schema as it is; ``rewritten``: it enforces an
            equivalent one in the subset that it supports; ``not strict``: the model only sees it.
        schema: The schema as it is sent.
        field: What carries it in chat completions: ``json_schema``; ``json_object``, with the
            schema in the prompt; or empty, with the prompt alone.
    """

    way: Way
    schema: Mapping[str, Any]
    field: Literal["json_schema", "json_object", ""] = "json_schema"


def schema_form(schema: Mapping[str, Any], way: SchemaWay, model: str, style: str) -> SchemaForm:
    """How to ask a vendor's model for a schema.

    Args:
        schema: The user's schema.
        way: The format's way, `hfs_cli.providers.formats.wire.WireFormat.schema`.
        model: The vendor's model id.
        style: The vendor's way, `hfs_cli.providers.formats.wire.Quirks.schema`.
    """
    match way:
        case "strict":
            # The vendor enforces the schema itself, and leaves out what it does not support.
            return SchemaForm("strict", schema)
        case "anthropic":
            from hfs_cli.providers.formats.claude import takes_output_format

            if not takes_output_format(model):
                return SchemaForm("by a tool", schema)
            fitted = for_anthropic(schema)
            return SchemaForm("strict" if fitted == schema else "rewritten", fitted)
        case "openai":
            return _form_for_openai(schema, _style_at_groq(model) if style == "groq" else style)


def _form_for_openai(schema: Mapping[str, Any], style: str) -> SchemaForm:
    match style:
        case "object" if schema.get("type") == "object":
            return SchemaForm("in the prompt", schema, "json_object")
        case "object" | "prompt":
            return SchemaForm("in the prompt", schema, "")
        case "plain" | "shown":
            strict = style == "plain" and is_strict(schema)
            return SchemaForm("strict" if strict else "not strict", schema)
    fitted = for_strict(schema)
    if fitted is None:
        return SchemaForm("not strict", schema)
    return SchemaForm("strict" if fitted == schema else "rewritten", fitted)


def _style_at_groq(model: str) -> str:
    """Groq enforces a schema for gpt-oss, shows it to some models, and has JSON mode for the rest.

    https://console.groq.com/docs/structured-outputs, "Supported models", read 2026-11-29.
    """
    if "gpt-oss" in model and "safeguard" not in model:
        return "strict"
    shown = re.search(r"gpt-oss-safeguard|kimi-k\d|llama-4|qwen3\.\d", model)
    return "shown" if shown else "object"


def form_and_system(
    schema: Mapping[str, Any], model: str, style: str, system: str | None
) -> tuple[dict[str, Any] | None, str | None]:
    """The ``response_format`` and the system prompt that ask an OpenAI-like model for a schema.

    Args:
        schema: The user's schema.
        model: The vendor's model id.
        style: The vendor's way, `hfs_cli.providers.formats.wire.Quirks.schema`.
        system: The system prompt, or None.
    """
    form = schema_form(schema, "openai", model, style)
    if form.way == "in the prompt":
        system = _in_words(form.schema, system)
    return _response_format(form), system


def _response_format(form: SchemaForm) -> dict[str, Any] | None:
    """The ``response_format`` of chat completions, or None where only the prompt has the schema."""
    if not form.field:
        return None
    if form.field == "json_object":
        return {"type": "json_object"}
    strict = form.way != "not strict"
    named = {"name": "reply", "schema": form.schema, "strict": strict}
    return {"type": "json_schema", "json_schema": named}


def _in_words(schema: Mapping[str, Any], system: str | None) -> str:
    """The system prompt, with a demand for JSON that fits the schema.

    JSON mode requires the word "JSON" in the prompt.
    """
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
