"""Anthropic's Messages.

https://docs.claude.com/en/api/messages-streaming
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hfs_cli.messages import (
    Attachment,
    ChatMessage,
    Finish,
    Request,
)
from hfs_cli.providers.formats.decode import (
    CALLED,
    CONTEXT_FULL,
    LIMITED,
    PAUSED,
    REFUSED,
    STOPPED,
    Batch,
    Ending,
    finish_of,
    parse,
    reported,
)
from hfs_cli.providers.formats.sse import SseDecoder
from hfs_cli.providers.formats.wire import (
    MEGABYTE,
    Media,
    Quirks,
    WireFormat,
    alternating,
    with_options,
)

# The format demands a limit; every model that is still served allows this one.
DEFAULT_MAX_TOKENS = 8192
# anthropic 2.13, types/stop_reason.py and types/beta/beta_stop_reason.py, read 2026-11-25.
_ENDINGS: Mapping[str, Ending] = {
    "end_turn": STOPPED,
    "stop_sequence": STOPPED,
    "max_tokens": LIMITED,
    "model_context_window_exceeded": CONTEXT_FULL,
    "tool_use": CALLED,
    "pause_turn": PAUSED,
    "compaction": PAUSED,
    "refusal": REFUSED,
}


def payload(request: Request, quirks: Quirks) -> dict[str, Any]:  # noqa: ARG001
    """The body of a streamed message."""
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": DEFAULT_MAX_TOKENS,
        "messages": [_message(message) for message in alternating(request.messages)],
        "stream": True,
    }
    if request.system:
        body["system"] = request.system
    options = dict(request.options)
    if _is_by_tool(request):
        # Models before 4.5 take a schema as the input of a tool that must be called.
        tool = {"name": "reply", "description": "Give the reply.", "input_schema": request.schema}
        body |= {"tools": [tool], "tool_choice": {"type": "tool", "name": tool["name"]}}
    elif request.schema is not None:
        from hfs_cli.providers.formats.schemas import for_anthropic

        form = {"type": "json_schema", "schema": for_anthropic(request.schema)}
        given = options.get("output_config")  # where an effort stands too
        options["output_config"] = {**(given if isinstance(given, dict) else {}), "format": form}
    if isinstance(options.get("stop"), str):
        options["stop"] = [options["stop"]]
    return with_options(body, options, {"stop": "stop_sequences"})


def _is_by_tool(request: Request) -> bool:
    """Whether the reply comes as the input of a tool that carries the schema."""
    if request.schema is None:
        return False
    from hfs_cli.providers.formats.schemas import takes_output_format

    return not takes_output_format(request.model)


def _message(message: ChatMessage) -> dict[str, Any]:
    if not message.attachments:
        return {"role": message.role, "content": message.content}
    blocks = [_block(attachment) for attachment in message.attachments]
    if message.content:
        blocks.append({"type": "text", "text": message.content})
    return {"role": message.role, "content": blocks}


def _block(attachment: Attachment) -> dict[str, Any]:
    from hfs_cli.providers.formats.media import base64_of, kind_of

    kind = {"pdf": "document"}.get(kind_of(attachment.media_type), "image")
    if attachment.url:
        return {"type": kind, "source": {"type": "url", "url": attachment.url}}
    source = {
        "type": "base64",
        "media_type": attachment.media_type,
        "data": base64_of(attachment),
    }
    return {"type": kind, "source": source}


class AnthropicEvents:
    """Reads the events of a message, and a whole one.

    Args:
        structured: The reply comes as the input of the tool that carries the schema.
    """

    def __init__(self, *, structured: bool = False) -> None:
        self.finish: Finish | None = None
        self.terminated = False
        self._structured = structured
        self._usage: dict[str, Any] = {}

    def decode(self, data: str, batch: Batch) -> None:
        """Add what one event says to the batch."""
        if data.lstrip().startswith("[DONE]"):  # gateways add OpenAI's mark of the end
            return
        event = parse(data)
        match event.get("type"):
            case "content_block_delta":
                self._piece(event["delta"], batch)
            case "content_block_start":
                self._block(event["content_block"], batch)
            case "message_start":
                self._count(event["message"].get("usage"), batch)
            case "message_delta":
                self._stopped(event["delta"])
                self._count(event.get("usage"), batch)
            case "message_stop":
                self.terminated = True
            case "message":
                self._whole(event, batch)
            case "error":
                raise reported(event)

    def _piece(self, delta: dict[str, Any], batch: Batch) -> None:
        match delta.get("type"):
            case "text_delta":
                batch.text(delta["text"])
            case "thinking_delta":
                batch.reasoning(delta["thinking"])
            case "citations_delta":
                batch.cite([delta.get("citation")])
            case "input_json_delta":
                self._arguments(delta["partial_json"], batch)

    def _block(self, block: dict[str, Any], batch: Batch) -> None:
        match block.get("type"):
            case "text":
                batch.text(block.get("text") or "")
                batch.cite(block.get("citations"))
            case "thinking":
                batch.reasoning(block.get("thinking") or "")
            case "tool_use" if not self._structured:
                batch.call(block["name"])

    def _arguments(self, piece: str, batch: Batch) -> None:
        if self._structured:
            batch.text(piece)
        elif piece:
            batch.call("", piece)

    def _whole(self, message: dict[str, Any], batch: Batch) -> None:
        import json

        for block in message.get("content") or ():
            self._block(block, batch)
            if block.get("type") == "tool_use":
                self._arguments(json.dumps(block.get("input"), ensure_ascii=False), batch)
        self._count(message.get("usage"), batch)
        self._stopped(message)

    def _stopped(self, message: Mapping[str, Any]) -> None:
        reason = message.get("stop_reason")
        if reason == "tool_use" and self._structured:
            self.finish = STOPPED.finish(reason)
        elif reason:
            details = message.get("stop_details") or {}
            said = details.get("explanation") or details.get("category")
            self.finish = finish_of(reason, _ENDINGS, said)

    def _count(self, usage: object, batch: Batch) -> None:
        """Counts come in pieces; later ones are totals too, and replace the earlier."""
        if not usage:
            return
        said = batch.fields(usage)
        self._usage |= {name: value for name, value in said.items() if value is not None}
        known = self._usage
        given, cached, written = (
            batch.count(known.get(name))
            for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        )
        if given is not None:
            given += (cached or 0) + (written or 0)
        details = batch.fields(known.get("output_tokens_details"))
        batch.usage(given, known.get("output_tokens"), cached, details.get("thinking_tokens"))


FORMAT = WireFormat(
    name="anthropic",
    path=lambda _: "/messages",
    headers=lambda key: {"x-api-key": key},
    fixed_headers={"anthropic-version": "2023-06-01"},
    payload=payload,
    framer=SseDecoder,
    decoder=lambda request: AnthropicEvents(structured=_is_by_tool(request)),
    models_path="/models?limit=1000",
    media=Media(
        types=frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"}),
        urls=frozenset({"image", "pdf"}),
        most_bytes=32 * MEGABYTE,
        most_image_bytes=5 * MEGABYTE,
    ),
)
