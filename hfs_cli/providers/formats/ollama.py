"""Ollama's own ``/api/chat``: lines of JSON.

https://docs.ollama.com/api/chat
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hfs_cli.errors import UsageError
from hfs_cli.messages import ChatMessage, Request
from hfs_cli.providers.formats.decode import (
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
    MEGABYTE,
    Events,
    Media,
    Quirks,
    WireFormat,
    history,
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


def payload(request: Request, quirks: Quirks) -> dict[str, Any]:
    """The body of a streamed chat.

    Raises:
        UsageError: The model must ask for a tool, which this format cannot say.
    """
    messages: list[dict[str, Any]] = []
    if request.system is not None:
        messages.append({"role": "system", "content": request.system})
    for message in history(request, "ollama", quirks.call_ids):
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
    """The results of a message's calls; servers before 0.13 read the name, later ones the id."""
    if not message.calls:
        return []
    from hfs_cli.providers.formats.calls import said

    return [
        {"role": "tool", "content": said(call), "tool_name": call.name, "tool_call_id": call.id}
        for call in message.calls
    ]


class OllamaEvents(Events):
    """Reads the lines of a chat; a whole one is a single such line."""

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
        # "response" is what /api/generate, and some proxies of it, call the text.
        if content := message.get("content") or line.get("response"):
            batch.text(content)
        for call in message.get("tool_calls") or ():
            function = call["function"]
            arguments = json.dumps(function.get("arguments") or {}, ensure_ascii=False)
            self._numbered().add(batch, function["name"], arguments, call.get("id"))
        if line.get("done"):
            self._done(line, batch)

    def _done(self, line: dict[str, Any], batch: Batch) -> None:
        given, made = line.get("prompt_eval_count"), line.get("eval_count")
        reason = line.get("done_reason")
        if not reason:
            # Servers before 0.1.40 gave no reason, but counts; one whose runner has gone gives
            # neither.
            self.finish = FAILED.finish("done") if made is None else STOPPED.finish("")
        elif reason == "stop" and self._calls:
            self.finish = CALLED.finish(reason)
        else:
            self.finish = finish_of(reason, _ENDINGS)
        self.terminated = True
        if given is not None or made is not None:
            batch.usage(given, made, None, None)

    def kept(self) -> Mapping[str, Any] | None:
        """The thoughts before a call, which the model goes on from."""
        if not (self._calls and self._thoughts):
            return None
        return self._kept("ollama", {"thinking": "".join(self._thoughts)})


FORMAT = WireFormat(
    name="ollama",
    path=lambda _: "/api/chat",
    headers=lambda key: {"Authorization": f"Bearer {key}"},
    payload=payload,
    framer=NdjsonDecoder,
    decoder=OllamaEvents,
    schema="strict",
    version="",
    models_path="/api/tags",
    media=Media(
        types=frozenset({"image/png", "image/jpeg", "image/webp"}), most_bytes=100 * MEGABYTE
    ),
)
