"""Chat completions for an embedded model whose template has no place for tools.

For such a model llama.cpp's server drops the tools of a request, even one that must be called
(xllamacpp 2026.10.11549, tried on 2026-11-29). But for any model it accepts a JSON Schema, turns it
into a grammar and holds the reply to it
(https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md, read 2026-11-29). So the
system prompt describes the tools, and each reply is a step, one of these two::

    {"tool_calls": [{"name": "weather", "arguments": {"city": "Köln"}}]}
    {"response": "It rains."}

The results go back as the next user message. A request without tools is a plain chat completion.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hfs_cli.errors import UsageError
from hfs_cli.messages import ChatMessage, Delta, Finish, Reasoning, Request, Usage
from hfs_cli.providers.formats import openai
from hfs_cli.providers.formats.events import CALLED, Batch, malformed
from hfs_cli.providers.formats.wire import Events, Media, Quirks, alternating

# Small models repeat themselves: without a limit, one asks for tools until its context is full.
_MOST_AT_ONCE = 8
_LONGEST_STEP = 4_000_000
# How a step begins tells an answer from calls. After this many pieces, each of at least one token,
# the beginning is over.
_BEGINNING = 100
_REPLY = "reply.schema"  # no tool has a dot in its name
_INTRODUCTION = (
    "You can use tools. Each line describes one: its name, what it does, and its arguments as JSON"
    " Schema."
)
# Without an example to fill in, because the smallest models copy it.
_FORMS = (
    'Reply with one JSON object alone. To use tools, give it "tool_calls", a list of objects with'
    ' the "name" of a tool and its "arguments"; their results come with the next message. To answer'
    ' the user, give it "response", which is the text of your answer.'
)


def payload(request: Request, quirks: Quirks) -> dict[str, Any]:
    """The body of a streamed chat completion.

    Raises:
        UsageError: The option ``tool_choice`` has an unknown value.
    """
    if not request.tools:
        return openai.payload(request, quirks)
    options = dict(request.options)
    step = _step(request, options.pop("tool_choice", None))
    tools = [json.dumps(tool._asdict(), ensure_ascii=False) for tool in request.tools]
    described = "\n".join((_INTRODUCTION, *tools, "", _FORMS))
    plain = request._replace(
        messages=_steps(request),
        system="\n\n".join(part for part in (request.system, described) if part),
        options=options,
        schema=None,
        tools=(),
        tool_choice=None,
    )
    form = {"name": "step", "schema": step, "strict": True}
    return openai.payload(plain, quirks) | {
        "response_format": {"type": "json_schema", "json_schema": form}
    }


def _steps(request: Request) -> tuple[ChatMessage, ...]:
    """The history in the form that the model writes and reads."""
    from hfs_cli.providers.formats.calls import object_of

    messages: list[ChatMessage] = []
    for message in request.messages:
        if message.role != "assistant":
            messages.append(message)
            continue
        step: dict[str, Any] = {"response": message.content} if message.content else {}
        results = []
        for call in message.calls:
            asked = {"name": call.name, "arguments": object_of(call.arguments)}
            step.setdefault("tool_calls", []).append(asked)
            results.append({"name": call.name, "error" if call.failed else "result": call.result})
        if step:
            text = json.dumps(step, ensure_ascii=False)
            messages.append(ChatMessage("assistant", text))
        if results:
            text = json.dumps({"tool_results": results}, ensure_ascii=False)
            messages.append(ChatMessage("user", text))
    return tuple(alternating(messages))


def _step(request: Request, choice: object) -> dict[str, Any]:
    """The JSON Schema of a step: calls or an answer, or only one of the two.

    Args:
        request: The request; its `tool_choice` is the tool that must be called.
        choice: The option ``tool_choice``: ``auto``, ``required``, ``none``, or None.
    """
    if choice is not None and str(choice) not in {"auto", "required", "none"}:
        raise UsageError("tool_choice of an embedded model is auto, required or none")
    tools = [tool for tool in request.tools if request.tool_choice in {None, tool.name}]
    calls = [
        _closed(name={"const": tool.name}, arguments={"$ref": f"#/$defs/{tool.name}"})
        for tool in tools
    ]
    demanded = request.tool_choice is not None or choice == "required"
    asking = _closed(
        tool_calls={
            "type": "array",
            "items": {"anyOf": calls},
            "minItems": 1,
            "maxItems": _MOST_AT_ONCE,
        }
    )
    answering = _closed(
        response={"$ref": f"#/$defs/{_REPLY}"} if request.schema else {"type": "string"}
    )
    ways = [asking] if demanded else [answering] if choice == "none" else [asking, answering]
    schemas = {tool.name: tool.parameters for tool in tools}
    if request.schema:
        schemas[_REPLY] = request.schema
    moved = {name: _within(schema, f"#/$defs/{name}") for name, schema in schemas.items()}
    return {"anyOf": ways, "$defs": moved}


def _closed(**fields: Mapping[str, Any]) -> dict[str, Any]:
    required, closed = [*fields], {"type": "object", "additionalProperties": False}
    return {**closed, "properties": fields, "required": required}


def _within(schema: Any, place: str) -> Any:  # noqa: ANN401
    """A schema moved to another place: references are adjusted, unusable patterns removed.

    llama.cpp refuses a pattern that does not begin with ``^`` and end with ``$``.

    Args:
        schema: The schema, or a part of it.
        place: The reference to its new place, such as ``#/$defs/weather``.
    """
    if isinstance(schema, list):
        return [_within(item, place) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {name: _within(value, place) for name, value in schema.items()}
    reference, pattern = found.get("$ref"), found.get("pattern")
    if isinstance(reference, str) and reference.startswith("#"):
        found["$ref"] = place + reference[1:]
    if isinstance(pattern, str) and not re.fullmatch(r"\^.*\$", pattern):
        del found["pattern"]
    return found


_ANSWERING = re.compile(r'\s*\{\s*"response"\s*:\s*"')
# As much of a JSON string as is complete: half of an escape, or of a surrogate pair, must wait.
_WHOLE = re.compile(
    r"""(?: [^"\\]
      | \\ ["\\/bfnrt]
      | \\u [dD][89abAB][0-9a-fA-F]{2} \\u[0-9a-fA-F]{4}
      | \\u (?![dD][89abAB])[0-9a-fA-F]{4}
    )*+""",
    re.VERBOSE,
)


class StepEvents(Events):
    """Decodes a step as it is written: the text of an answer at once, calls when complete."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._events = openai.OpenAIEvents(request)
        self._size = 0
        # What has made no event yet: the whole step, or the incomplete end of an answer.
        self._pieces: list[str] = []
        self._answers = False

    def decode(self, data: str, batch: Batch) -> None:
        """Add what one chunk says to the batch."""
        came = Batch()
        self._events.decode(data, came)
        for event in came.take():
            match event:
                case Delta(text):
                    self._read(text, batch)
                case Reasoning(text):
                    batch.reasoning(text)
                case Usage():
                    batch.usage(*event)
        batch.odd_counts = batch.odd_counts or came.odd_counts
        self.terminated = self._events.terminated
        if self.finish is None and self._events.finish is not None:
            self.finish = self._events.finish
            if not self._answers:
                self._end(self.finish, batch)

    def _read(self, piece: str, batch: Batch) -> None:
        self._size += len(piece)
        if self._size > _LONGEST_STEP:
            raise malformed(f"it passes {_LONGEST_STEP:,} characters")
        self._pieces.append(piece)
        if not self._answers:
            # An answer that must fit a schema is JSON, and becomes text when complete.
            if self._request.schema or len(self._pieces) > _BEGINNING:
                return
            found = _ANSWERING.match("".join(self._pieces))
            if found is None:
                return
            self._answers, self._pieces = True, [found.string[found.end() :]]
        rest = "".join(self._pieces)
        whole = _WHOLE.match(rest)
        assert whole is not None  # it may be empty
        batch.text(json.loads(f'"{whole[0]}"', strict=False))
        self._pieces = [rest[whole.end() :]]

    def _end(self, finish: Finish, batch: Batch) -> None:
        """Decode a complete step that is not plain text: calls, or an answer as JSON."""
        try:
            step = json.loads("".join(self._pieces))
            calls = [(call["name"], call["arguments"]) for call in step.get("tool_calls", ())]
            if "response" in step:
                batch.text(json.dumps(step["response"], ensure_ascii=False))
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            if finish.reason != "stop":  # it was cut, so no tool runs
                return
            raise malformed("it is neither an answer nor calls of tools", error) from error
        from hfs_cli.providers.formats.calls import CallTracker

        tracker = CallTracker(self._request)
        for number, (name, arguments) in enumerate(calls):
            tracker.add(batch, name, json.dumps(arguments, ensure_ascii=False), key=number)
        if calls and finish.reason == "stop":
            self.finish = CALLED.finish(finish.raw)


def _decoder(request: Request) -> Events:
    return StepEvents(request) if request.tools else openai.OpenAIEvents(request)


FORMAT = replace(
    openai.FORMAT, name="local", body=payload, decoder=_decoder, media=Media(), schema="strict"
)
