"""Anthropic's Messages.

https://docs.claude.com/en/api/messages-streaming

A reply with thinking, or with results of the vendor's own tools, goes back unchanged. Thinking is
signed, and newer models accept it only if nothing before it has changed
(https://platform.claude.com/docs/en/build-with-claude/preserved-thinking, read 2026-11-29). So a
reply is kept with a digest of everything before it, and goes back as plain text if that has
changed: if there is another system prompt, another tool or an edited message.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from hfs_cli.messages import Attachment, Call, ChatMessage, KeptState, Request
from hfs_cli.providers.formats.events import (
    CALLED,
    CONTEXT_FULL,
    LIMITED,
    PAUSED,
    REFUSED,
    RESUMABLE,
    STOPPED,
    Batch,
    Ending,
    finish_of,
    parse,
    reported,
)
from hfs_cli.providers.formats.preserved import Blocks, Prefix
from hfs_cli.providers.formats.wire import (
    IMAGES,
    MEGABYTE,
    PDF,
    Events,
    Media,
    Quirks,
    WireFormat,
    alternating,
    refuse_absent,
    with_options,
)

# Options of other formats that this one answers with a 400.
_ABSENT = frozenset({"seed", "n", "presence_penalty", "frequency_penalty", "logit_bias"})
# Claude on Google Cloud has this in the body, and the model in the path (anthropic 2.14,
# lib/vertex/_client.py).
_VERTEX_VERSION = "vertex-2023-10-16"
_EPHEMERAL = {"type": "ephemeral"}
# anthropic 2.13, types/stop_reason.py and types/beta/beta_stop_reason.py, read 2026-11-25.
_ENDINGS: Mapping[str, Ending] = {
    "end_turn": STOPPED,
    "stop_sequence": STOPPED,
    "max_tokens": LIMITED,
    "model_context_window_exceeded": CONTEXT_FULL,
    "tool_use": CALLED,
    "pause_turn": RESUMABLE,
    "compaction": PAUSED,
    "refusal": REFUSED,
}


def payload(request: Request, quirks: Quirks) -> dict[str, Any]:
    """The body of a streamed message.

    Raises:
        UsageError: An option has no place in this format.
    """
    refuse_absent(request.options, _ABSENT, "Anthropic's API")
    body = _body(request)
    if quirks.in_path:
        del body["model"]
        body["anthropic_version"] = _VERTEX_VERSION
    if request.cache is not None:
        _mark(body, automatic=quirks.cache == "automatic")
    return body


def _body(request: Request) -> dict[str, Any]:
    """The body without cache marks: what a reply to it depends on."""
    max_tokens = request.options.get("max_tokens")
    if not max_tokens:
        from hfs_cli.providers.formats.claude import most_output

        max_tokens = most_output(request.provider, request.model)
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": max_tokens,
        "messages": [],
        "stream": True,
    }
    if request.system:
        body["system"] = request.system
    if request.tools:
        body["tools"] = [
            {"name": name, "description": description, "input_schema": parameters}
            for name, description, parameters in request.tools
        ]
        if request.tool_choice:
            body["tool_choice"] = {"type": "tool", "name": request.tool_choice}
    options = dict(request.options)
    if name := _reply_tool(request):
        tool = {"name": name, "description": "Give the reply.", "input_schema": request.schema}
        choice = {"type": "any"} if request.tools else {"type": "tool", "name": name}
        body["tools"] = [*body.get("tools", ()), tool]
        body.setdefault("tool_choice", choice)
    elif request.schema is not None:
        from hfs_cli.providers.formats.schemas import for_anthropic

        form = {"type": "json_schema", "schema": for_anthropic(request.schema)}
        given = options.get("output_config")  # it may hold an effort
        options["output_config"] = {**(given if isinstance(given, dict) else {}), "format": form}
    if isinstance(options.get("stop"), str):
        options["stop"] = [options["stop"]]
    body = with_options(body, options, {"stop": "stop_sequences"})
    body["messages"] = _messages(request, Prefix(body))
    return body


def _messages(request: Request, prefix: Prefix) -> list[dict[str, Any]]:
    """The conversation; replies go back unchanged where they can."""
    sent: list[dict[str, Any]] = []
    for message in alternating(request.messages):
        if not (message.state and _append_unchanged(sent, message.state, prefix)):
            if message.calls:
                sent.append({"role": "assistant", "content": _calling(message)})
            elif message.content or message.attachments:
                _append(sent, _message(message), prefix)
        if message.calls:
            sent.append({"role": "user", "content": [_result(call) for call in message.calls]})
    return sent


def _append_unchanged(sent: list[dict[str, Any]], state: KeptState, prefix: Prefix) -> bool:
    """Add a reply, or the parts of a paused one, if nothing before it has changed."""
    before = len(sent)
    for part in state.items:
        if part["prefix"] != prefix.of(sent):
            del sent[before:]
            prefix.restart()
            return False
        sent.append({"role": "assistant", "content": part["blocks"]})
    return True


def _append(sent: list[dict[str, Any]], message: dict[str, Any], prefix: Prefix) -> None:
    """Add a message; a user message is appended to the user message or results before it."""
    last = sent[-1] if sent else None
    if last and last["role"] == message["role"] == "user":
        sent[-1] = {**last, "content": [*_blocks(last), *_blocks(message)]}
        prefix.restart()
    else:
        sent.append(message)


def _blocks(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _calling(message: ChatMessage) -> list[dict[str, Any]]:
    text = [{"type": "text", "text": message.content}] if message.content.strip() else []
    return [
        *text,
        *(
            {
                "type": "tool_use",
                "id": call.id,
                "name": call.name,
                "input": json.loads(call.arguments),
            }
            for call in message.calls
        ),
    ]


def _result(call: Call) -> dict[str, Any]:
    failed = {"is_error": True} if call.failed else {}
    return {"type": "tool_result", "tool_use_id": call.id, "content": call.result or "", **failed}


def _reply_tool(request: Request) -> str | None:
    """The tool whose input is the reply, for older models that take a schema in no other way.

    It must be called, and its name must differ from those of the other tools.
    """
    if request.schema is None:
        return None
    from hfs_cli.providers.formats.claude import takes_output_format

    if takes_output_format(request.model):
        return None
    return "final_reply" if any(tool.name == "reply" for tool in request.tools) else "reply"


def _mark(body: dict[str, Any], *, automatic: bool) -> None:
    """Mark what to cache: the system prompt and the conversation.

    https://platform.claude.com/docs/en/build-with-claude/prompt-caching, read 2026-11-29. Anthropic
    itself finds the last block (`cache_control` of anthropic 2.14's message_create_params.py).
    Elsewhere the last question is marked, and the one before it, up to which the last turn has
    filled the cache.

    Args:
        body: The body of the request.
        automatic: Whether the vendor finds the end of the conversation by itself.
    """
    if isinstance(body.get("system"), str):
        body["system"] = [{"type": "text", "text": body["system"], "cache_control": _EPHEMERAL}]
    if automatic:
        body["cache_control"] = _EPHEMERAL
        return
    questions = [message for message in body["messages"] if message["role"] == "user"]
    for message in questions[-2:]:
        if isinstance(message["content"], str):
            message["content"] = [{"type": "text", "text": message["content"]}]
        *before, last = message["content"]
        message["content"] = [*before, {**last, "cache_control": _EPHEMERAL}]


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


class AnthropicEvents(Events):
    """Decodes a message, streamed or whole."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._reply_tool = _reply_tool(request)
        # Whose input a block holds, by the number of the block; None for the last block.
        self._inputs: dict[object, Literal["reply", "call", "other"]] = {}
        self._usage: dict[str, Any] = {}
        self._blocks = Blocks()

    def decode(self, data: str, batch: Batch) -> None:
        """Add what one event says to the batch."""
        if data.lstrip().startswith("[DONE]"):  # gateways add OpenAI's end marker
            return
        event = parse(data)
        match event.get("type"):
            case "content_block_delta":
                self._piece(event["delta"], event.get("index"), batch)
            case "content_block_start":
                self._block(event["content_block"], event.get("index"), batch)
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

    def _piece(self, delta: dict[str, Any], index: object, batch: Batch) -> None:
        match delta.get("type"):
            case "text_delta":
                batch.text(delta["text"])
                self._blocks.add(index, "text", delta["text"])
            case "thinking_delta":
                batch.reasoning(delta["thinking"])
                self._blocks.add(index, "thinking", delta["thinking"])
            case "signature_delta":
                self._blocks.add(index, "signature", delta["signature"])
            case "citations_delta":
                batch.cite([delta.get("citation")])
                self._blocks.cite(index, delta.get("citation"))
            case "input_json_delta":
                self._arguments(delta["partial_json"], index, batch)

    def _block(self, block: dict[str, Any], index: object, batch: Batch) -> None:
        self._blocks.begin(index, block)
        match block.get("type"):
            case "text":
                batch.text(block.get("text") or "")
                batch.cite(block.get("citations"))
            case "thinking":
                batch.reasoning(block.get("thinking") or "")
            case "tool_use" if block["name"] == self._reply_tool:
                self._inputs[index] = self._inputs[None] = "reply"
            case "tool_use":
                self._tracker().add(batch, block["name"], "", block.get("id"), index)
                self._inputs[index] = self._inputs[None] = "call"
            case _:
                self._inputs[index] = self._inputs[None] = "other"

    def _arguments(self, piece: str, index: object, batch: Batch) -> None:
        self._blocks.add(index, "input", piece)
        match self._inputs.get(index):
            case "reply":
                batch.text(piece)
            case "call" if piece and self._calls:
                self._calls.add(batch, "", piece, key=index)

    def _whole(self, message: dict[str, Any], batch: Batch) -> None:
        for block in message.get("content") or ():
            self._block(block, None, batch)
            if block.get("type") == "tool_use":
                self._arguments(json.dumps(block.get("input"), ensure_ascii=False), None, batch)
        self._count(message.get("usage"), batch)
        self._stopped(message)

    def state(self) -> Mapping[str, Any] | None:
        """The content unchanged, if it holds thinking or searches, or is part of a paused reply."""
        paused = self.finish is not None and self.finish.reason == "paused"
        goes_on = any(message.role == "assistant" for message in self._request.messages[-1:])
        blocks = self._blocks.whole(always=paused or goes_on)
        ids = self._calls.ids if self._calls else []
        called = [block.get("id") for block in blocks or () if block.get("type") == "tool_use"]
        if not blocks or called != ids or self._reply_tool:
            return None
        body = _body(FORMAT.accepted(self._request))
        prefix = Prefix(body).of(body["messages"])
        return self._state_of("anthropic", {"prefix": prefix, "blocks": blocks})

    def _stopped(self, message: Mapping[str, Any]) -> None:
        reason = message.get("stop_reason")
        if reason == "tool_use" and self._reply_tool and not self._calls:
            self.finish = STOPPED.finish(reason)
        elif reason:
            details = message.get("stop_details") or {}
            why, category = details.get("explanation"), details.get("category")
            if isinstance(why, str) and isinstance(category, str) and why and category:
                why = f"{why} (category {category})"
            self.finish = finish_of(reason, _ENDINGS, why or category)

    def _count(self, usage: object, batch: Batch) -> None:
        """Add token counts, which come in several events; a later count replaces an earlier one."""
        if not usage:
            return
        counts = self._usage
        counts |= {n: value for n, value in batch.fields(usage).items() if value is not None}
        prompt, cached, written = (
            batch.count(counts.get(name))
            for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        )
        if prompt is not None:
            prompt += (cached or 0) + (written or 0)
        details = batch.fields(counts.get("output_tokens_details"))
        batch.usage(prompt, counts.get("output_tokens"), cached, details.get("thinking_tokens"))


FORMAT = WireFormat(
    name="anthropic",
    path=lambda _: "/messages",
    headers=lambda key: {"x-api-key": key},
    fixed_headers={"anthropic-version": "2023-06-01"},
    body=payload,
    call_ids=r"[A-Za-z0-9_-]{1,64}",
    decoder=AnthropicEvents,
    schema="anthropic",
    models_path="/models?limit=1000",
    keeps={"blocks": list, "prefix": str},
    media=Media(
        types=IMAGES | PDF,
        urls=frozenset({"image", "pdf"}),
        most_bytes=32 * MEGABYTE,
        most_each={"image": 5 * MEGABYTE},
    ),
)
