"""Ollama's own ``/api/chat``: lines of JSON.

https://docs.ollama.com/api/chat
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hfs_cli.errors import UsageError
from hfs_cli.messages import ChatMessage, Request
from hfs_cli.providers.formats.events import (
    CALLED,
    FAILED,
    LIMITED,
    STOPPED,
    Batch,
    Ending,
    finish_of,
    parse,
    reported,
)
from hfs_cli.providers.formats.ndjson import NdjsonDecoder
from hfs_cli.providers.formats.wire import (
    IMAGES,
    MEGABYTE,
    Events,
    Media,
    Quirks,
    WireFormat,
    with_options,
)

# Options that are fields of the request; all others are fields of its ``options``.
_BESIDE = frozenset(
    {"think", "keep_alive", "format", "tools", "logprobs", "top_logprobs", "truncate", "shift"}
)
# By default the server drops the oldest messages of a request that is too long for `num_ctx`, and
# the oldest tokens when a reply fills it. With these options it refuses the request (400, "exceeds
# the context length") and ends the reply ("length"). Neither its reference nor the library `ollama`
# 0.6.3 has them: see ChatRequest in api/types.go, server/routes.go and llm/llama_server.go of v0.33
# to 0.34, read 2026-11-29: https://github.com/ollama/ollama/blob/main/api/types.go
_NOTHING_DROPPED: Mapping[str, object] = {"truncate": False, "shift": False}
# ollama's api/types.go and server/routes.go at 2026-08-21, read 2026-11-25.
_ENDINGS: Mapping[str, Ending] = {"stop": STOPPED, "length": LIMITED}


def payload(request: Request, quirks: Quirks) -> dict[str, Any]:  # noqa: ARG001
    """The body of a streamed chat.

    Raises:
        UsageError: The request demands a tool, which this format cannot express.
    """
    messages: list[dict[str, Any]] = []
    if request.system is not None:
        messages.append({"role": "system", "content": request.system})
    for message in request.messages:
        messages += [_message(message), *_results(message)]
    body: dict[str, Any] = {"model": request.model, "messages": messages, "stream": True}
    body |= _NOTHING_DROPPED
    if request.schema is not None:
        body["format"] = request.schema
    if request.tools:
        from hfs_cli.providers.formats.calls import functions

        body["tools"] = functions(request.tools)
    if request.tool_choice:
        raise UsageError("Ollama cannot make a model use a tool: leave the choice to the model")
    options: dict[str, object] = {}
    beside = {}
    for name, value in request.options.items():
        if name in _BESIDE:
            beside[name] = value
        elif name == "stop" and isinstance(value, str):
            options[name] = [value]
        elif value is not None:
            options["num_predict" if name == "max_tokens" else name] = value
    if options:
        body["options"] = options
    return with_options(body, beside, {})


def _message(message: ChatMessage) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.attachments:
        from hfs_cli.providers.formats.media import base64_of

        body["images"] = [base64_of(attachment) for attachment in message.attachments]
    if message.state:
        body["thinking"] = message.state.items[0]["thinking"]
    if message.calls:
        body["tool_calls"] = [
            {
                "id": call.id,
                "function": {"name": call.name, "arguments": json.loads(call.arguments)},
            }
            for call in message.calls
        ]
    return body


def _results(message: ChatMessage) -> list[dict[str, Any]]:
    """The results of a message's calls; servers before 0.13 match names, later ones ids."""
    if not message.calls:
        return []
    from hfs_cli.providers.formats.calls import result_text

    return [
        {
            "role": "tool",
            "content": result_text(call),
            "tool_name": call.name,
            "tool_call_id": call.id,
        }
        for call in message.calls
    ]


class OllamaEvents(Events):
    """Decodes the lines of a chat; one that is not streamed is a single line."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._thoughts: list[str] = []

    def decode(self, data: str, batch: Batch) -> None:
        """Add what one line says to the batch."""
        line = parse(data)
        if "error" in line:
            raise reported(line)
        message = line.get("message") or {}
        if thinking := message.get("thinking"):
            batch.reasoning(thinking)
            self._thoughts.append(thinking)
        # /api/generate, and some proxies, call the text "response".
        if content := message.get("content") or line.get("response"):
            batch.text(content)
        for call in message.get("tool_calls") or ():
            function = call["function"]
            arguments = json.dumps(function.get("arguments") or {}, ensure_ascii=False)
            self._tracker().add(batch, function["name"], arguments, call.get("id"))
        if line.get("done"):
            self._done(line, batch)

    def _done(self, line: dict[str, Any], batch: Batch) -> None:
        prompt, output = line.get("prompt_eval_count"), line.get("eval_count")
        reason = line.get("done_reason")
        if not reason:
            # Servers before 0.1.40 sent counts without a reason. A server whose runner has died
            # sends neither.
            self.finish = FAILED.finish("done") if output is None else STOPPED.finish("")
        elif reason == "stop" and self._calls:
            self.finish = CALLED.finish(reason)
        else:
            self.finish = finish_of(reason, _ENDINGS)
        self.terminated = True
        if prompt is not None or output is not None:
            batch.usage(prompt, output)

    def state(self) -> Mapping[str, Any] | None:
        """The thinking before a call, which the model continues from."""
        if not (self._calls and self._thoughts):
            return None
        return self._state_of("ollama", {"thinking": "".join(self._thoughts)})


FORMAT = WireFormat(
    name="ollama",
    path=lambda _: "/api/chat",
    body=payload,
    framer=NdjsonDecoder,
    decoder=OllamaEvents,
    schema="strict",
    version="",
    models_path="/api/tags",
    keeps={"thinking": str},
    media=Media(types=IMAGES - {"image/gif"}, most_bytes=100 * MEGABYTE),
)
