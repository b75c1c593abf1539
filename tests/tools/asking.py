"""A model that asks for tools as a test wants it to, over chat completions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.scripted_server import Received, openai_chunk, openai_sse, sse

Step = Sequence[tuple[str, Any]]


def asks(*calls: tuple[str, Any], text: str = "") -> list[Any]:
    """A reply that asks for tools; arguments that are text are sent as they are."""
    chunks = [openai_chunk({"role": "assistant", "content": text})]
    for number, (name, arguments) in enumerate(calls):
        given = arguments if isinstance(arguments, str) else json.dumps(arguments)
        function = {"name": name, "arguments": given}
        call = {"index": number, "id": f"call_{name}_{number}", "type": "function"}
        chunks.append(openai_chunk({"tool_calls": [{**call, "function": function}]}))
    return sse(*chunks, openai_chunk(finish="tool_calls"))


def script(*steps: Step, answer: str = "done"):
    """What a standing reply of the scripted server does: the steps of each turn, then an answer."""

    def reply(request: Received) -> list[Any]:
        taken = 0
        for message in reversed(request.json["messages"]):
            if message["role"] == "user":
                break
            taken += message["role"] == "assistant"
        return asks(*steps[taken]) if taken < len(steps) else openai_sse(answer)

    return reply


def told(request: Received) -> list[str]:
    """The results of tools that a request carries, in order."""
    messages = request.json["messages"]
    return [message["content"] for message in messages if message["role"] == "tool"]
