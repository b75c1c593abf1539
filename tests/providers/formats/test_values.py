"""Token counts and names as no vendor should send them, in every format, at the end and before."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_cli.errors import HfsError
from hfs_cli.messages import ToolCall, Usage
from tests.providers.asking import WIRES, ask, decoded, frame, framed, takes_tools, text_of
from tests.scripted_server import ScriptedServer

# What is written into the JSON, and what is kept of it.
COUNTS = {
    "7": 7,
    "0": 0,
    "7.0": 7,
    "7.5": None,
    "true": None,
    "-1": None,
    "1e999": None,
    "NaN": None,
    "9223372036854775808": None,
    "9" * 400: None,
    "[1]": None,
    "{}": None,
    '"7"': None,
    "null": None,
}
USAGE: dict[str, dict[str, str]] = {
    "openai": {"prompt_tokens": "input", "completion_tokens": "output"},
    "anthropic": {"input_tokens": "input", "output_tokens": "output"},
    "gemini": {"promptTokenCount": "input", "candidatesTokenCount": "output"},
    "ollama": {"prompt_eval_count": "input", "eval_count": "output"},
    "responses": {"input_tokens": "input", "output_tokens": "output"},
}
# Its counts are fields of the last line, and no object of their own.
COUNTS_BESIDE = {"ollama"}


def usage_of(wire: str, count: str) -> str:
    return "{" + ",".join(f'"{name}":{count}' for name in USAGE[wire]) + "}"


def body(wire: str, usage: str, *, tool: str = "f") -> bytes:
    """A reply, "a" and "b" with this usage (JSON text) between them and at the end."""
    name = json.dumps(tool)
    match wire:
        case "openai":
            call = f'{{"tool_calls":[{{"function":{{"name":{name}}}}}]}}'
            events = [
                f'{{"choices":[{{"delta":{{"content":"a"}}}}],"usage":{usage}}}',
                f'{{"choices":[{{"delta":{call}}}]}}',
                '{"choices":[{"delta":{"content":"b"},"finish_reason":"stop"}]}',
                f'{{"choices":[],"usage":{usage}}}',
            ]
        case "anthropic":
            text = '{{"type":"content_block_delta","delta":{{"type":"text_delta","text":"{}"}}}}'
            events = [
                f'{{"type":"message_start","message":{{"usage":{usage}}}}}',
                text.format("a"),
                f'{{"type":"content_block_start","content_block":{{"type":"tool_use","name":{name}}}}}',
                text.format("b"),
                f'{{"type":"message_delta","delta":{{"stop_reason":"end_turn"}},"usage":{usage}}}',
            ]
        case "gemini":
            call = f'{{"functionCall":{{"name":{name}}}}}'
            events = [
                f'{{"candidates":[{{"content":{{"parts":[{part}]}}}}],"usageMetadata":{usage}}}'
                for part in ('{"text":"a"}', call, '{"text":"b"}')
            ]
            events.append('{"candidates":[{"finishReason":"STOP"}]}')
        case "ollama":
            counts = usage.strip()[1:-1] if usage.startswith("{") else ""
            call = f'[{{"function":{{"name":{name}}}}}]'
            lines = [
                '{"message":{"content":"a"}}',
                f'{{"message":{{"tool_calls":{call}}}}}',
                '{"message":{"content":"b"}}',
                f'{{"done":true,"done_reason":"stop"{"," if counts else ""}{counts}}}',
            ]
            return framed(wire, *lines)
        case "responses":
            delta = '{{"type":"response.output_text.delta","delta":"{}"}}'
            item = f'{{"type":"function_call","name":{name}}}'
            events = [
                delta.format("a"),
                f'{{"type":"response.output_item.added","item":{item}}}',
                delta.format("b"),
                f'{{"type":"response.completed","response":{{"output":[],"usage":{usage}}}}}',
            ]
        case _:
            raise ValueError(f"no reply is known in {wire}")
    return framed(wire, *events)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("written", COUNTS, ids=lambda text: text[:20])
def test_a_count_is_a_count_or_not_there(wire, written):
    usage = usage_of(wire, written)
    events, fault = decoded(wire, body(wire, usage))
    assert fault is None
    assert text_of(events) == "ab"
    counted = [event for event in events if isinstance(event, Usage)]
    kept = COUNTS[written]
    assert not counted or counted[-1][:2] == (kept, kept)
    assert counted or written == "null"


@pytest.mark.parametrize("wire", sorted({*WIRES} - COUNTS_BESIDE))
@pytest.mark.parametrize("usage", ['"12"', "[1]", "7", "true"])
def test_usage_of_any_shape_costs_no_text_and_is_warned_about(wire, usage):
    with ScriptedServer() as server:
        server.reply([body(wire, usage)])
        answer = ask(server.url, wire=wire)
    assert (answer.text, answer.exit_code) == ("ab", 0)
    assert answer.told == ["vendor sent token counts that are not numbers: left out"]


@pytest.mark.parametrize("wire", [wire for wire in WIRES if takes_tools(wire)])
@pytest.mark.parametrize("name", ["f", "x" * 5000, "\ud800", "a\nb", "\x1b[2J"])
def test_a_tools_name_can_be_kept(wire, name):
    events, fault = decoded(wire, body(wire, "null", tool=name))
    assert fault is None
    (call,) = (event for event in events if isinstance(event, ToolCall) and event.name)
    assert call.name.encode()
    assert len(call.name) <= 100


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, inner in items:
        found.append((*at, key))
        if isinstance(inner, dict | list):
            found += paths(inner, (*at, key))
    return found


@given(st.sampled_from(WIRES), JSON, st.data())
def test_any_value_anywhere_is_text_or_a_failure_but_never_a_bug(wire, value, data):
    """One value of one event is replaced by anything: the decoder says so, or reads on."""
    usage = usage_of(wire, "7")
    prefix, after = frame(wire)
    lines = body(wire, usage).decode().split(after)
    at = data.draw(st.sampled_from([n for n, line in enumerate(lines) if line]))
    event = json.loads(lines[at].removeprefix(prefix))
    *way, last = data.draw(st.sampled_from(paths(event)))
    inner: Any = event
    for key in way:
        inner = inner[key]
    inner[last] = value
    lines[at] = prefix + json.dumps(event)
    events, fault = decoded(wire, "\n\n".join(lines).encode())
    assert fault is None or isinstance(fault, HfsError)
    assert set(text_of(events)) <= set("ab") | set(str(value)) | set(json.dumps(value))
