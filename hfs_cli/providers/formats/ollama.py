"""Ollama's own ``/api/chat``: lines of JSON.

https://docs.ollama.com/api/chat
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hfs_cli.messages import (
    ChatMessage,
    Finish,
    Request,
)
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
    Media,
    Quirks,
    WireFormat,
)

# What stands beside ``options``; every other option is one of them.
_BESIDE = frozenset({"think", "keep_alive", "format", "tools", "logprobs"})
# ollama's api/types.go and server/routes.go at 2026-08-21, read 2026-11-25.
_ENDINGS: Mapping[str, Ending] = {"stop": STOPPED, "length": LIMITED}


def payload(request: Request, quirks: Quirks) -> dict[str, Any]:  # noqa: ARG001
    """The body of a streamed chat."""
    messages: list[dict[str, Any]] = []
    if request.system is not None:
        messages.append({"role": "system", "content": request.system})
    messages += [_message(message) for message in request.messages]
    body: dict[str, Any] = {"model": request.model, "messages": messages, "stream": True}
    if request.schema is not None:
        body["format"] = request.schema
    options = {}
    for name, value in request.options.items():
        if name in _BESIDE:
            body[name] = value
        elif value is not None:
            options["num_predict" if name == "max_tokens" else name] = value
    return body | ({"options": options} if options else {})


def _message(message: ChatMessage) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.attachments:
        from hfs_cli.providers.formats.media import base64_of

        body["images"] = [base64_of(attachment) for attachment in message.attachments]
    return body


class OllamaEvents:
    """Reads the lines of a chat; a whole one is a single such line."""

    def __init__(self) -> None:
        self.finish: Finish | None = None
        self.terminated = False
        self._called = False

    def decode(self, data: str, batch: Batch) -> None:
        """Add what one line says to the batch."""
        line = parse(data)
        if "error" in line:
            raise reported(line)
        message = line.get("message") or {}
        if thinking := message.get("thinking"):
            batch.reasoning(thinking)
        # "response" is what /api/generate, and some proxies of it, call the text.
        if content := message.get("content") or line.get("response"):
            batch.text(content)
        for call in message.get("tool_calls") or ():
            self._called = True
            function = call["function"]
            arguments = json.dumps(function.get("arguments") or {}, ensure_ascii=False)
            batch.call(function["name"], arguments)
        if line.get("done"):
            self._done(line, batch)

    def _done(self, line: dict[str, Any], batch: Batch) -> None:
        given, made = line.get("prompt_eval_count"), line.get("eval_count")
        reason = line.get("done_reason")
        if not reason:
            # Servers before 0.1.40 gave no reason, but counts; one whose runner has gone gives
            # neither.
            self.finish = FAILED.finish("done") if made is None else STOPPED.finish("")
        elif reason == "stop" and self._called:
            self.finish = CALLED.finish(reason)
        else:
            self.finish = finish_of(reason, _ENDINGS)
        self.terminated = True
        if given is not None or made is not None:
            batch.usage(given, made, None, None)


FORMAT = WireFormat(
    name="ollama",
    path=lambda _: "/api/chat",
    headers=lambda key: {"Authorization": f"Bearer {key}"},
    payload=payload,
    framer=NdjsonDecoder,
    decoder=lambda _: OllamaEvents(),
    models_path="/api/tags",
    media=Media(
        types=frozenset({"image/png", "image/jpeg", "image/webp"}), most_bytes=100 * MEGABYTE
    ),
)
