"""JSON Schemas in the subset that OpenAI's strict output takes, and the replies to them. Pure."""

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
_OF_OTHERS = frozenset(
    {"properties", "required", "additionalProperties", "items", "anyOf", "oneOf"}
    | {"$defs", "definitions"}
)
# What no words in a description can stand for: the structure itself hangs on it.
_STRUCTURAL = frozenset(
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
    if not isinstance(schema, Mapping) or _STRUCTURAL & schema.keys():
        raise _UnfitError
    if {"allOf", "$ref"} & schema.keys():
        return _another(schema)
    kinds = _types(schema)
    kept, notes = _own_rules(schema)
    kept |= _definitions(schema)
    if "anyOf" in schema or "oneOf" in schema:
        # Of `oneOf`, that no two fit is seen to when the reply is held against the original.
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
        raise _UnfitError  # whatever fits, fits: strict output must know what comes
    return with_notes(kept, notes)


def _another(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema that is another one, by reference or by an `allOf` of one."""
    beside = schema.keys() - {"allOf", "$ref", "title", "description", "$defs", "definitions"}
    if beside - _NOTES:
        raise _UnfitError
    match schema:
        case {"allOf": [only]} if "$ref" not in schema:
            inner = _strict(only)
            # A reference stands alone there: what is said beside it is lost, but holds no rule.
            said = (
                {} if "$ref" in inner else {k: schema[k] for k in ("description",) if k in schema}
            )
            return inner | said | _definitions(schema)
        case {"$ref": str(reference)} if "allOf" not in schema:
            return {"$ref": reference, **_definitions(schema)}
    raise _UnfitError


def _own_rules(schema: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The rules that strict output takes as they are, and in words those that it does not."""
    kept: dict[str, Any] = {}
    notes: list[str] = []
    for name, value in schema.items():
        if name in _STRICT and not (name == "format" and value not in _FORMATS):
            kept[name] = value
        elif name not in _NOTES and name not in _OF_OTHERS:
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
    """A reply to a rewritten schema as one to the original: fields that lack, instead of nulls.

    Args:
        schema: The original.
        value: The reply.
    """
    return _bare(schema, value, schema)


def _bare(schema: object, value: object, root: Mapping[str, Any]) -> object:
    if isinstance(schema, Mapping) and isinstance(reference := schema.get("$ref"), str):
        schema = _referred(root, reference)
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, list):
        return [_bare(schema.get("items"), item, root) for item in value]
    if not isinstance(value, dict):
        return value
    for inner in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        value = _bare(inner, value, root)
    assert isinstance(value, dict)
    fields, required = schema.get("properties", {}), schema.get("required", ())
    return {
        name: _bare(fields.get(name), item, root)
        for name, item in value.items()
        if item is not None
        or name in required
        or name not in fields
        or accepts_null(_resolved(fields[name], root))
    }


def _resolved(schema: object, root: Mapping[str, Any]) -> object:
    if isinstance(schema, Mapping) and isinstance(reference := schema.get("$ref"), str):
        return _referred(root, reference)
    return schema


def _referred(root: Mapping[str, Any], reference: str) -> object:
    """What a reference within a schema leads to, or None: it has been seen to fit before."""
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
    """A schema with the rules that it cannot express in its description, for the model to read."""
    if not notes:
        return kept
    said = [str(kept["description"])] if "description" in kept else []
    return kept | {"description": "\n\n".join([*said, "{" + ", ".join(notes) + "}"])}


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
