"""JSON Schemas in the subset of OpenAI's strict output, and the replies to them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# What strict output supports besides structure: bounds of numbers and arrays, patterns and formats
# of strings (https://developers.openai.com/api/docs/guides/structured-outputs, "Supported schemas",
# read 2026-11-29).
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
)
_STRICT = frozenset(
    {"type", "enum", "const", "title", "description", "pattern", "format", "multipleOf"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems"}
)
_STRUCTURE = frozenset(
    {"properties", "required", "additionalProperties", "items", "anyOf", "oneOf"}
    | {"$defs", "definitions"}
)
# Keywords that strict output lacks, and that a note in the description cannot stand for.
_UNSUPPORTED = frozenset(
    {"not", "if", "then", "else", "patternProperties", "propertyNames", "dependentRequired"}
    | {"dependentSchemas", "dependencies", "unevaluatedProperties", "unevaluatedItems", "contains"}
    | {"prefixItems", "additionalItems", "minProperties", "maxProperties", "$dynamicRef"}
    | {"$recursiveRef", "$anchor", "$dynamicAnchor"}
)
# Keywords that describe a value without restricting it.
_NOTES = frozenset({"$schema", "$id", "$comment", "default", "examples", "deprecated", "readOnly"})
_MOST_FIELDS, _MOST_LEVELS = 5000, 10


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Whether a schema follows OpenAI's rules for strict output as it is.

    The root must be an object. Every object must be closed and require all of its fields, and
    every array must describe its items. Fields may have any name, even ``properties``.
    """
    return for_strict(schema) == schema


def for_strict(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Rewrite a schema into the subset of strict output; None where its meaning would change.

    Strict output requires every field, so an optional field may be null instead of absent.
    `without_added_nulls` turns a reply back into one to the original. For example,
    ``{"type": "object", "properties": {"a": {"type": "string", "minLength": 1}}}`` becomes a
    closed object that requires ``a``, which is a string or null. That it may not be empty goes
    into its description, and is checked when the reply is validated against the original.
    """
    if _types(schema) != {"object"} or {"anyOf", "oneOf", "allOf", "$ref"} & schema.keys():
        return None
    try:
        found = _strict(schema)
    except _UnfitError:
        return None
    fields, levels = _size(found)
    return found if fields <= _MOST_FIELDS and levels <= _MOST_LEVELS else None


class _UnfitError(Exception):
    """Strict output cannot express the schema."""


def _strict(schema: object) -> dict[str, Any]:
    if not isinstance(schema, Mapping) or _UNSUPPORTED & schema.keys():
        raise _UnfitError
    if {"allOf", "$ref"} & schema.keys():
        return _alias(schema)
    kinds = _types(schema)
    kept, notes = _supported(schema)
    kept |= _definitions(schema)
    if "anyOf" in schema or "oneOf" in schema:
        # That only one of `oneOf` fits is checked when the reply is validated.
        if "anyOf" in schema and "oneOf" in schema:
            raise _UnfitError
        kept["anyOf"] = [_strict(inner) for inner in schema.get("anyOf") or schema["oneOf"]]
    if "object" in kinds or "properties" in schema:
        kept |= _closed(schema)
    if "items" in schema:
        kept["items"] = _strict(schema["items"])
    elif "array" in kinds:
        raise _UnfitError
    if not (kinds or {"anyOf", "enum", "const"} & kept.keys()):
        raise _UnfitError  # anything would fit, and strict output must know the type
    return with_notes(kept, notes)


def _alias(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Rewrite a schema that stands for another: a `$ref`, or an `allOf` of one schema."""
    beside = schema.keys() - {"allOf", "$ref", "title", "description", "$defs", "definitions"}
    if beside - _NOTES:
        raise _UnfitError
    match schema:
        case {"allOf": [only]} if "$ref" not in schema:
            inner = _strict(only)
            # Nothing may stand beside a `$ref`, so the description is lost there.
            if "description" in schema and "$ref" not in inner:
                inner["description"] = schema["description"]
            return inner | _definitions(schema)
        case {"$ref": str(reference)} if "allOf" not in schema:
            return {"$ref": reference, **_definitions(schema)}
    raise _UnfitError


def _supported(schema: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The keywords that strict output supports, and notes of those that it does not."""
    kept: dict[str, Any] = {}
    notes: list[str] = []
    for name, value in schema.items():
        if name in _STRICT and not (name == "format" and value not in _FORMATS):
            kept[name] = value
        elif name not in _NOTES and name not in _STRUCTURE:
            notes.append(f"{name}: {value}")
    return kept, notes


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Close an object: all fields are required, and the optional ones may be null."""
    fields = schema.get("properties")
    if not isinstance(fields, Mapping) or schema.get("additionalProperties", False) is not False:
        raise _UnfitError
    required = schema.get("required", ())
    if not set(required) <= fields.keys():
        raise _UnfitError
    found = {
        name: _strict(inner) if name in required else _or_null(_strict(inner))
        for name, inner in fields.items()
    }
    order = list(required) if set(required) == fields.keys() else list(fields)
    return {"properties": found, "required": order, "additionalProperties": False}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that null fits as well."""
    if accepts_null(schema):
        return schema
    if "enum" not in schema and "const" not in schema and (kinds := schema.get("type")):
        return schema | {"type": [*(kinds if isinstance(kinds, list) else [kinds]), "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def accepts_null(schema: object) -> bool:
    """Whether null fits a schema; references in it are not followed."""
    if not isinstance(schema, Mapping):
        return schema is True
    if "const" in schema:
        return schema["const"] is None
    if "enum" in schema:
        return None in schema["enum"]
    if kinds := _types(schema):
        return "null" in kinds
    either = schema.get("anyOf") or schema.get("oneOf")
    return any(map(accepts_null, either)) if either else "$ref" not in schema


def without_added_nulls(schema: Mapping[str, Any], value: object) -> object:
    """Turn a reply to a rewritten schema into one to the original, by removing added nulls.

    Args:
        schema: The original schema.
        value: The reply.
    """
    return _without_nulls(schema, value, schema)


def _without_nulls(schema: object, value: object, root: Mapping[str, Any]) -> object:
    schema = _resolved(schema, root)
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, list):
        return [_without_nulls(schema.get("items"), item, root) for item in value]
    if not isinstance(value, dict):
        return value
    for inner in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        value = _without_nulls(inner, value, root)
    assert isinstance(value, dict)
    fields, required = schema.get("properties", {}), schema.get("required", ())
    return {
        name: _without_nulls(fields.get(name), item, root)
        for name, item in value.items()
        if item is not None
        or name in required
        or name not in fields
        or accepts_null(_resolved(fields[name], root))
    }


def _resolved(schema: object, root: Mapping[str, Any]) -> object:
    """The schema itself, or the one that its `$ref` leads to; None where that leads nowhere."""
    if not (isinstance(schema, Mapping) and isinstance(reference := schema.get("$ref"), str)):
        return schema
    found: object = root
    for part in reference.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _types(schema: Mapping[str, Any]) -> set[str]:
    kinds = schema.get("type", ())
    return set(kinds) if isinstance(kinds, list) else {kinds} if isinstance(kinds, str) else set()


def _definitions(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {key: _strict(inner) for key, inner in schema[name].items()}
        for name in ("$defs", "definitions")
        if isinstance(schema.get(name), Mapping)
    }


def with_notes(kept: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """Add rules that a schema cannot express to its description, for the model to read."""
    if not notes:
        return kept
    description = [str(kept["description"])] if "description" in kept else []
    return kept | {"description": "\n\n".join([*description, "{" + ", ".join(notes) + "}"])}


def _size(schema: Mapping[str, Any]) -> tuple[int, int]:
    """How many fields a schema has, and how deep its objects are nested."""
    inside = [_size(inner) for inner in _inner(schema) if isinstance(inner, Mapping)]
    own = schema.get("properties")
    fields = len(own) if isinstance(own, Mapping) else 0
    deepest = max((levels for _, levels in inside), default=0)
    return fields + sum(count for count, _ in inside), deepest + (1 if fields else 0)


def _inner(schema: Mapping[str, Any]) -> Iterator[object]:
    """The schemas directly within a schema."""
    for name in ("properties", "$defs", "definitions"):
        if isinstance(found := schema.get(name), Mapping):
            yield from found.values()
    if "items" in schema:
        yield schema["items"]
    yield from schema.get("anyOf", ())
