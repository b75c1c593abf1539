"""JSON Schema: check that a schema can be used, and check values against it.

Used for replies (``--schema``) and for what a model gives a tool. Nothing is ever fetched, and
nothing takes forever: the main thread has a clock that rings in the middle of a pattern. No other
thread has one, and while a pattern is tried none runs; what may take long there is done in a
process of its own.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from hfs_cli.posix import time_limit

# Patterns backtrack: ``(a+)+$`` takes years with some texts of thirty characters.
CHECK_SECONDS = 5.0
# Seconds that a new process may take to start on a busy machine.
_START_SECONDS = 25.0
# The answer may name a place that is deeply nested, with long names.
_MAX_ANSWER_BYTES = 10_000_000
_PROGRAM = (
    "import json, sys\n"
    "asked = json.loads(sys.stdin.buffer.read())\n"
    "sys.path[:] = asked['path']\n"
    "from hfs_cli import json_schema\n"
    "json_schema.CHECK_SECONDS = asked['seconds']\n"
    "print(json.dumps(json_schema.answer(asked)))"
)
# Patterns backtrack, unique items are compared with each other, and references that branch at each
# step grow without end.
_MAY_TAKE_LONG = re.compile(
    r'"(?:pattern|patternProperties|uniqueItems|\$(?:ref|dynamicRef|recursiveRef))":'
)
# Schemas that a process has found usable: all turns of a batch have the same.
_FOUND_USABLE: set[str] = set()
_NEWEST = "https://json-schema.org/draft/2020-12/schema"
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
_FIELD = re.compile(r"([A-Za-z_]\w*)(?:\s+(\w+))?\s*(?::\s*(.*))?")


def read_json(text: str) -> Any:  # noqa: ANN401
    """Read JSON, without the ``NaN`` and ``Infinity`` that Python accepts.

    Raises:
        ValueError, RecursionError: It is not JSON.
    """

    def refuse(name: str) -> object:
        raise ValueError(f"{name} is not a JSON value")

    return json.loads(text, parse_constant=refuse)


def json_fault(error: Exception) -> str:
    """What keeps a text from being JSON, and where, in a few words.

    Args:
        error: What `read_json` raised.
    """
    if not isinstance(error, json.JSONDecodeError):
        return str(error) or "it is nested too deeply"
    # A text of one line is often a line of many, whose number the message has already.
    place = f"column {error.colno}"
    if error.lineno > 1:
        place = f"line {error.lineno}, {place}"
    return f"{error.msg.removesuffix(' at')} at {place}"


def schema_of_fields(text: str) -> dict[str, Any]:
    """The schema of an object, from its short form: ``name, age int, tags list``.

    Each field may go on with what it is, as in ``name: as it is spelt, age int: in years``; where
    a description has commas, each field has a line of its own.

    Raises:
        ValueError: It is something else; the message is how an error goes on after a colon.
    """
    properties: dict[str, Mapping[str, object]] = {}
    text = text.strip()
    lines = "\n" in text
    for field in text.split("\n" if lines else ","):
        words = field.strip().removesuffix("," if lines else "")
        if lines and not words:
            continue
        found = _FIELD.fullmatch(words)
        if not found or (found[2] or "str") not in _TYPES:
            raise ValueError(
                f"{words!r} is not a file, JSON or a field: write NAME TYPE, or NAME TYPE: WHAT"
                " IT IS, with TYPE one of str, int, float, bool, list"
            )
        kind = _TYPES[found[2] or "str"]
        items = {"items": {"type": "string"}} if kind == "array" else {}
        said = {"description": found[3]} if found[3] else {}
        properties[found[1]] = {"type": kind, **items, **said}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def check_schema(schema: dict[str, Any]) -> None:
    """Check that a schema can be used.

    Raises:
        ValueError: It cannot; the message says why, in one line.
    """
    try:
        if (text := _too_long_here(schema)) is None:
            # Before the clock starts: the first load of the library may take as long by itself.
            kind = _validator_class(schema)
            with time_limit(CHECK_SECONDS):
                _check(schema, kind)
        elif text not in _FOUND_USABLE:
            _in_a_process("check", schema, None)
            _FOUND_USABLE.add(text)
    except (ValueError, RecursionError, OverflowError, TimeoutError) as error:
        said = str(error).splitlines()[0] if str(error) else "it leads into itself"
        raise ValueError(said[:300]) from error


def fault(schema: Mapping[str, Any], value: object) -> str | None:
    """Where a value does not fit a schema and what is wrong there, or None if it fits.

    Raises:
        ValueError: It cannot be checked; the message continues "the value …".
    """
    if _too_long_here(schema) is not None:
        return _in_a_process("fault", schema, value)
    from jsonschema.exceptions import best_match

    validator = _validator_class(schema)(schema, registry=_registry())
    try:
        with time_limit(CHECK_SECONDS):
            found = best_match(validator.iter_errors(value))
    except TimeoutError as error:
        raise ValueError(
            f"could not be checked against the schema within {CHECK_SECONDS:g} s:"
            " a pattern in it takes too long"
        ) from error
    except (ArithmeticError, RecursionError, ValueError) as error:
        raise ValueError(f"cannot be checked against the schema: {error}") from error
    if found is None:
        return None
    said = found.message if len(found.message) < 200 else f"{found.message[:200]} …"
    return f"{found.json_path}: {said}"


def _too_long_here(schema: Mapping[str, Any]) -> str | None:
    """A schema as text if checking it may take long and no timer works here; else None."""
    if threading.current_thread() is threading.main_thread():
        return None
    text = json.dumps(schema, sort_keys=True)
    return text if _MAY_TAKE_LONG.search(text) else None


def _in_a_process(
    what: Literal["check", "fault"], schema: Mapping[str, Any], value: object
) -> str | None:
    """Do the same in a process, where a timer works."""
    from hfs_cli.processes import converse, program_environment

    asked = {"what": what, "schema": schema, "value": value, "seconds": CHECK_SECONDS}
    done = converse(
        (sys.executable, "-I", "-c", _PROGRAM),
        json.dumps({**asked, "path": sys.path}).encode(),
        env=program_environment(os.environ, ()),
        cwd=None,
        seconds=CHECK_SECONDS + _START_SECONDS,
        keep=_MAX_ANSWER_BYTES,
        stopped=lambda: False,
    )
    try:
        found = json.loads(done.output)
    except ValueError as error:
        last = done.errors.decode("utf-8", "replace").strip().splitlines()[-1:]
        why = done.cut or ": ".join(["Python ended", *last])
        raise ValueError(f"could not be checked against the schema: {why}") from error
    if found["error"] is not None:
        raise ValueError(found["error"])
    fits: str | None = found["fault"]
    return fits


def answer(asked: Mapping[str, Any]) -> dict[str, str | None]:
    """Answer `_in_a_process`, inside that process."""
    try:
        if asked["what"] == "check":
            check_schema(asked["schema"])
            return {"fault": None, "error": None}
        return {"fault": fault(asked["schema"], asked["value"]), "error": None}
    except ValueError as error:
        return {"fault": None, "error": str(error)}


def _check(schema: dict[str, Any], kind: Any) -> None:  # noqa: ANN401
    from jsonschema.exceptions import SchemaError

    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"{error.message} (at {error.json_path})") from error
    resource = _specification(kind).create_resource(schema)
    for contents, resolver in _subschemas(resource, _registry().resolver_with_root(resource)):
        if isinstance(contents, dict):
            for pattern in (contents.get("pattern", ""), *contents.get("patternProperties", ())):
                try:
                    re.compile(pattern)
                except re.error as error:
                    raise ValueError(f"the pattern {pattern!r} cannot be read: {error}") from error
            _refuse_loops(contents, resolver, _specification(kind), ())


def _validator_class(schema: Mapping[str, Any]) -> Any:  # noqa: ANN401  (jsonschema is untyped)
    """The validator of a schema's draft; without ``$schema``, of the newest."""
    from jsonschema import validators

    drafts = {
        kind.META_SCHEMA["$schema"].rstrip("#"): kind
        for kind in (
            validators.Draft4Validator,
            validators.Draft6Validator,
            validators.Draft7Validator,
            validators.Draft201909Validator,
            validators.Draft202012Validator,
        )
    }
    named = schema.get("$schema", _NEWEST)
    if not isinstance(named, str) or named.rstrip("#") not in drafts:
        raise ValueError(f"$schema must be one of {', '.join(drafts)}")
    return drafts[named.rstrip("#")]


def _registry() -> Any:  # noqa: ANN401
    """The standard's own meta-schemas. Nothing else is ever fetched: no network, no files."""
    from jsonschema_specifications import REGISTRY

    return REGISTRY


def _specification(kind: Any) -> Any:  # noqa: ANN401
    from referencing.jsonschema import specification_with

    return specification_with(kind.META_SCHEMA["$schema"])


def _subschemas(resource: Any, resolver: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401
    """Yield a schema and all schemas in it, each with the resolver of its references."""
    yield resource.contents, resolver
    for inner in resource.subresources():
        yield from _subschemas(inner, resolver.in_subresource(inner))


def _refuse_loops(
    contents: Any,  # noqa: ANN401
    resolver: Any,  # noqa: ANN401
    specification: Any,  # noqa: ANN401
    above: tuple[int, ...],
) -> None:
    """Follow what applies to the same value; a loop there would never end.

    In ``{"allOf": [{"$ref": "#"}]}`` the reference is about the very value that the root is
    about, so it is a loop. In ``{"properties": {"next": {"$ref": "#"}}}`` it is about another,
    smaller one, and a list of any length fits.

    Args:
        above: The schemas on the way here, by their identity.
    """
    from referencing.exceptions import Unresolvable

    if not isinstance(contents, dict):
        return
    if id(contents) in above:
        raise ValueError("a $ref in it leads back to itself")
    above = (*above, id(contents))
    for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
        reference = contents.get(keyword)
        if isinstance(reference, str):
            try:
                found = resolver.lookup(reference)
            except Unresolvable as error:
                raise ValueError(
                    f"{keyword} {reference!r} is not in it, and nothing is fetched"
                ) from error
            _refuse_loops(found.contents, found.resolver, specification, above)
    same = [contents.get(keyword) for keyword in ("not", "if", "then", "else")]
    for keyword in ("allOf", "anyOf", "oneOf"):
        same += contents.get(keyword, [])
    for keyword in ("dependentSchemas", "dependencies"):
        same += contents.get(keyword, {}).values()
    for inner in same:
        if isinstance(inner, dict):
            around = resolver.in_subresource(specification.create_resource(inner))
            _refuse_loops(inner, around, specification, above)
