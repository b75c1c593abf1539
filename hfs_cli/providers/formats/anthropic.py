"""Anthropic's Messages.

https://docs.claude.com/en/api/messages-streaming

A reply with thoughts, or with what the vendor's own tools found, goes back as it came: each
thought is signed, and newer models take it only where nothing before it has changed
(https://platform.claude.com/docs/en/build-with-claude/preserved-thinking, read 2026-11-29). So a
reply is kept with a digest of what stood before it, and goes back as text where that is another
now: another system prompt, other tools, an edited message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any, Literal

from hfs_cli.messages import Attachment, Call, ChatMessage, KeptState, Request
from hfs_cli.providers.formats.decode import (
    CALLED,
    CONTEXT_FULL,
    LIMITED,
    MOST_STATE,
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
from hfs_cli.providers.formats.sse import SseDecoder
from hfs_cli.providers.formats.wire import (
    MEGABYTE,
    Events,
    Media,
    Quirks,
    WireFormat,
    alternating,
    history,
    refuse_absent,
    with_options,
)

if TYPE_CHECKING:
    import hashlib

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


_CALL_IDS = r"[A-Za-z0-9_-]{1,64}"


def most_output(provider: str, model: str) -> int:
    """The most tokens that a model may give: the limit that the format demands, if none is set.

    It is the model's own, from the data file. Of a model that is not in it, it is what the
    vendor's page says of its version, and of a newer one what the ones before it had; of another
    vendor's, what all allow: https://platform.claude.com/docs/en/about-claude/models/overview,
    read 2026-11-29.

    Args:
        provider: Who serves it: another vendor of the format, or a door to Anthropic's models.
        model: The vendor's id.
    """
    from hfs_cli.known_models import known_model

    claude = re.search(r"claude-[a-z\d.-]+(@\d+)?", model)
    for name in (f"{provider}/{model}", f"anthropic/{claude[0]}" if claude else ""):
        known = known_model(name)
        if known and known.most_output:
            return known.most_output
    named = re.search(r"claude-(?:([a-z]+)-)?(\d)(?:[.-](\d{1,2})(?!\d))?(?!\d)", model)
    if named is None:
        return 8192
    version = (int(named[2]), int(named[3] or 0))
    if version < (3, 7):
        return 8192 if version == (3, 5) else 4096
    if named[1] == "opus" and version < (4, 5):
        return 32_000
    return 128_000 if version >= (4, 6) else 64_000


def payload(request: Request, quirks: Quirks) -> dict[str, Any]:
    """The body of a streamed message.

    Raises:
        UsageError: An option has no place in this format.
    """
    refuse_absent(request.options, _ABSENT, "Anthropic's API")
    body = _built(request)
    if quirks.in_path:
        del body["model"]
        body["anthropic_version"] = _VERTEX_VERSION
    if request.cache is not None:
        _mark(body, automatic=quirks.cache == "automatic")
    return body


def _built(request: Request) -> dict[str, Any]:
    """The body, all of which but for marks of the vendor's cache stands before a reply."""
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.options.get("max_tokens")
        or most_output(request.provider, request.model),
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
    if _is_by_tool(request):
        # Models before 4.5 take a schema as the input of a tool that must be called.
        name = _reply_tool(request)
        tool = {"name": name, "description": "Give the reply.", "input_schema": request.schema}
        choice = {"type": "any"} if request.tools else {"type": "tool", "name": name}
        body["tools"] = [*body.get("tools", ()), tool]
        body.setdefault("tool_choice", choice)
    elif request.schema is not None:
        from hfs_cli.providers.formats.schemas import for_anthropic

        form = {"type": "json_schema", "schema": for_anthropic(request.schema)}
        given = options.get("output_config")  # where an effort stands too
        options["output_config"] = {**(given if isinstance(given, dict) else {}), "format": form}
    if isinstance(options.get("stop"), str):
        options["stop"] = [options["stop"]]
    body = with_options(body, options, {"stop": "stop_sequences"})
    body["messages"] = _messages(request, _Prefix(body))
    return body


class _Prefix:
    """The digest of all that stands before a message.

    Args:
        body: The request, of which the system prompt and the tools stand before each message.
    """

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._head = [body.get("system"), body.get("tools")]
        self._hash: hashlib._Hash | None = None
        self._taken = 0

    def of(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """The digest with these messages, which only grow from one time to the next."""
        if self._hash is None:
            import hashlib

            self._hash = hashlib.sha256(json.dumps(self._head, sort_keys=True).encode())
        for message in messages[self._taken :]:
            self._hash.update(json.dumps(message, sort_keys=True).encode())
        self._taken = len(messages)
        return self._hash.hexdigest()

    def restart(self) -> None:
        """Forget the messages: some were taken back."""
        self._hash, self._taken = None, 0


def _messages(request: Request, prefix: _Prefix) -> list[dict[str, Any]]:
    """The conversation: calls and their results, and replies as they came where they can."""
    sent: list[dict[str, Any]] = []
    for message in alternating(history(request, "anthropic", _CALL_IDS)):
        if not (message.state and _append_as_it_came(sent, message.state, prefix)):
            if message.calls:
                sent.append({"role": "assistant", "content": _asked(message)})
            elif message.content or message.attachments:
                _append(sent, _message(message), prefix)
        if message.calls:
            sent.append({"role": "user", "content": [_result(call) for call in message.calls]})
    return sent


def _append_as_it_came(sent: list[dict[str, Any]], state: KeptState, prefix: _Prefix) -> bool:
    """Add a reply, or the parts of one that was paused, if nothing before them has changed."""
    before = len(sent)
    for part in state.items:
        if part["prefix"] != prefix.of(sent):
            del sent[before:]
            prefix.restart()
            return False
        sent.append({"role": "assistant", "content": part["blocks"]})
    return True


def _append(sent: list[dict[str, Any]], message: dict[str, Any], prefix: _Prefix) -> None:
    """Add a message; one of the user's joins what stands for the user before it, behind it."""
    last = sent[-1] if sent else None
    if last and last["role"] == message["role"] == "user":
        sent[-1] = {**last, "content": [*_blocks(last), *_blocks(message)]}
        prefix.restart()
    else:
        sent.append(message)


def _blocks(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _asked(message: ChatMessage) -> list[dict[str, Any]]:
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


def _reply_tool(request: Request) -> str:
    """The name of the tool that carries a schema's reply; no other tool may have it."""
    return "final_reply" if any(tool.name == "reply" for tool in request.tools) else "reply"


def _mark(body: dict[str, Any], *, automatic: bool) -> None:
    """Mark what is to be cached: the system prompt, and the conversation up to its last turns.

    https://platform.claude.com/docs/en/build-with-claude/prompt-caching, read 2026-11-29. Anthropic
    itself finds the last block (`cache_control` of anthropic 2.14's message_create_params.py);
    elsewhere it is marked, and the question before it, which the last turn left in the cache.

    Args:
        body: What is to be sent.
        automatic: Whether the vendor marks the conversation by itself.
    """
    if isinstance(body.get("system"), str):
        body["system"] = [{"type": "text", "text": body["system"], "cache_control": _EPHEMERAL}]
    if automatic:
        body["cache_control"] = _EPHEMERAL
        return
    asked = [message for message in body["messages"] if message["role"] == "user"]
    for message in asked[-2:]:
        if isinstance(message["content"], str):
            message["content"] = [{"type": "text", "text": message["content"]}]
        *before, last = message["content"]
        message["content"] = [*before, {**last, "cache_control": _EPHEMERAL}]


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


class _Blocks:
    """The content of a reply as it came, for when it must go back."""

    def __init__(self) -> None:
        self._blocks: dict[int, dict[str, Any]] = {}
        self._pieces: dict[tuple[int, str], StringIO] = {}
        self._last = -1
        self._size = 0
        # Where the last piece went: this runs once for each token.
        self._open: tuple[object, str] | None = None
        self._into = StringIO()

    def begin(self, index: object, block: Mapping[str, Any]) -> None:
        """Add a block, perhaps without its text yet."""
        self._last = index if type(index) is int else self._last + 1
        self._blocks[self._last] = {k: v for k, v in block.items() if v is not None}
        self._open = None

    def add(self, index: object, field: str, piece: str) -> None:
        """Add to the text of a block's field."""
        self._size += len(piece)
        if self._size > MOST_STATE:
            return
        if (index, field) != self._open:
            self._open = index, field
            at = index if type(index) is int else self._last
            self._into = self._pieces.setdefault((at, field), StringIO())
        self._into.write(piece)

    def cite(self, index: object, citation: object) -> None:
        """Add a citation to a block."""
        block = self._blocks.get(index if type(index) is int else self._last)
        if block is not None:
            block["citations"] = [*block.get("citations", ()), citation]

    def whole(self, *, always: bool) -> list[dict[str, Any]] | None:
        """All blocks in order; None where they are too much, or none is the vendor's own.

        Args:
            always: Also where anyone could make them.
        """
        made = {str(block.get("type")) for block in self._blocks.values()} <= {"text", "tool_use"}
        if self._size > MOST_STATE or (made and not always):
            return None
        from hfs_cli.providers.formats.calls import object_of

        for (at, field), pieces in self._pieces.items():
            block, text = self._blocks.get(at, {}), pieces.getvalue()
            if field == "input":
                block[field] = object_of(text) if text else block.get(field) or {}
            else:
                block[field] = (block.get(field) or "") + text
        blocks = [self._blocks[at] for at in sorted(self._blocks)]
        return [block for block in blocks if block.get("type") != "text" or block.get("text")]


class AnthropicEvents(Events):
    """Reads the events of a message, and a whole one."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        # The tool whose input is the reply, where it carries a schema.
        self._reply_tool = _reply_tool(request) if _is_by_tool(request) else None
        # The blocks whose input is the reply, or a call's, by their numbers; None for the last.
        self._inputs: dict[object, Literal["reply", "call", "other"]] = {}
        self._usage: dict[str, Any] = {}
        self._blocks = _Blocks()

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
                self._numbered().add(batch, block["name"], "", block.get("id"), index)
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

    def kept(self) -> Mapping[str, Any] | None:
        """The content as it came, where there are thoughts in it, or searches, or it goes on."""
        paused = self.finish is not None and self.finish.reason == "paused"
        goes_on = any(message.role == "assistant" for message in self._request.messages[-1:])
        blocks = self._blocks.whole(always=paused or goes_on)
        ids = self._calls.ids if self._calls else []
        called = [block.get("id") for block in blocks or () if block.get("type") == "tool_use"]
        if not blocks or called != ids or self._reply_tool:
            return None
        body = _built(self._request)
        prefix = _Prefix(body).of(body["messages"])
        return self._kept("anthropic", {"prefix": prefix, "blocks": blocks})

    def _stopped(self, message: Mapping[str, Any]) -> None:
        reason = message.get("stop_reason")
        if reason == "tool_use" and self._reply_tool and not self._calls:
            self.finish = STOPPED.finish(reason)
        elif reason:
            details = message.get("stop_details") or {}
            said, category = details.get("explanation"), details.get("category")
            if isinstance(said, str) and isinstance(category, str) and said and category:
                said = f"{said} (category {category})"
            said = said or category
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
    decoder=AnthropicEvents,
    schema="anthropic",
    version="/v1",
    models_path="/models?limit=1000",
    media=Media(
        types=frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"}),
        urls=frozenset({"image", "pdf"}),
        most_bytes=32 * MEGABYTE,
        most_each={"image": 5 * MEGABYTE},
    ),
)
