"""What the fuzzer makes: command lines, configurations, replies of servers, files to import."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from hfs_cli.cli import hfs
from hfs_cli.completion.tree import Command, Value, read_tree
from hfs_cli.config.settings import SETTINGS
from tests.providers.asking import WIRES, frame

# What cannot be run unattended, or does what no fuzzer should.
_LEFT_OUT = {("hfs", "models", "pull"), ("hfs", "completion")}

DIGITS = "9" * 5000
WORDS = [
    *("", " ", "-", "--", ".", "..", "/", "~", "~nobody/x", "@last", "@last~1", "@last~" + DIGITS),
    *("0", "-1", "1", "2", DIGITS, "1e999", "nan", "inf", "9223372036854775807", "9223372036854775808"),
    *("2026-11-22", "0001-01-01", "9999-12-31", "30d", "5x", DIGITS + "d", "1.5h", "true", "null"),
    *("one", "test/m", "test/", "/m", "test/../../x", "test/a\r\nb", "local/x", "openai", "nobody/x"),
    *("[]", "{}", "[" * 5000, '{"a": 1e999}', '"\\ud800"', '{"$ref": "#"}', "name, age int", "a b c"),
    *("\x1b]52;c;x\x07", "[/foo]", "%s{0}", "é" * 300, "x" * 300, "\u202e", "'; DROP TABLE x", "a\"b("),
    *("/dev/null", "/dev/zero", "/dev/full", "/nowhere/x", "file.txt", "out.md", "image.png", "fifo"),
    *("rows.csv", "t", "echo", "mask", "new.db", "postgresql://127.0.0.1:1/x", "postgresql://["),
    *("http://[", "http://127.0.0.1:1", "temperature=0.2", "stop=[]", "model=x", "test.base_url"),
    *(setting.key for setting in SETTINGS.values()),
]  # fmt: skip

ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def _leaves(command: Command) -> Iterator[Command]:
    if command.commands:
        for inner in command.commands:
            yield from _leaves(inner)
    elif not any(command.path[: len(path)] == path for path in _LEFT_OUT):
        yield command


COMMANDS = list(_leaves(read_tree(hfs)))


def _word(value: Value) -> st.SearchStrategy[str]:
    free = st.sampled_from(WORDS) | st.text(
        st.characters(blacklist_characters="\0", blacklist_categories=()), max_size=12
    )
    return st.sampled_from(value.choices) | free if value.choices else free


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command with some of its options, and words where it takes them."""
    command = draw(st.sampled_from(COMMANDS))
    argv = [*command.path[1:]]
    for option in draw(st.lists(st.sampled_from(command.options), max_size=4)):
        argv.append(draw(st.sampled_from(option.names)))
        argv += [draw(_word(value)) for value in option.values]
    for value in command.arguments:
        argv += draw(st.lists(_word(value), max_size=2))
    return argv


@st.composite
def configurations(draw: st.DrawFn) -> str:
    """A configuration of known settings with values that may be anything."""
    lines = []
    tables: dict[str, list[str]] = {"": [], "providers.test": [], 'models."test/m"': []}
    for setting in draw(st.lists(st.sampled_from(list(SETTINGS.values())), max_size=4)):
        table, _, name = setting.key.rpartition(".")
        table = table.replace("providers.NAME", "providers.test")
        table = 'models."test/m"' if table.startswith("models.") else table
        value = draw(st.just(setting.example.partition("=")[2].strip()) | ANY_JSON.map(toml))
        tables.setdefault(table, []).append(f"{name.replace('NAME', 'test')} = {value}")
    for table, body in tables.items():
        lines += [f"[{table}]"] * bool(table) + sorted(set(body), key=body.index)
    text = "\n".join(lines)
    return draw(st.just(text) | st.text(max_size=40).map(lambda noise: text + "\n" + noise))


def toml(value: object) -> str:
    """A value as a configuration has it."""
    if value is None:
        return "''"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(
                f"{json.dumps(k, ensure_ascii=False)} = {toml(v)}" for k, v in value.items()
            )
            + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


# A good reply of each format, which then has some of its values replaced.
REPLIES: dict[str, list[Any]] = {
    "openai": [
        {"id": "x", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hi"}}]},
        {"choices": [{"delta": {"reasoning_content": "hm", "tool_calls": [
            {"index": 0, "function": {"name": "f", "arguments": "{}"}}]}}]},
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2,
                                  "prompt_tokens_details": {"cached_tokens": 1}}},
    ],
    "responses": [
        {"type": "response.created", "response": {"id": "x", "status": "in_progress"}},
        {"type": "response.output_text.delta", "delta": "Hi", "output_index": 0},
        {"type": "response.reasoning_summary_text.delta", "delta": "hm"},
        {"type": "response.completed", "response": {"status": "completed", "output": [],
            "usage": {"input_tokens": 1, "output_tokens": 2}, "incomplete_details": None}},
    ],
    "anthropic": [
        {"type": "message_start", "message": {"id": "x", "usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ],
    "gemini": [
        {"candidates": [{"content": {"parts": [{"text": "Hi"}, {"text": "hm", "thought": True}]}}]},
        {"candidates": [{"finishReason": "STOP", "content": {"parts": []}}],
         "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2}},
    ],
    "ollama": [
        {"message": {"role": "assistant", "content": "Hi", "thinking": "hm"}, "done": False},
        {"message": {"content": ""}, "done": True, "done_reason": "stop", "prompt_eval_count": 1,
         "eval_count": 2},
    ],
}  # fmt: skip


def paths(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in nested lists and objects."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from paths(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from paths(inner, (*path, number))


@st.composite
def changed(draw: st.DrawFn, document: object) -> Any:
    """A JSON document of which up to three values are others, or gone."""
    made = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(0, 3))):
        *way, last = draw(st.sampled_from(list(paths(made))))
        holder: Any = made
        for step in way:
            holder = holder[step]
        if draw(st.booleans()) and isinstance(holder, dict):
            holder.pop(last)
        else:
            holder[last] = draw(ANY_JSON)
        if not list(paths(made)):
            break
    return made


@st.composite
def replies(draw: st.DrawFn, wire: str | None = None) -> tuple[str, list[bytes]]:
    """A format, and a stream in it that may be wrong at any place.

    Args:
        wire: The format, where only one will do.
    """
    wire = wire or draw(st.sampled_from(WIRES))
    events = draw(changed(REPLIES[wire]))
    pieces = [
        json.dumps(event).encode() for event in (events if isinstance(events, list) else [events])
    ]
    if draw(st.integers(0, 4)) == 0 and pieces:
        at = draw(st.integers(0, len(pieces) - 1))
        pieces[at] = draw(st.binary(max_size=12)) + pieces[at][draw(st.integers(0, 20)) :]
    before, after = (mark.encode() for mark in frame(wire))
    return wire, [before + piece + after for piece in pieces]


SESSION = {
    "uid": "0" * 32, "name": "one", "kind": "chat", "created_at": "2026-11-22T10:00:00Z",
    "updated_at": "2026-11-22T10:00:00Z", "model": "test/m",
    "messages": [
        {"uid": "1" * 32, "role": "user", "content": "hi", "status": "complete",
         "created_at": "2026-11-22T10:00:00Z"},
        {"uid": "2" * 32, "role": "assistant", "content": "ok", "status": "complete",
         "created_at": "2026-11-22T10:00:01Z", "reply_to": 1,
         "usage": {"input_tokens": 1, "output_tokens": 1}},
    ],
}  # fmt: skip
CHATGPT = [{
    "title": "t", "create_time": 1700000000.0, "update_time": 1700000001.0, "current_node": "b",
    "mapping": {
        "a": {"id": "a", "parent": None, "children": ["b"], "message": {
            "author": {"role": "user"}, "content": {"content_type": "text", "parts": ["hi"]},
            "create_time": 1700000000.0}},
        "b": {"id": "b", "parent": "a", "children": [], "message": {
            "author": {"role": "assistant"}, "content": {"content_type": "text", "parts": ["ok"]},
            "create_time": 1700000001.0}},
    },
}]  # fmt: skip
CLAUDE = [{
    "uuid": "x", "name": "n", "created_at": "2026-11-22T10:00:00Z",
    "updated_at": "2026-11-22T10:00:00Z",
    "chat_messages": [{"uuid": "y", "sender": "human", "text": "hi",
                       "created_at": "2026-11-22T10:00:00Z"}],
}]  # fmt: skip
ROLES = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ok"}]


def imports(own: object) -> st.SearchStrategy[bytes]:
    """A file of conversations of one of the programs that are known, with changes.

    Args:
        own: A document of our own, as the export writes it.
    """
    documents = st.sampled_from([own, own, CHATGPT, CLAUDE, ROLES]).flatmap(changed)
    return documents.map(lambda document: json.dumps(document).encode())
