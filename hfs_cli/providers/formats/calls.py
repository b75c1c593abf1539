"""Tool calls and a vendor's state, on their way in and back out; loaded where there are any.

A server may send calls without ids or numbers, or with arguments that are not JSON, and an id that
one vendor accepts is an error to another. Calls that leave here are valid for every vendor.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from hfs_cli.messages import Call, ChatMessage, Request, ToolSpec
from hfs_cli.providers.formats.events import MOST_STATE, Batch, malformed, word

# A reply with more calls, or more characters of arguments, has run away.
MOST_CALLS = 100
MOST_ARGUMENTS = 16_000_000
_LONGEST_ID = 8000  # gateways put a model's signature into the id of a call
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_NO_RESULT = "no result: the call was interrupted"


class CallTracker:
    """Tells which call each streamed piece belongs to, and gives every call a usable id.

    A piece with a number continues the call of that number, unless it has a name and another id. A
    piece without a number continues the call of its id, or else the last call, unless it has a
    name. So there are two calls in each of these: the numbers 0 and 1; the number 0 twice, with
    the ids "a" and "b"; two names without numbers. The pieces "f", '{"a"', ":1}" are one call.

    Args:
        request: The request that the reply answers. New ids are counted on from the calls in its
            history.

    Attributes:
        ids: The id of each call so far.
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
        """Add a call or a piece of one.

        Args:
            batch: Where the event goes.
            name: The tool's name; empty on the later pieces of a call.
            arguments: JSON text, or a piece of it.
            given: The vendor's id for the call, or anything else where it gives none.
            key: The vendor's number for the call, or anything else where it gives none.

        Raises:
            IncompleteReplyError: The piece belongs to no call, or the calls are too many or too
                large.
        """
        fits = isinstance(given, str) and len(given) <= _LONGEST_ID
        id_ = word(given, _LONGEST_ID) if fits else ""
        number = self._number(id_, key, named=bool(name))
        self._size += len(arguments)
        if self._size > MOST_ARGUMENTS:
            raise malformed(f"its tool calls exceed {MOST_ARGUMENTS:,} characters")
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
        self._given.append(id_)
        if not id_ or id_ in self._taken:
            id_ = _unused(self._first + number, self._taken)
        self._taken.add(id_)
        self.ids.append(id_)
        batch.call(name, arguments, id=id_, index=number)

    def _number(self, id_: str, key: object, *, named: bool) -> int | None:
        """The number of the call that a piece continues, or None where it begins one."""
        if type(key) is int:
            found = self._by_key.get(key)
            other = found is not None and bool(id_) and self._given[found] != id_
            return None if named and other else found
        if named or not self.ids:
            return None
        return self._given.index(id_) if id_ in self._given else len(self.ids) - 1


def _unused(number: int, taken: set[str]) -> str:
    """An id for a call that has none, or one that the vendor would refuse.

    Mistral demands nine letters and digits, and all others accept them.
    """
    while (made := f"call{number:05d}") in taken:
        number += 1
    return made


def state_of(
    request: Request, wire: str, ids: Sequence[str], values: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The state to keep with a reply, or None where it is too large or could not be sent.

    Args:
        request: The request that was answered.
        wire: The name of the format, which alone can read the state.
        ids: The ids of the reply's calls.
        values: What the vendor gave.
    """
    state = {"format": wire, "model": request.model, "ids": [*ids], **values}
    try:
        text = json.dumps(state, ensure_ascii=False, allow_nan=False)
        if len(text) > MOST_STATE:
            return None
        text.encode()
    except (ValueError, RecursionError):  # NaN and lone surrogates cannot be sent
        return None
    return state


def sendable(
    request: Request, call_ids: str, takes_back: Callable[[ChatMessage], bool]
) -> list[ChatMessage]:
    """The messages with calls that the vendor accepts, and only the state that it can read.

    Vendors refuse calls in a request that declares no tools, so there they become text.

    Args:
        request: The request to send.
        call_ids: A regular expression that the vendor's call ids must match.
        takes_back: Whether the state of a message can be sent; without it the message still can.
    """
    if not request.tools:
        return _with_calls_as_text(request, takes_back)
    accepted = re.compile(call_ids)
    taken: set[str] = set()
    messages = []
    number = 0
    for message in request.messages:
        ids = [call.id for call in message.calls]
        keeps = takes_back(message) and len({*ids}) == len(ids) and not taken & {*ids}
        calls = []
        for call in message.calls:
            number += 1
            id_ = call.id
            if id_ in taken or not (keeps or accepted.fullmatch(id_)):
                id_ = _unused(number, taken)
            taken.add(id_)
            made = call._replace(
                id=id_,
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
    """The arguments of a call as an object.

    Anything else that a model wrote goes back to it unchanged, as the one field "arguments".
    """
    if not arguments.strip():
        return {}
    from hfs_cli.json_schema import read_json

    try:
        value = read_json(arguments)
        if isinstance(value, dict):
            json.dumps(value, ensure_ascii=False).encode()
            return value
    except (ValueError, RecursionError):
        pass
    return {"arguments": word(arguments, len(arguments))}


def _with_calls_as_text(
    request: Request, takes_back: Callable[[ChatMessage], bool]
) -> list[ChatMessage]:
    """The messages with calls and results as text; consecutive replies are joined."""
    messages: list[ChatMessage] = []
    for message in request.messages:
        plain = message
        if message.calls:
            parts = [message.content, *map(_as_text, message.calls)]
            text = "\n\n".join(part for part in parts if part)
            plain = message._replace(content=text, calls=(), state=None)
        elif not takes_back(message):
            plain = message._replace(state=None)
        last = messages[-1] if messages else None
        both_replies = last and last.role == plain.role == "assistant"
        if last and both_replies and not (last.state or plain.state):
            text = "\n\n".join(part for part in (last.content, plain.content) if part)
            messages[-1] = last._replace(content=text)
        else:
            messages.append(plain)
    return messages


def _as_text(call: Call) -> str:
    result = _NO_RESULT if call.result is None else call.result
    label = "failed" if call.failed or call.result is None else "result"
    return f"[called {call.name} with {call.arguments or '{}'}]\n[{label}: {result}]"


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


def result_text(call: Call) -> str:
    """The result of a call, for formats that cannot mark it as an error."""
    return f"error: {call.result}" if call.failed else call.result or ""
