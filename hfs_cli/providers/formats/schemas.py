"""JSON Schemas as the vendors take them: what OpenAI calls strict, and what Anthropic allows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

# Keywords that strict output refuses:
# https://developers.openai.com/api/docs/guides/structured-outputs, read 2026-11-25.
_NOT_STRICT = frozenset(
    {"allOf", "not", "oneOf", "if", "then", "else", "patternProperties", "propertyNames"}
    | {"dependentRequired", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems"}
    | {"contains", "uniqueItems", "default", "prefixItems"}
)


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Whether a schema keeps OpenAI's rules for strict output.

    Its root is an object, every object is closed and requires all of its fields, every array
    says what is in it. A field may have any name, ``properties`` too.
    """
    return schema.get("type") == "object" and "anyOf" not in schema and _keeps_rules(schema)


def _keeps_rules(schema: object) -> bool:
    if not isinstance(schema, Mapping) or _NOT_STRICT & schema.keys():
        return False
    if "$ref" in schema and len(schema) > 1:
        return False
    types = schema.get("type")
    kinds = set(types) if isinstance(types, list) else {types}
    if "object" in kinds or "properties" in schema:
        fields = schema.get("properties")
        closed = schema.get("additionalProperties") is False
        if not (closed and isinstance(fields, Mapping)):
            return False
        if set(schema.get("required", ())) != set(fields):
            return False
    if "array" in kinds and "items" not in schema:
        return False
    return all(map(_keeps_rules, _inner(schema)))


def _inner(schema: Mapping[str, Any]) -> Iterator[object]:
    """The schemas within a schema; what stands in an enum or a description is not one."""
    for name in ("properties", "$defs", "definitions"):
        if isinstance(found := schema.get(name), Mapping):
            yield from found.values()
    if "items" in schema:
        yield schema["items"]
    yield from schema.get("anyOf", ())


# What Anthropic's own library leaves in a schema (anthropic 2.13, lib/_parse/_transform.py); it
# writes the rest into the description, where the model reads it.
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
    """A schema as Anthropic takes it: objects closed, and no keyword that it refuses."""
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
    if notes:
        said = [str(kept["description"])] if "description" in kept else []
        kept["description"] = "\n\n".join([*said, "{" + ", ".join(notes) + "}"])
    return kept


def _allowed(inner: object) -> object:
    return for_anthropic(inner) if isinstance(inner, Mapping) else inner
