"""Schemas for replies: read one as a user gives it, and hold a reply against it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hfs_cli.compose.prompt import read_text
from hfs_cli.errors import IncompleteReplyError, UsageError

MAX_SCHEMA_BYTES = 1_000_000
_TYPES = {
    "str": "string",
    "string": "string",
    "text": "string",
    "int": "integer",
    "integer": "integer",
    "float": "number",
    "number": "number",
    "bool": "boolean",
    "boolean": "boolean",
    "list": "array",
    "array": "array",
}
_FIELD = re.compile(r"([A-Za-z_]\w*)(?:\s+(\w+))?")


def parse_schema(text: str) -> dict[str, Any]:
    """The JSON Schema that a user means.

    Args:
        text: A file's path, JSON, or a list of fields: ``name, age int, tags list``.

    Raises:
        UsageError: It is none of these, or no schema.
    """
    if text.lstrip().startswith("{"):
        return _checked(text, "--schema")
    if os.path.exists(text):  # noqa: PTH110  a Path refuses a list of fields that is too long
        return _checked(read_text(Path(text), MAX_SCHEMA_BYTES), text)
    return _from_fields(text)


def _checked(text: str, source: str) -> dict[str, Any]:
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    try:
        schema = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{source} is not JSON: {error}") from error
    if not isinstance(schema, dict):
        raise UsageError(f"{source} must be a JSON object that is a JSON Schema")
    try:
        validator_for(schema).check_schema(schema)
    except (SchemaError, RecursionError) as error:
        raise UsageError(f"{source} is no JSON Schema: {str(error).splitlines()[0]}") from error
    return schema


def _from_fields(text: str) -> dict[str, Any]:
    properties: dict[str, Mapping[str, object]] = {}
    for field in text.split(","):
        found = _FIELD.fullmatch(field.strip())
        if not found or (found[2] or "str") not in _TYPES:
            raise UsageError(
                f"--schema: {field.strip()!r} is no file, no JSON and no field: write NAME TYPE,"
                " with TYPE one of str, int, float, bool, list"
            )
        properties[found[1]] = _field(_TYPES[found[2] or "str"])
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _field(kind: str) -> dict[str, object]:
    return {"type": kind} | ({"items": {"type": "string"}} if kind == "array" else {})


def check_reply(schema: Mapping[str, Any], text: str) -> None:
    """Hold a reply against its schema.

    Raises:
        IncompleteReplyError: It is not JSON, or does not fit; the place is named.
    """
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for

    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise IncompleteReplyError(f"the reply is not JSON: {error}") from error
    fault = best_match(validator_for(schema)(schema).iter_errors(value))
    if fault is not None:
        said = fault.message if len(fault.message) < 200 else f"{fault.message[:200]} …"
        raise IncompleteReplyError(
            f"the reply does not fit the schema at {fault.json_path}: {said}"
        )
