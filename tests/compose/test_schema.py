"""Schemas as users give them, and replies held against them."""

import json

import pytest

from hfs_cli.compose.schema import check_reply, json_in, many_of, parse_schema
from hfs_cli.errors import IncompleteReplyError, UsageError

FIELDS = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}


def test_a_list_of_fields():
    assert parse_schema("name, age int, tags list") == FIELDS


@pytest.mark.parametrize(
    "text",
    [
        "name: as it is spelt, age int: in years",
        "name : as it is spelt ,age int:in years",
        "\n  name: as it is spelt,\n\n  age int: in years\n",
    ],
)
def test_a_field_may_say_what_it_is(text):
    assert parse_schema(text)["properties"] == {
        "name": {"type": "string", "description": "as it is spelt"},
        "age": {"type": "integer", "description": "in years"},
    }


def test_a_description_may_hold_commas_where_each_field_has_a_line():
    fields = parse_schema("bio: short, and kind: no lists\nage int")["properties"]
    assert fields["bio"]["description"] == "short, and kind: no lists"
    assert fields["age"] == {"type": "integer"}


def test_many_of_a_schema_keep_its_references():
    tree = parse_schema(
        json.dumps(
            {
                "type": "object",
                "properties": {"n": {"$ref": "#/$defs/n"}, "next": {"$ref": "#"}},
                "required": ["n"],
                "$defs": {"n": {"type": "integer"}},
            }
        )
    )
    many = parse_schema(json.dumps(many_of(tree)))
    check_reply(many, '{"items": [{"n": 1, "next": {"n": 2}}, {"n": 3}]}')
    for wrong in ('{"items": [{"n": "1"}]}', '{"items": [{"n": 1, "next": {}}]}', '[{"n": 1}]'):
        with pytest.raises(IncompleteReplyError):
            check_reply(many, wrong)


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ('{"a": 1}', '{"a": 1}'),
        (' {"a": 1}\n', ' {"a": 1}\n'),
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ('Here it is:\n\n~~~~\n{"a": 1}\n~~~~\nDone.', '{"a": 1}'),
        ('```\n{"a": 1}\n```\nNo, this:\n```\n{"a": 2}\n```', '{"a": 2}'),
        ('```json\n{"a": "```"}\n```', '{"a": "```"}'),
        ('<think>\n{"a": 0}?</think>\n\n{"a": 1}', '{"a": 1}'),
        ("<think>hm</think>```json\n[1]\n```", "[1]"),
        ("```\nnot JSON\n```", "```\nnot JSON\n```"),
        ("Ada is 36", "Ada is 36"),
        ("<think>never ends", "<think>never ends"),
    ],
)
def test_the_json_of_a_reply_is_found(reply, found):
    assert json_in(reply) == found


def test_json():
    assert parse_schema(json.dumps(FIELDS)) == FIELDS


def test_a_file(tmp_path):
    path = tmp_path / "person.json"
    path.write_text(json.dumps(FIELDS))
    assert parse_schema(str(path)) == FIELDS


@pytest.mark.parametrize(
    "text",
    ["", "a b c", "1st", "a date", "a,", '{"type": "objekt"}', "{", '{"type": 7}', "no/such.json"],
)
def test_what_is_not_a_schema_is_refused(text):
    with pytest.raises(UsageError):
        parse_schema(text)


def test_a_file_that_holds_no_schema(tmp_path):
    path = tmp_path / "list.json"
    path.write_text("[]")
    with pytest.raises(UsageError, match="must be a JSON object"):
        parse_schema(str(path))


def test_a_reply_that_fits():
    check_reply(FIELDS, '{"name": "Ada", "age": 36, "tags": []}')


@pytest.mark.parametrize(
    ("reply", "place"),
    [
        ('{"name": "Ada", "age": "36", "tags": []}', r"\$\.age"),
        ('{"name": "Ada", "age": 36, "tags": ["x", 1]}', r"\$\.tags\[1\]"),
        ('{"name": "Ada", "age": 36}', "'tags' is a required property"),
        ("Ada is 36", "not JSON"),
        ("", "not JSON"),
        ("[" * 200_000, "not JSON"),
    ],
)
def test_a_reply_that_does_not_fit_names_the_place(reply, place):
    with pytest.raises(IncompleteReplyError, match=place):
        check_reply(FIELDS, reply)


@pytest.mark.parametrize(
    "text",
    [
        '{"$ref": "http://127.0.0.1:9/x"}',
        '{"$ref": "file:///etc/passwd"}',
        '{"$defs": {"x": {"$ref": "https://example.com/x"}}}',
        '{"$ref": "#/nowhere"}',
        '{"$ref": "http://["}',
        '{"$ref": "#"}',
        '{"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}',
        '{"allOf": [{"$ref": "#"}]}',
        '{"if": {"type": "object"}, "then": {"$ref": "#"}}',
        '{"not": {"$ref": "#/not"}}',
        '{"$schema": "http://json-schema.org/draft-03/schema#"}',
        '{"$schema": "https://example.com/mine"}',
        '{"$schema": 7}',
        '{"pattern": "("}',
        '{"patternProperties": {"(": {}}}',
        '{"pattern": "a{99999999999}"}',
        '{"maximum": NaN}',
        '{"not":' * 200 + "{}" + "}" * 200,
    ],
)
def test_a_schema_that_replies_cannot_be_held_against_is_refused_at_once(text):
    with pytest.raises(UsageError):
        parse_schema(text)


@pytest.mark.parametrize(
    ("schema", "fits", "fits_not"),
    [
        ({"properties": {"next": {"$ref": "#"}}, "type": "object"}, '{"next": {}}', '{"next": 1}'),
        (
            {"properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "null"}}},
            "{}",
            '{"a": 1}',
        ),
        (
            {
                "$id": "https://e.com/x",
                "not": {"$ref": "x#/$defs/n"},
                "$defs": {"n": {"type": "null"}},
            },
            "1",
            "null",
        ),
        (
            {"$ref": "https://json-schema.org/draft/2020-12/schema"},
            '{"type": "null"}',
            '{"type": 1}',
        ),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#", "contains": {"const": 1}},
            "[1]",
            "[2]",
        ),
        ({"const": {"$ref": "http://example.com"}}, '{"$ref": "http://example.com"}', "{}"),
        ({"multipleOf": 0.5}, "1.5", "1" + "0" * 400),
        ({}, "1", "NaN"),
    ],
)
def test_references_within_a_schema_are_followed(schema, fits, fits_not):
    schema = parse_schema(json.dumps(schema))
    check_reply(schema, fits)
    with pytest.raises(IncompleteReplyError):
        check_reply(schema, fits_not)


def test_a_pattern_that_backtracks_is_given_up(monkeypatch):
    monkeypatch.setattr("hfs_cli.json_schema.CHECK_SECONDS", 1.0)
    schema = parse_schema('{"pattern": "^(a+)+$"}')
    check_reply(schema, '"aaa"')
    with pytest.raises(IncompleteReplyError, match="pattern"):
        check_reply(schema, f'"{"a" * 60}!"')
