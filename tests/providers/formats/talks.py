"""A conversation with tools in each format: replies as vendors send them, put together as turns."""

from __future__ import annotations

import json
from typing import Any

from hfs_cli.config.settings import PROVIDER_TYPES
from hfs_cli.messages import Call, ChatMessage, Request, ToolSpec
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.formats.wire import Quirks
from hfs_cli.turn.collector import Collector
from tests.providers.asking import decoded, framed, takes_tools

# The formats that carry tools.
WIRES = tuple(filter(takes_tools, PROVIDER_TYPES))
MODELS = {
    "openai": "m",
    "responses": "gpt-6-luna",
    "anthropic": "claude-haiku-5-5",
    "gemini": "gemini-3.8-flash",
    "ollama": "gpt-oss",
    "local": "smollm2",
}
# How a reply that asks for tools says in the end that it is whole, and how that it was cut short.
WHOLE = {
    "openai": '"finish_reason": "tool_calls"',
    "responses": '"response": {"status": "completed"',
    "anthropic": '"stop_reason": "tool_use"',
    "gemini": '"finishReason": "STOP"',
    "ollama": '"done_reason": "stop"',
    "local": '"finish_reason": "stop"',
}
CUT_SHORT = {
    "openai": '"finish_reason": "length"',
    "responses": '"response": {"status": "incomplete"',
    "anthropic": '"stop_reason": "max_tokens"',
    "gemini": '"finishReason": "MAX_TOKENS"',
    "ollama": '"done_reason": "length"',
    "local": '"finish_reason": "length"',
}
WEATHER = ToolSpec(
    "weather",
    "The weather of a city.",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
)
CLOCK = ToolSpec("clock__now", "The time.", {"type": "object", "properties": {}})
TOOLS = (WEATHER, CLOCK)
ASKED = (("weather", {"city": "Köln"}), ("weather", {"city": "東京"}))


def lines(*events: Any) -> bytes:
    return b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events)


def reply(
    wire: str, text: str = "", calls: tuple[tuple[str, dict[str, Any]], ...] = (), step: int = 0
) -> bytes:
    """A streamed reply that thinks, says the text, and asks for the calls, in pieces."""
    made = {
        "openai": _openai,
        "responses": _responses,
        "anthropic": _anthropic,
        "gemini": _gemini,
        "ollama": _ollama,
        "local": _local,
    }
    return made[wire](text, [(f"id_{step}_{n}", *call) for n, call in enumerate(calls)], step)


def _halves(arguments: dict[str, Any]) -> tuple[str, str]:
    text = json.dumps(arguments)
    return text[: len(text) // 2], text[len(text) // 2 :]


def _openai(text: str, calls: list[Any], step: int) -> bytes:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "reasoning_content": f"Hm {step}."}]
    if text:
        deltas.append({"content": text})
    for n, (id_, name, _) in enumerate(calls):
        function = {"name": name, "arguments": ""}
        deltas.append({"tool_calls": [{"index": n, "id": id_, "function": function}]})
    for half in (0, 1):  # the pieces of two calls side by side
        for n, (_, _, arguments) in enumerate(calls):
            function = {"arguments": _halves(arguments)[half]}
            deltas.append({"tool_calls": [{"index": n, "function": function}]})
    chunks: list[Any] = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"delta": {}, "finish_reason": "tool_calls" if calls else "stop"}]})
    return lines(*chunks) + b"data: [DONE]\n\n"


def _responses(text: str, calls: list[Any], step: int) -> bytes:
    output: list[dict[str, Any]] = [
        {
            "type": "reasoning",
            "id": f"rs_{step}",
            "summary": [{"type": "summary_text", "text": f"Hm {step}."}],
            "encrypted_content": f"sealed {step}",
        }
    ]
    if text:
        part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        message = {"type": "message", "id": f"msg_{step}", "role": "assistant"}
        output.append({**message, "status": "completed", "content": [part]})
    output += [
        {
            "type": "function_call",
            "id": f"fc_{id_}",
            "call_id": id_,
            "name": name,
            "arguments": json.dumps(arguments),
            "status": "completed",
        }
        for id_, name, arguments in calls
    ]
    events: list[dict[str, Any]] = []
    for n, item in enumerate(output):
        begun = item | ({"arguments": ""} if item["type"] == "function_call" else {})
        begun |= {"content": []} if item["type"] == "message" else {}
        begun |= {"summary": []} if item["type"] == "reasoning" else {}
        events.append({"type": "response.output_item.added", "output_index": n, "item": begun})
    for n, item in enumerate(output):
        if item["type"] == "function_call":
            text_ = item["arguments"]
            for piece in (text_[: len(text_) // 2], text_[len(text_) // 2 :]):
                name = "response.function_call_arguments.delta"
                events.append({"type": name, "output_index": n, "delta": piece})
        events.append({"type": "response.output_item.done", "output_index": n, "item": item})
    usage = {"input_tokens": 1, "output_tokens": 1}
    whole = {"status": "completed", "output": output, "usage": usage}
    events.append({"type": "response.completed", "response": whole})
    return lines(*events)


def _anthropic(text: str, calls: list[Any], step: int) -> bytes:
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
        (
            {"type": "thinking", "thinking": "", "signature": ""},
            [
                {"type": "thinking_delta", "thinking": "Hm "},
                {"type": "thinking_delta", "thinking": f"{step}."},
                {"type": "signature_delta", "signature": f"signed {step}"},
            ],
        ),
        ({"type": "redacted_thinking", "data": f"sealed {step}"}, []),
    ]
    if text:
        blocks.append(({"type": "text", "text": ""}, [{"type": "text_delta", "text": text}]))
    for id_, name, arguments in calls:
        pieces = [{"type": "input_json_delta", "partial_json": p} for p in _halves(arguments)]
        blocks.append(({"type": "tool_use", "id": id_, "name": name, "input": {}}, pieces))
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {"usage": {}}}]
    for n, (block, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": n, "content_block": block})
        events += [{"type": "content_block_delta", "index": n, "delta": d} for d in deltas]
        events.append({"type": "content_block_stop", "index": n})
    reason = "tool_use" if calls else "end_turn"
    events += [
        {"type": "message_delta", "delta": {"stop_reason": reason}},
        {"type": "message_stop"},
    ]
    return lines(*events)


def _gemini(text: str, calls: list[Any], step: int) -> bytes:
    parts: list[dict[str, Any]] = [{"text": "Hm ", "thought": True}]
    parts.append({"text": f"{step}.", "thought": True})
    signature = {"thoughtSignature": "c2lnbmVk"}
    if text:
        parts += [{"text": text[:1]}, {"text": text[1:]}]
    parts += [
        {"functionCall": {"name": name, "args": arguments, "id": id_}}
        | ({} if n else signature)  # the first of several carries the signature
        for n, (id_, name, arguments) in enumerate(calls)
    ]
    if not calls:
        parts.append({"text": "", **signature})
    chunks: list[Any] = [{"candidates": [{"content": {"parts": [part]}}]} for part in parts]
    return lines(*chunks, {"candidates": [{"finishReason": "STOP"}]})


def _ollama(text: str, calls: list[Any], step: int) -> bytes:
    messages: list[dict[str, Any]] = [{"thinking": "Hm "}, {"thinking": f"{step}."}]
    messages.append({"content": text})
    messages += [
        {"tool_calls": [{"function": {"name": name, "arguments": arguments}}]}
        for _, name, arguments in calls
    ]
    said: list[dict[str, Any]] = [{"message": m, "done": False} for m in messages]
    said.append({"message": {}, "done": True, "done_reason": "stop"})
    return framed("ollama", *said)


def _local(text: str, calls: list[Any], step: int) -> bytes:
    """What a grammar lets a model write: calls or an answer, and never both."""
    asked = [{"name": name, "arguments": arguments} for _, name, arguments in calls]
    written = json.dumps({"tool_calls": asked} if calls else {"response": text})
    pieces = [written[at : at + 5] for at in range(0, len(written), 5)]
    chunks: list[Any] = [{"choices": [{"index": 0, "delta": {"content": p}}]} for p in pieces]
    chunks.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    return lines(*chunks) + b"data: [DONE]\n\n"


def body(wire: str, request: Request, **quirks: Any) -> dict[str, Any]:
    """What is sent, as it goes over the wire: encoded and read again."""
    payload = load_format(wire).payload(request, Quirks(**quirks))
    text = json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()
    return json.loads(text)


def answered(wire: str, request: Request, data: bytes) -> ChatMessage:
    """The reply to a request, as the next one has it, its calls not yet run."""
    events, fault = decoded(wire, data, request=request)
    assert fault is None
    collector = Collector(f"{request.provider}/{request.model}")
    collector.add(events)
    made = collector.reply(complete=True)
    return ChatMessage("assistant", made.text, calls=made.tool_calls, state=made.state)


def with_results(message: ChatMessage) -> ChatMessage:
    """The message when its calls have been run; the second failed."""
    ran = [
        call._replace(result="no such city" if n else "22 °C", failed=bool(n))
        for n, call in enumerate(message.calls)
    ]
    return message._replace(calls=tuple(ran))


def ask(wire: str, messages: tuple[ChatMessage, ...], **values: Any) -> Request:
    values = {"tools": TOOLS, "provider": wire, "system": "be brief"} | values
    return Request(MODELS[wire], messages, **values)


def turn_of_three(wire: str, messages: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
    """The messages with the three steps of a turn: two calls, one call, the answer."""
    for step, (text, calls) in enumerate((("Let me see.", ASKED), ("", ASKED[:1]), ("Rain.", ()))):
        request = ask(wire, messages)
        made = answered(wire, request, reply(wire, text, calls, step + len(messages)))
        messages = (*messages, with_results(made))
    return messages


FOREIGN = Call("toolu 1!", "srv:do/it", '{"a": 1}', result="done")
