"""Replies that real providers sent, decoded whole and cut everywhere.

They are not part of the project: where the folder is missing, these tests say so, and
`test_every_format.py` has the same checks for replies of our own.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hfs_cli.errors import NotFoundError
from hfs_cli.messages import (
    ChatMessage,
    Delta,
    Event,
    Finish,
    Reasoning,
    Request,
    ToolCall,
    Usage,
)
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.formats.refusals import refusal
from hfs_cli.providers.formats.wire import Context, Quirks
from hfs_cli.turn.collector import Collector
from tests.providers.asking import decoded, text_of
from tests.providers.formats.talks import TOOLS
from tests.providers.sdk_types import illegal

FAMILIES = {"openai-chat": "openai"}
VOCABULARY = {
    "stop": "stop",
    "STOP": "stop",
    "end_turn": "stop",
    "pause_turn": "paused",
    "length": "length",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "tool_calls": "tool_calls",
    "refusal": "content_filter",
}
CUT = {"refusal"}


def folder() -> Path | None:
    named = os.environ.get("HFS_TEST_STREAMS")
    places = [Path(named)] if named else [p / "shared/streams" for p in Path(__file__).parents]
    return next((place for place in places if (place / "index.json").is_file()), None)


FOLDER = folder()
needs_recordings = pytest.mark.skipif(FOLDER is None, reason="no folder of recorded replies")


def rows(name: str) -> list[dict[str, Any]]:
    return json.loads((FOLDER / name).read_text()) if FOLDER else []


STREAMS = rows("index.json")
REFUSALS = rows("errors_index.json")


@cache
def body(file: str) -> bytes:
    assert FOLDER
    return (FOLDER / file).read_bytes()


def replies(row: dict[str, Any]) -> list[bytes]:
    """The replies of one file, which may hold several, one after the other."""
    end = b'data: {"type":"message_stop"}\n\n'
    *ended, last = body(row["file"]).split(end)
    return [reply + end for reply in ended] + ([last] if last.strip() else [])


def decode(row: dict[str, Any], *chunks: bytes) -> tuple[list[Event], str | None]:
    """All events, and the message of what went wrong."""
    events, fault = decoded(FAMILIES.get(row["family"], row["family"]), *chunks)
    return events, fault.message if fault else None


def parts(size: int, data: bytes) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@needs_recordings
@pytest.mark.parametrize("row", STREAMS, ids=lambda row: Path(row["file"]).stem)
class TestStreams:
    def test_text_and_reasoning_are_what_the_provider_sent(self, row):
        events = [event for reply in replies(row) for event in decode(row, reply)[0]]
        assert text_of(events, Delta) == row["expected_text"]
        assert text_of(events, Reasoning) == row["expected_thinking"]

    def test_the_end_is_told(self, row):
        events, fault = decode(row, replies(row)[-1])
        if row["error"]:
            assert fault is not None
            assert row["error"]["message"][:60] in fault
            return
        finish = events[-1]
        assert isinstance(finish, Finish)
        assert (fault is not None) == (row["finish_reason"] in CUT)
        assert finish.raw == row["finish_reason"]
        calls = [e for e in events if isinstance(e, ToolCall) and e.name]
        expected = VOCABULARY[row["finish_reason"]]
        if row["family"] in {"gemini", "ollama"} and calls:
            expected = "tool_calls"
        assert finish.reason == expected

    def test_tokens_are_counted(self, row):
        events, _ = decode(row, replies(row)[-1])
        counted = [event for event in events if isinstance(event, Usage)]
        if not row["usage"]:
            return
        assert (counted[-1].input_tokens, counted[-1].output_tokens) == tokens(row)

    def test_cuts_change_nothing(self, row):
        data = replies(row)[0]
        whole = decode(row, data)
        # Two parts at each of the first and last bytes, and spread over the rest: a cut costs
        # a decoding of the whole, so a large body gets fewer.
        edge, inner = (60, 60) if len(data) < 30_000 else (12, 12)
        last = range(max(0, len(data) - edge), len(data))
        cuts = {*range(edge), *range(0, len(data), max(1, len(data) // inner)), *last}
        for at in cuts:
            assert joined(decode(row, data[:at], data[at:])) == joined(whole), at

    def test_one_byte_at_a_time_changes_nothing(self, row):
        data = replies(row)[0]
        # Large bodies repeat themselves: their first 20,000 bytes have every kind of event.
        head, tail = data[:20_000], data[20_000:]
        pieces = [*parts(1, head), *parts(4093, tail)]
        assert joined(decode(row, *pieces)) == joined(decode(row, data))


def tokens(row: dict[str, Any]) -> tuple[int, int]:
    """Input and output tokens by the definitions of `Usage`, from the vendor's own counts."""
    usage = row["usage"]
    match row["family"]:
        case "openai-chat":
            given, total = usage["prompt_tokens"], usage["total_tokens"]
            return given, max(usage["completion_tokens"], total - given)
        case "anthropic":
            # The index has the counts of the beginning; those of the end are in the body.
            lines = replies(row)[-1].split(b"\n")
            deltas = [json.loads(at[6:]) for at in lines if at.startswith(b"data: {")]
            starts = [e["message"]["usage"] for e in deltas if e["type"] == "message_start"]
            usage = starts[-1] | next(e["usage"] for e in deltas if e["type"] == "message_delta")
            cached = ("cache_read_input_tokens", "cache_creation_input_tokens")
            given = usage["input_tokens"] + sum(usage.get(name) or 0 for name in cached)
            return given, usage["output_tokens"]
        case "gemini":
            made = usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0)
            return usage["promptTokenCount"] + usage.get("toolUsePromptTokenCount", 0), made
        case _:
            return usage["prompt_eval_count"], usage["eval_count"]


def joined(result: tuple[list[Event], str | None]) -> tuple[Any, ...]:
    events, fault = result
    others = [event for event in events if not isinstance(event, Delta | Reasoning)]
    return text_of(events, Delta), text_of(events, Reasoning), others, fault


@needs_recordings
@pytest.mark.parametrize("row", STREAMS, ids=lambda row: Path(row["file"]).stem)
def test_calls_have_ids_and_whole_arguments(row):
    """Where a reply ends with calls, each is named and its arguments are an object."""
    last = replies(row)[-1]
    events, fault = decode(row, last)
    collector = Collector("vendor/m")
    collector.add(events)
    calls = collector.reply().tool_calls
    assert len({call.id for call in calls}) == len(calls)
    for call in calls:
        assert call.name
        assert call.id
        assert isinstance(json.loads(call.arguments or "{}"), dict)
    finish = events[-1]
    if fault is None and isinstance(finish, Finish) and finish.reason == "tool_calls":
        assert calls


@needs_recordings
@pytest.mark.parametrize("row", STREAMS, ids=lambda row: Path(row["file"]).stem)
def test_what_came_goes_back_as_the_vendors_types_have_it(row):
    wire = FAMILIES.get(row["family"], row["family"])
    request = Request("m", (ChatMessage("user", "hi"),), tools=TOOLS, provider="vendor")
    events, _ = decode(row, replies(row)[-1])
    collector = Collector("vendor/m")
    collector.add(events)
    made = collector.reply()
    calls = tuple(call._replace(result="ok") for call in made.tool_calls)
    message = ChatMessage("assistant", made.text or "x", calls=calls, state=made.state)
    more = (*request.messages, message, ChatMessage("user", "and?"))
    sent = load_format(wire).payload(request._replace(messages=more), Quirks())
    assert illegal(wire, json.loads(json.dumps(sent))) == {}


@needs_recordings
@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: Path(row["file"]).stem)
def test_real_refusals_are_told_in_the_vendors_words(row):
    document = json.loads(body(row["file"]))
    asked = re.search(r"nonexistent[-\w]*|gpt-5\.2-proo|gemini-3\.6-flahs", json.dumps(document))
    model = asked[0] if asked else "m"
    context = Context(provider="vendor", model=model, key_hint="set KEY", secrets=("sk-x",))
    error = refusal(row["status"], body(row["file"]), context)
    words = json.dumps(document)
    said = error.message.split(": ", 1)[1]
    assert error.exit_code == {401: 3, 403: 3}.get(row["status"], 4 if asked else 5)
    assert said.removeprefix("Provider returned error: ")[:40] in words.replace('\\"', '"')
    assert "{" not in said[:1]
    assert isinstance(error, NotFoundError) == (error.exit_code == 4)
