"""Schemas as users give them, and replies held against them."""

import json

import pytest

from hfs_cli.compose.schema import check_reply, parse_schema
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
def test_what_is_no_schema_is_refused(text):
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
