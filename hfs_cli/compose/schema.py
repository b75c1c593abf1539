"""Schemas for replies: read one as the user gives it, and check replies against it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfs_cli.errors import IncompleteReplyError, UsageError
from hfs_cli.files import read_file
from hfs_cli.json_schema import check_schema, fault, json_fault, read_json, schema_of_fields

if TYPE_CHECKING:
    from hfs_cli.messages import Reply
    from hfs_cli.providers.choose import ModelChoice
    from hfs_cli.render.reply.structured import JsonReader
    from hfs_cli.turn.protocols import Renderer

MAX_SCHEMA_BYTES = 1_000_000
_ITEM = "#/properties/items/items"


def parse_schema(text: str) -> dict[str, Any]:
    """The JSON Schema that a user means.

    Args:
        text: A file's path, JSON, or a list of fields: ``name, age int, tags list``; each may
            go on with what it is, as in ``name: as it is spelt, age int: in years``. Where a
            description has commas, each field has a line of its own.

    Raises:
        UsageError: It is something else, or replies cannot be held against it.
    """
    if text.lstrip().startswith("{"):
        return _checked(text, "--schema")
    if os.path.exists(text):  # noqa: PTH110  a Path refuses a list of fields that is too long
        data = read_file(Path(text), MAX_SCHEMA_BYTES, pipes=True)
        try:
            document = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:  # as JSON is, whatever --encoding says of other files
            raise UsageError(
                f"{text} is not JSON, which is UTF-8 (byte {error.start} is not)"
            ) from error
        return _checked(document, text)
    try:
        return schema_of_fields(text)
    except ValueError as error:
        raise UsageError(f"--schema: {error}") from error


def many_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object whose ``items`` list what fits a schema, as in `llm`.

    References within the schema are led to its new place.
    """
    beside = ("$schema", "$id", "$defs", "definitions")

    def moved(value: object) -> object:
        match value:
            case {"$ref": str(reference), **rest} if reference.startswith("#"):
                kept = reference.startswith(("#/$defs/", "#/definitions/"))
                led = reference if kept else _ITEM + reference.removeprefix("#")
                return {"$ref": led, **{name: moved(inner) for name, inner in rest.items()}}
            case dict():
                return {name: moved(inner) for name, inner in value.items()}
            case list():
                return [moved(inner) for inner in value]
        return value

    return {
        **{name: moved(schema[name]) for name in beside if name in schema},
        "type": "object",
        "properties": {
            "items": {
                "type": "array",
                "items": moved({n: v for n, v in schema.items() if n not in beside}),
            }
        },
        "required": ["items"],
        "additionalProperties": False,
    }


def json_reader(choice: ModelChoice, schema: Mapping[str, Any]) -> JsonReader:
    """How the replies of a model that is asked for a schema are read."""
    from hfs_cli.providers.formats import load_format
    from hfs_cli.providers.formats.schemas import schema_form
    from hfs_cli.render.reply.structured import JsonReader

    settings = choice.provider
    form = load_format(settings.type)
    way = schema_form(schema, form.schema, choice.model, settings.quirks.schema).way
    # In Anthropic's subset a field may be absent; in OpenAI's it is null instead.
    changes = way == "rewritten" and settings.type != "anthropic"
    return JsonReader(way, partial(as_asked, schema) if changes else json_in, changes)


class Structured:
    """Replies that must fit a schema, whichever model they come from.

    Args:
        schema: The schema.
        choices: The models that may answer, by their full names.
    """

    def __init__(self, schema: Mapping[str, Any], choices: Mapping[str, ModelChoice]) -> None:
        self._schema = schema
        self._readers = {name: json_reader(choice, schema) for name, choice in choices.items()}

    def shown_by(self, renderer: Renderer, *, say: bool) -> Renderer:
        """A renderer that shows the JSON of a reply and nothing else.

        Args:
            renderer: Shows it.
            say: Whether to say at the end how the schema was sent.
        """
        from hfs_cli.render.reply.structured import JsonAlone

        return JsonAlone(renderer, self._readers, say=say)

    def json_of(self, reply: Reply) -> str:
        """The JSON of a reply, which fits the schema.

        Raises:
            IncompleteReplyError: It is not whole, or as `check_reply` says.
        """
        if reply.finish_reason not in {"stop", "unknown"}:
            raise IncompleteReplyError(f"the reply ended before it fitted the schema: {reply.note}")
        text = self._readers[reply.model].read(reply.text)
        check_reply(self._schema, text)
        return text


def _checked(text: str, source: str) -> dict[str, Any]:
    try:
        schema = read_json(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{source} is not JSON: {json_fault(error)}") from error
    if not isinstance(schema, dict):
        raise UsageError(f"{source} must be a JSON object that is a JSON Schema")
    try:
        check_schema(schema)
    except ValueError as error:
        raise UsageError(f"{source} cannot be used as a JSON Schema: {error}") from error
    return schema


def json_in(text: str) -> str:
    """The JSON of a reply: all of it, what follows its thoughts, or what is in a code fence.

    A reply that holds none is given back as it is. Of several fences the last with JSON in it
    counts: a model that tries twice means the second.
    """
    found = text.strip()
    if found.startswith("<think>"):
        found = found.partition("</think>")[2].strip()
    if _is_json(found):
        return text if found == text.strip() else found
    if not ("```" in found or "~~~" in found):
        return text
    from hfs_cli.render.reply.extract import fenced_blocks

    blocks = (block.strip() for block in reversed(fenced_blocks(found)))
    return next(filter(_is_json, blocks), text)


def _is_json(text: str) -> bool:
    try:
        read_json(text)
    except (ValueError, RecursionError):
        return False
    return True


def as_asked(schema: Mapping[str, Any], text: str) -> str:
    """The JSON of a reply to a rewritten schema, without nulls that the user's does not allow.

    Args:
        schema: What the user asked for.
        text: The reply.
    """
    from hfs_cli.providers.formats.strict import without_added_nulls

    found = json_in(text)
    try:
        value = read_json(found)
        bare = without_added_nulls(schema, value)
    except (ValueError, RecursionError):
        return found
    return found if bare == value else json.dumps(bare, ensure_ascii=False)


def check_reply(schema: Mapping[str, Any], text: str) -> None:
    """Check a reply against its schema.

    Raises:
        IncompleteReplyError: It is not JSON, or does not fit; the place is named.
    """
    try:
        value = read_json(text)
    except (ValueError, RecursionError) as error:
        raise IncompleteReplyError(f"the reply is not JSON: {json_fault(error)}") from error
    try:
        found = fault(schema, value)
    except ValueError as error:
        raise IncompleteReplyError(f"the reply {error}") from error
    if found is not None:
        raise IncompleteReplyError(f"the reply does not fit the schema at {found}")
