"""Schemas for replies: read one as a user gives it, and hold a reply against it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hfs_cli.compose.text import read_text
from hfs_cli.errors import IncompleteReplyError, UsageError
from hfs_cli.json_schema import check_schema, fault, read_json, schema_of_fields

MAX_SCHEMA_BYTES = 1_000_000


def parse_schema(text: str) -> dict[str, Any]:
    """The JSON Schema that a user means.

    Args:
        text: A file's path, JSON, or a list of fields: ``name, age int, tags list``.

    Raises:
        UsageError: It is something else, or replies cannot be held against it.
    """
    if text.lstrip().startswith("{"):
        return _checked(text, "--schema")
    if os.path.exists(text):  # noqa: PTH110  a Path refuses a list of fields that is too long
        return _checked(read_text(Path(text), MAX_SCHEMA_BYTES), text)
    try:
        return schema_of_fields(text)
    except ValueError as error:
        raise UsageError(f"--schema: {error}") from error


def _checked(text: str, source: str) -> dict[str, Any]:
    try:
        schema = read_json(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{source} is not JSON: {error}") from error
    if not isinstance(schema, dict):
        raise UsageError(f"{source} must be a JSON object that is a JSON Schema")
    try:
        check_schema(schema)
    except ValueError as error:
        raise UsageError(f"{source} cannot be used as a JSON Schema: {error}") from error
    return schema


def check_reply(schema: Mapping[str, Any], text: str) -> None:
    """Hold a reply against its schema.

    Raises:
        IncompleteReplyError: It is not JSON, or does not fit; the place is named.
    """
    try:
        value = read_json(text)
    except (ValueError, RecursionError) as error:
        raise IncompleteReplyError(f"the reply is not JSON: {error}") from error
    try:
        found = fault(schema, value)
    except ValueError as error:
        raise IncompleteReplyError(f"the reply {error}") from error
    if found is not None:
        raise IncompleteReplyError(f"the reply does not fit the schema at {found}")
