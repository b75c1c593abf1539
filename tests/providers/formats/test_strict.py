"""Schemas in the subset of strict output, and the replies to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hfs_cli.providers.formats.strict import for_strict, is_strict, without_added_nulls


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
    ("given", "made"),
    [
        ({"type": "object", "properties": {"a": TEXT}, "required": ["a"]}, closed(a=TEXT)),
        (
            {"type": "object", "properties": {"a": TEXT}},
            closed(a={"type": ["string", "null"]}),
        ),
        (
            {"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
            closed(a={"type": ["string", "null"]}),
        ),
        (
            {"type": "object", "properties": {"a": {"enum": ["x", "y"]}}},
            closed(a={"anyOf": [{"enum": ["x", "y"]}, {"type": "null"}]}),
        ),
        (
            closed(a={"type": "array", "items": {"type": "object", "properties": {}}}),
            closed(a={"type": "array", "items": closed()}),
        ),
        (
            closed(a={"type": "string", "minLength": 1, "description": "a name"}),
            closed(a={"type": "string", "description": "a name\n\n{minLength: 1}"}),
        ),
        (
            closed(a={"type": "string", "default": "x", "format": "uri"}),
            closed(a={"type": "string", "description": "{format: uri}"}),
        ),
        (
            closed(a={"oneOf": [TEXT, {"type": "null"}]}),
            closed(a={"anyOf": [TEXT, {"type": "null"}]}),
        ),
        (
            closed(a={"allOf": [{"$ref": "#/$defs/b"}], "default": {}, "description": "x"})
            | {"$defs": {"b": {"type": "object", "properties": {"c": TEXT}, "required": ["c"]}}},
            closed(a={"$ref": "#/$defs/b"}) | {"$defs": {"b": closed(c=TEXT)}},
        ),
        (
            closed(a={"$ref": "#/$defs/b", "description": "x"}) | {"$defs": {"b": TEXT}},
            closed(a={"$ref": "#/$defs/b"}) | {"$defs": {"b": TEXT}},
        ),
    ],
)
def test_a_schema_is_rewritten_where_that_keeps_its_meaning(given, made):
    assert for_strict(given) == made
    assert is_strict(made)


@pytest.mark.parametrize(
    "schema",
    [
        TEXT,
        {"type": "array", "items": TEXT},
        {"type": "object"},
        {"type": "object", "anyOf": [closed(a=TEXT)]},
        {"type": ["object", "null"], "properties": {"a": TEXT}},
        closed(a={"type": "object", "additionalProperties": TEXT}),
        closed(a={"type": "object", "properties": {}, "additionalProperties": True}),
        closed(a={"type": "array"}),
        closed(a={"type": "array", "prefixItems": [TEXT], "items": TEXT}),
        closed(a={}),
        closed(a=True),
        closed(a={"not": TEXT}),
        closed(a={"allOf": [TEXT, {"minLength": 2}]}),
        closed(a={"if": TEXT, "then": TEXT, "type": "string"}),
        closed(a=TEXT) | {"required": ["a", "b"]},
        closed(**{f"f{n}": TEXT for n in range(5001)}),
    ],
)
def test_what_strict_output_cannot_express_is_not_rewritten(schema):
    assert for_strict(schema) is None


def test_more_than_ten_levels_are_not_rewritten():
    schema = closed(a=TEXT)
    for _ in range(9):
        schema = closed(a=schema)
    assert is_strict(schema)
    assert for_strict(closed(a=schema)) is None


def test_nulls_that_only_stand_for_absent_fields_are_taken_out_again():
    schema = {
        "type": "object",
        "properties": {
            "a": TEXT,
            "b": {"type": ["string", "null"]},
            "c": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/d"}, TEXT]}},
            "d": {"$ref": "#/$defs/d"},
            "e": {"type": "null"},
        },
        "required": ["e"],
        "$defs": {
            "d": {"type": "object", "properties": {"a": TEXT, "next": {"$ref": "#/$defs/d"}}}
        },
    }
    reply = {"a": None, "b": None, "c": [{"a": None, "next": {"a": None, "next": None}}, "x"]}
    assert without_added_nulls(schema, {**reply, "d": None, "e": None}) == {
        "b": None,
        "c": [{"next": {}}, "x"],
        "e": None,
    }


LEAVES = st.sampled_from(
    [TEXT, {"type": "integer"}, {"enum": ["x", 1]}, {"type": ["string", "null"]}, {"const": 1}]
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(
            lambda fields, some: {
                "type": "object",
                "properties": fields,
                "required": [name for name in fields if name in some],
            },
            st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            st.sets(st.sampled_from("abc")),
        ),
    ),
    max_leaves=6,
)


def instances(schema) -> st.SearchStrategy:
    """Values that fit a schema which strict output takes."""
    if "anyOf" in schema:
        return st.one_of(*map(instances, schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    made = {
        "string": st.text(max_size=3),
        "integer": st.integers(),
        "null": st.none(),
    }
    if "array" in kinds:
        made["array"] = st.lists(instances(schema["items"]), max_size=2)
    if "object" in kinds:
        fields = {name: instances(inner) for name, inner in schema["properties"].items()}
        made["object"] = st.fixed_dictionaries(fields)
    return st.one_of(*(made[kind] for kind in kinds))


@given(st.data(), st.dictionaries(st.sampled_from("abc"), SCHEMAS, min_size=1, max_size=3))
def test_each_reply_to_a_rewritten_schema_is_one_to_the_original(data, fields):
    original = {"type": "object", "properties": fields}
    made = for_strict(original)
    assert made is not None
    reply = data.draw(instances(made))
    Draft202012Validator(made).validate(reply)
    Draft202012Validator(original).validate(without_added_nulls(original, reply))


@pytest.mark.parametrize(
    "keyword",
    [
        *("not", "if", "then", "else", "patternProperties", "propertyNames", "dependentRequired"),
        *("dependentSchemas", "dependencies", "unevaluatedProperties", "unevaluatedItems"),
        *("contains", "prefixItems", "additionalItems", "minProperties", "maxProperties"),
        *("$dynamicRef", "$recursiveRef", "$anchor", "$dynamicAnchor"),
    ],
)
def test_what_no_words_can_stand_for_is_not_asked_for(keyword):
    assert for_strict(closed(a={"type": "string", keyword: {}})) is None


@pytest.mark.parametrize(
    "rule",
    [
        *({"type": "string", "format": name} for name in ("date-time", "time", "date", "duration")),
        *({"type": "string", "format": name} for name in ("email", "hostname", "ipv4", "ipv6")),
        {"type": "string", "format": "uuid"},
        {"type": "string", "pattern": "^a", "title": "A", "description": "of ours"},
        {"type": "number", "minimum": 1, "maximum": 9, "multipleOf": 2},
        {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 9},
        {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 9},
        {"enum": ["a", "b"]},
        {"const": "a"},
    ],
)
def test_what_strict_output_keeps_to_is_left_as_it_is(rule):
    assert for_strict(closed(a=rule)) == closed(a=rule)


def test_a_format_that_it_does_not_keep_to_is_told_in_words():
    made = for_strict(closed(a={"type": "string", "format": "uri"}))
    assert made == closed(a={"type": "string", "description": "{format: uri}"})
