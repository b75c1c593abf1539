"""OpenAI chat completions, and everything compatible with them.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hfs_cli.messages import Attachment, ChatMessage, Request
from hfs_cli.providers.formats.events import (
    CALLED,
    CONTEXT_FULL,
    DECLINED,
    FAILED,
    FILTERED,
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
from hfs_cli.providers.formats.wire import (
    IMAGES,
    PDF,
    SOUND,
    Events,
    Media,
    Quirks,
    WireFormat,
    with_options,
)

# One table for all vendors of this format, because their words do not collide. Read 2026-11-25 in
# OpenAI's types (openai 3.57, chat_completion_chunk.py), Mistral's (3.7), Together's (3.1),
# Fireworks' (1.2), Cohere's (7.3), OpenRouter's (1.3, chatfinishreasonenum); api-docs.deepseek.com
# (create-chat-completion), docs.z.ai, vLLM's and TGI's servers. The words of Anthropic, Gemini and
# Bedrock are here because gateways pass them on.
_BUSY = FAILED._replace(note="ran out of capacity in the middle of the reply: try again")
_ENDINGS: Mapping[str, Ending] = {
    **dict.fromkeys(("stop", "eos", "eos_token", "stop_sequence", "end_turn"), STOPPED),
    **dict.fromkeys(("STOP", "COMPLETE", "STOP_SEQUENCE"), STOPPED),
    **dict.fromkeys(("length", "max_tokens", "MAX_TOKENS", "ERROR_LIMIT"), LIMITED),
    **dict.fromkeys(("model_length", "model_context_window_exceeded"), CONTEXT_FULL),
    **dict.fromkeys(("tool_calls", "function_call", "tool_use", "TOOL_CALL"), CALLED),
    **dict.fromkeys(("content_filter", "content_filtered", "guardrail_intervened"), FILTERED),
    **dict.fromkeys(("sensitive", "ERROR_TOXIC", "SAFETY", "RECITATION"), FILTERED),
    **dict.fromkeys(("BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"), FILTERED),
    "refusal": REFUSED,
    "pause_turn": PAUSED,
    "insufficient_system_resource": _BUSY,
    **dict.fromkeys(("error", "network_error", "abort", "cancelled", "OTHER"), FAILED),
    **dict.fromkeys(("time_limit", "timeout", "ERROR", "TIMEOUT", "USER_CANCEL"), FAILED),
}


def payload(request: Request, quirks: Quirks) -> dict[str, Any]:
    """The body of a streamed chat completion."""
    messages: list[dict[str, Any]] = []
    system, form = request.system, None
    if request.schema is not None:
        from hfs_cli.providers.formats.schemas import form_and_system

        form, system = form_and_system(request.schema, request.model, quirks.schema, system)
    if system is not None:
        messages.append({"role": "system", "content": system})
    for message in request.messages:
        if message.calls or message.state:
            messages += _turn(message, quirks)
        else:
            messages.append(_message(message, quirks))
    body: dict[str, Any] = {"model": request.model, "messages": messages, "stream": True}
    if quirks.stream_usage:
        body["stream_options"] = {"include_usage": True}
    if form is not None:
        body["response_format"] = form
    if request.tools:
        from hfs_cli.providers.formats.calls import functions

        body["tools"] = functions(request.tools)
        if request.tool_choice:
            named = {"name": request.tool_choice}
            body["tool_choice"] = {"type": "function", "function": named}
    if request.cache and quirks.cache == "key":
        body["prompt_cache_key"] = request.cache
    names = {"max_tokens": quirks.max_tokens, "seed": quirks.seed}
    return with_options(body, request.options, names)


def _turn(message: ChatMessage, quirks: Quirks) -> list[dict[str, Any]]:
    """A reply with its calls and state, followed by the results of the calls."""
    from hfs_cli.providers.formats.calls import result_text

    state: Mapping[str, Any] = message.state.items[0] if message.state else {}
    body: dict[str, Any] = {"role": "assistant", "content": message.content}
    for name in _KEPT & state.keys():
        body[name] = state[name]
    if "thinking" in state:
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": state["thinking"]}]}
        text = [{"type": "text", "text": message.content}] if message.content else []
        body["content"] = [thinking, *text]
    if not message.calls:
        return [body]
    if quirks.demands_reasoning:
        body.setdefault("reasoning_content", "")
    body["content"] = body["content"] or None
    extra = state.get("extra_content")
    body["tool_calls"] = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
            **({"extra_content": extra[call.id]} if extra and call.id in extra else {}),
        }
        for call in message.calls
    ]
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": result_text(call)}
        for call in message.calls
    ]
    return [body, *results]


def _message(message: ChatMessage, quirks: Quirks) -> dict[str, Any]:
    if not message.attachments:
        return {"role": message.role, "content": message.content}
    parts = [{"type": "text", "text": message.content}] if message.content else []
    parts += [_part(attachment, quirks.parts) for attachment in message.attachments]
    return {"role": message.role, "content": parts}


def _part(attachment: Attachment, names: str) -> dict[str, Any]:
    from hfs_cli.providers.formats.media import base64_of, data_url, kind_of

    match kind_of(attachment.media_type):
        case "image":
            return {"type": "image_url", "image_url": {"url": data_url(attachment)}}
        # mistralai 3.7, documenturlchunk.py and audiochunk.py.
        case "audio" if names == "mistral":
            return {"type": "input_audio", "input_audio": base64_of(attachment)}
        case _ if names == "mistral":
            url = data_url(attachment)
            return {"type": "document_url", "document_url": url, "document_name": attachment.name}
        case "audio":
            kind = "mp3" if attachment.media_type == "audio/mpeg" else "wav"
            audio = {"data": base64_of(attachment), "format": kind}
            return {"type": "input_audio", "input_audio": audio}
        case _:
            file = {"filename": attachment.name, "file_data": data_url(attachment)}
            return {"type": "file", "file": file}


# What goes back under the name that it came by. OpenRouter takes its blocks
# (https://openrouter.ai/docs/guides/best-practices/reasoning-tokens). The reasoning that led to
# calls is demanded by DeepSeek (https://api-docs.deepseek.com/guides/thinking_mode) and used by
# Moonshot, Z.ai, vLLM and llama.cpp. Read 2026-11-29.
_KEPT = frozenset({"reasoning_details", "reasoning_content", "reasoning"})
_TEXTS = ("text", "summary")
# A longer id is a gateway's and holds data for the vendor, so it is never replaced.
_LONGEST_ID = 40


class OpenAIEvents(Events):
    """Decodes a chat completion, streamed or whole."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._refused = False
        self._thoughts: dict[str, list[str]] = {}
        self._details: list[dict[str, Any]] = []
        self._extra: dict[str, Any] = {}

    def decode(self, data: str, batch: Batch) -> None:
        """Add what one chunk says to the batch."""
        if data[0] != "{" and data.lstrip().startswith("[DONE]"):
            self.terminated = True
            return
        chunk = parse(data)
        if error := chunk.get("error"):
            raise reported(error)
        for choice in chunk.get("choices") or ():
            if not choice.get("index"):  # of several (n = 2), only the first is the reply
                self._choice(choice, batch)
        # Perplexity and xAI put sources beside the choices, as objects or as bare URLs.
        if sources := chunk.get("search_results") or chunk.get("citations"):
            batch.cite(sources)
        usage = chunk.get("usage")
        if usage is None and "x_groq" in chunk:
            usage = batch.fields(chunk["x_groq"]).get("usage")
        if usage:
            _count(batch.fields(usage), batch)

    def _choice(self, choice: dict[str, Any], batch: Batch) -> None:
        delta = choice.get("delta") or choice.get("message") or {}
        if reasoning := delta.get("reasoning_content") or delta.get("reasoning"):
            batch.reasoning(reasoning)
            if self._request.tools:
                name = "reasoning_content" if "reasoning_content" in delta else "reasoning"
                self._thoughts.setdefault(name, []).append(reasoning)
        if details := delta.get("reasoning_details"):
            self._keep_details(details)
            # OpenRouter may send its blocks alone, without the same text beside them.
            texts = (detail.get("text") or detail.get("summary") or "" for detail in details)
            batch.reasoning("" if reasoning else "".join(texts))
        if content := delta.get("content"):
            if isinstance(content, str):
                batch.text(content)
            else:
                self._parts(content, batch)
        if refusal := delta.get("refusal"):
            self._refused = True
            batch.text(refusal)
        if annotations := delta.get("annotations"):
            batch.cite(annotations)
        for call in delta.get("tool_calls") or ():
            self._call(call, batch)
        if reason := choice.get("finish_reason"):
            self.finish = finish_of(reason, _ENDINGS)
            if self.finish.reason == "stop" and self._refused:
                self.finish = DECLINED.finish("refusal")
            elif self.finish.reason == "stop" and self._calls:
                self.finish = CALLED.finish(reason)

    def _parts(self, parts: list[dict[str, Any]], batch: Batch) -> None:
        """Decode content in typed parts, as Mistral's reasoning models send it."""
        for part in parts:
            if part.get("type") == "thinking":
                for piece in part.get("thinking") or ():
                    text = piece.get("text") or ""
                    batch.reasoning(text)
                    if self._request.tools:
                        self._thoughts.setdefault("thinking", []).append(text)
            elif part.get("type") == "text":
                batch.text(part.get("text") or "")

    def _call(self, call: dict[str, Any], batch: Batch) -> None:
        calls = self._tracker()
        function = call.get("function") or {}
        arguments = function.get("arguments") or ""
        if isinstance(arguments, dict):  # some servers send the object itself
            import json

            arguments = json.dumps(arguments, ensure_ascii=False)
        calls.add(batch, function.get("name"), arguments, call.get("id"), call.get("index"))
        if extra := call.get("extra_content"):  # signatures from Gemini's compatible endpoint
            self._extra[calls.ids[-1]] = extra

    def _keep_details(self, details: list[dict[str, Any]]) -> None:
        """Collect OpenRouter's reasoning blocks; the streamed pieces of a block are joined.

        A piece continues the last block if it has the same type and index. Until `state` joins
        them, the texts of a block are lists of pieces.
        """
        for detail in details:
            last = self._details[-1] if self._details else {}
            same = all(last.get(name) == detail.get(name) for name in ("type", "index"))
            continued = (n for n in _TEXTS if same and n in last and isinstance(detail.get(n), str))
            if name := next(continued, None):
                last[name].append(detail[name])
                last |= {key: v for key, v in detail.items() if v is not None and key != name}
            else:
                block = {
                    key: [value] if key in _TEXTS and isinstance(value, str) else value
                    for key, value in detail.items()
                }
                self._details.append(block)

    def state(self) -> Mapping[str, Any] | None:
        """Reasoning that the vendor wants back: OpenRouter's blocks, or what led to calls."""
        values: dict[str, Any] = {}
        answers_calls = any(message.calls for message in self._request.messages[-1:])
        if self._details:
            values["reasoning_details"] = [
                {
                    key: "".join(value) if key in _TEXTS and value else value
                    for key, value in detail.items()
                }
                for detail in self._details
            ]
        elif self._calls or answers_calls:
            values |= {name: "".join(pieces) for name, pieces in self._thoughts.items()}
        if self._extra:
            values["extra_content"] = self._extra
        if self._calls and any(len(name) > _LONGEST_ID for name in self._calls.ids):
            values["long_ids"] = True
        return self._state_of("openai", values) if values else None


def _count(usage: Mapping[str, Any], batch: Batch) -> None:
    prompt_details = batch.fields(usage.get("prompt_tokens_details"))
    output_details = batch.fields(usage.get("completion_tokens_details"))
    prompt, output, total = (
        batch.count(usage.get(name))
        for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    )
    if prompt is not None and output is not None and total is not None:
        # Some vendors count reasoning only in the total.
        output = max(output, total - prompt)
    # DeepSeek has a name of its own for cached tokens.
    hits = usage.get("cached_tokens", usage.get("prompt_cache_hit_tokens"))
    cached = prompt_details.get("cached_tokens", hits)
    batch.usage(prompt, output, cached, output_details.get("reasoning_tokens"))


FORMAT = WireFormat(
    name="openai",
    path=lambda _: "/chat/completions",
    body=payload,
    decoder=OpenAIEvents,
    schema="openai",
    may_keep={
        "reasoning": str,
        "reasoning_content": str,
        "reasoning_details": list,
        "thinking": str,
        "extra_content": dict,
        "long_ids": bool,
    },
    media=Media(types=IMAGES | PDF | SOUND, urls=frozenset({"image"})),
)
