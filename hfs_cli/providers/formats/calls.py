"""Tool calls and kept state on their way from a vendor and back; loaded where there are any.

What a server sends need not have an id, a number, or arguments that are JSON, and what one vendor
takes for an id is an error to the next: the calls that leave here are legal everywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hfs_cli.messages import Call, ChatMessage, Request, ToolSpec
from hfs_cli.providers.formats.decode import MOST_STATE, Batch, malformed, word

# A reply with more calls, or more characters of arguments, has run away.
MOST_CALLS = 100
MOST_ARGUMENTS = 16_000_000
_LONGEST_ID = 8000  # gateways put a model's signature into the id of a call
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_NO_RESULT = "no result: the call was interrupted"
# What a format finds in the state that it keeps.
_SHAPES: Mapping[str, type] = {
    "blocks": list,
    "extra_content": dict,
    "output": list,
    "parts": list,
    "prefix": str,
    "reasoning": str,
    "reasoning_content": str,
    "reasoning_details": list,
    "thinking": str,
}
_MUST_HAVE: Mapping[str, frozenset[str]] = {
    "anthropic": frozenset({"blocks", "prefix"}),
    "gemini": frozenset({"parts"}),
    "ollama": frozenset({"thinking"}),
    "responses": frozenset({"output"}),
}


class Numbered:
    """Tells the calls of a reply apart, whatever a server numbers and names them by.

    A piece that has a number goes on with the call of that number, unless it has a name and
    another id. One without a number goes on with the call of its id, or with the last, unless it
    has a name. So two calls are two in each of these: numbers 0 and 1; the number 0 twice, with
    the ids "a" and "b"; no numbers, two names; and so are the pieces "f", '{"a"', ":1}" one.

    Args:
        request: What is answered; ids that are made up go on from the calls in its history.
    """

    def __init__(self, request: Request) -> None:
        earlier = [call.id for message in request.messages for call in message.calls]
        self._first = len(earlier) + 1
        self._taken = set(earlier)
        self._given: list[str] = []
        self._by_key: dict[int, int] = {}
        self._size = 0
        self.ids: list[str] = []

    def add(
        self,
        batch: Batch,
        name: object,
        arguments: str = "",
        given: object = "",
        key: object = None,
    ) -> None:
        """Add a call, or a piece of one.

        Args:
            batch: Where its event goes.
            name: The tool's name; empty on the later pieces of a call.
            arguments: JSON text, or a piece of it.
            given: What the vendor calls it, or anything else where it does not say.
            key: The vendor's number for it, or anything else where it does not say.

        Raises:
            IncompleteReplyError: It belongs to no call, or is more than any model asks for.
        """
        own = given if isinstance(given, str) and len(given) <= _LONGEST_ID else ""
        own = word(own, _LONGEST_ID)
        number = self._number(own, key, named=bool(name))
        self._size += len(arguments)
        if self._size > MOST_ARGUMENTS:
            raise malformed(f"its tool calls pass {MOST_ARGUMENTS:,} characters")
        if number is not None:
            if arguments:
                batch.call("", arguments, index=number)
            return
        if not name:
            raise malformed("a tool call has no name")
        number = len(self.ids)
        if number >= MOST_CALLS:
            raise malformed(f"it asks for more than {MOST_CALLS} tools at once")
        if type(key) is int:
            self._by_key[key] = number
        self._given.append(own)
        if not own or own in self._taken:
            own = _unused(self._first + number, self._taken)
        self._taken.add(own)
        self.ids.append(own)
        batch.call(name, arguments, id=own, index=number)

    def _number(self, own: str, key: object, *, named: bool) -> int | None:
        """The call that a piece goes on with, or None where it begins one."""
        if type(key) is int:
            found = self._by_key.get(key)
            other = found is not None and bool(own) and self._given[found] != own
            return None if named and other else found
        if named or not self.ids:
            return None
        return self._given.index(own) if own in self._given else len(self.ids) - 1


def _unused(number: int, taken: set[str]) -> str:
    """An id for a call that has none, or one that the vendor would refuse.

    Mistral demands nine letters and digits, and all others accept them.
    """
    while (made := f"call{number:05d}") in taken:
        number += 1
    return made


# --- what a vendor wants back ------------------------------------------------------------


def kept(
    request: Request, wire: str, ids: Sequence[str], values: Mapping[str, Any]
) -> dict[str, Any] | None:
    """A vendor's state as it is kept with a reply; None if it cannot be kept.

    Args:
        request: What was answered.
        wire: The format, which alone can read it.
        ids: The ids of the reply's calls.
        values: What the vendor gave.
    """
    state = {"format": wire, "model": request.model, "ids": [*ids], **values}
    try:
        text = json.dumps(state, ensure_ascii=False, allow_nan=False)
        if len(text) > MOST_STATE:
            return None
        text.encode()
    except (ValueError, RecursionError):  # NaN, lone surrogates: such a request could not be sent
        return None
    return state


def usable(message: ChatMessage, request: Request, wire: str) -> bool:
    """Whether the state of a message can be sent back.

    It cannot to another provider or model, in another format, or where its calls are not those
    of the message: an import may hold anything. A reply that was paused has a state for each part.
    """
    state = message.state
    if state is None or state.provider != request.provider or not state.items:
        return False
    if len(state.items) > 1 and wire != "anthropic":
        return False
    ids: list[object] = []
    for made in state.items:
        given = made.get("ids")
        ids += given if isinstance(given, list) else [None]
        if not (
            made.get("format") == wire
            and made.get("model") == request.model
            and _MUST_HAVE.get(wire, frozenset()) <= made.keys()
            and all(_is_as_kept(name, value) for name, value in made.items())
        ):
            return False
    return ids == [call.id for call in message.calls]


def _is_as_kept(name: str, value: object) -> bool:
    if isinstance(value, list) and name != "ids":
        return _SHAPES.get(name) is list and all(isinstance(item, dict) for item in value)
    return isinstance(value, _SHAPES.get(name, object))


def sendable(request: Request, wire: str, fits: str) -> list[ChatMessage]:
    """The messages with calls that the vendor takes, and no state but what it can read.

    Where the request declares no tools, vendors refuse calls; they become text.

    Args:
        request: What is to be sent.
        wire: The format.
        fits: What the vendor takes for an id, as a regular expression.
    """
    if not request.tools:
        return _told(request, wire)
    legal = re.compile(fits)
    taken: set[str] = set()
    messages = []
    number = 0
    for message in request.messages:
        own = [call.id for call in message.calls]
        keeps = usable(message, request, wire) and len({*own}) == len(own) and not taken & {*own}
        calls = []
        for call in message.calls:
            number += 1
            name = call.id
            if name in taken or not (keeps or legal.fullmatch(name)):
                name = _unused(number, taken)
            taken.add(name)
            made = call._replace(
                id=name,
                name=_NOT_IN_NAMES.sub("_", call.name)[:64] or "unnamed",
                arguments=json.dumps(object_of(call.arguments), ensure_ascii=False),
                result=_NO_RESULT if call.result is None else call.result,
                failed=call.failed or call.result is None,
            )
            calls.append(made)
        state = message.state if keeps else None
        messages.append(message._replace(calls=tuple(calls), state=state))
    return messages


def object_of(arguments: str) -> dict[str, Any]:
    """Arguments as the object that they should be.

    What a model wrote instead of one goes back to it as it was, under the one name "arguments".
    """
    if not arguments.strip():
        return {}
    try:
        value = json.loads(arguments, parse_constant=_refuse)
        if isinstance(value, dict):
            json.dumps(value, ensure_ascii=False).encode()
            return value
    except (ValueError, RecursionError):
        pass
    return {"arguments": word(arguments, len(arguments))}


def _refuse(constant: str) -> None:
    raise ValueError(constant)  # NaN and Infinity, which JSON does not have


def _told(request: Request, wire: str) -> list[ChatMessage]:
    """The messages with calls and results as text, neighbours of a reply joined to it."""
    messages: list[ChatMessage] = []
    for message in request.messages:
        told = message
        if message.calls:
            parts = [message.content, *map(_as_text, message.calls)]
            text = "\n\n".join(part for part in parts if part)
            told = message._replace(content=text, calls=(), state=None)
        elif not usable(message, request, wire):
            told = message._replace(state=None)
        before = messages[-1] if messages else None
        both_told = before and before.role == told.role == "assistant"
        if before and both_told and not (before.state or told.state):
            text = "\n\n".join(part for part in (before.content, told.content) if part)
            messages[-1] = before._replace(content=text)
        else:
            messages.append(told)
    return messages


def _as_text(call: Call) -> str:
    result = _NO_RESULT if call.result is None else call.result
    said = "failed" if call.failed or call.result is None else "result"
    return f"[called {call.name} with {call.arguments or '{}'}]\n[{said}: {result}]"


def functions(tools: Iterable[ToolSpec]) -> list[dict[str, Any]]:
    """The declarations of tools in the form of chat completions and Ollama."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            },
        }
        for tool in tools
    ]


def said(call: Call) -> str:
    """A result where the format has no mark for one that is an error."""
    return f"error: {call.result}" if call.failed else call.result or ""
