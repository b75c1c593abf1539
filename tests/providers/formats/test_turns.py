"""Whole turns with tools in every format: core and database against a scripted server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hfs_cli.messages import Call, ChatMessage, Opened, Outcome, Place, Turn
from hfs_cli.providers.http.provider import HttpProvider
from hfs_cli.store.store import SessionStore
from hfs_cli.turn.run import run_turn
from tests.providers.asking import provider_at
from tests.providers.formats.talks import (
    ASKED,
    CUT_SHORT,
    MODELS,
    TOOLS,
    WHOLE,
    WIRES,
    lines,
    reply,
)
from tests.providers.sdk_types import illegal
from tests.scripted_server import CUT, ScriptedServer

each_wire = pytest.mark.parametrize("wire", WIRES)


class Tools:
    """Answers each call with its city; what was run is in `ran`."""

    specs = TOOLS

    def __init__(self) -> None:
        self.ran: list[Call] = []

    def refusals(self, calls: Sequence[Call]) -> list[str | None]:
        return [None if self._city(call) else "the arguments are not JSON" for call in calls]

    def _city(self, call: Call) -> str:
        try:
            return str(json.loads(call.arguments)["city"])
        except (ValueError, KeyError):
            return ""

    def run(
        self,
        calls: Sequence[Call],
        started: Callable[[int], None],
        ended: Callable[[int, str, bool], None],
    ) -> None:
        for place, call in enumerate(calls):
            started(place)
            self.ran.append(call)
            ended(place, f"rain in {self._city(call)}", False)

    def close(self) -> None: ...


class Screen:
    """Shows nothing."""

    def opened(self, opened: Opened) -> None: ...
    def reasoning(self, text: str) -> None: ...
    def text(self, text: str) -> None: ...
    def called(self, call: Call) -> None: ...
    def waiting(self) -> None: ...
    def returned(self, call: Call) -> None: ...
    def close(self, outcome: Outcome) -> None: ...


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SessionStore]:
    with SessionStore(tmp_path / "hfs.db") as opened:
        yield opened


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def take(store: SessionStore, scripted: ScriptedServer) -> Callable[..., Outcome]:
    """Take a turn with a vendor of that format."""
    tools = Tools()

    def take(wire: str, words: str, session: int | None = None, **more: Any) -> Outcome:
        provider: HttpProvider = provider_at(scripted.url, wire=wire, told=[])
        turn = Turn(ChatMessage("user", words), f"{wire}/{MODELS[wire]}", place=Place(session))
        try:
            return run_turn(provider, store, Screen(), turn, more.get("tools", tools), 10)
        finally:
            provider.close()

    take.tools = tools  # type: ignore[attr-defined]
    return take


def sent(server: ScriptedServer) -> dict[str, Any]:
    return server.requests[-1].json


@each_wire
def test_a_turn_of_three_steps_its_continuation_and_another_vendor(wire, take, scripted, store):
    scripted.reply([reply(wire, "Let me see.", ASKED)])
    scripted.reply([reply(wire, "", ASKED[:1], 1)])
    scripted.reply([reply(wire, "Rain.", (), 2)])
    done = take(wire, "Rain?")
    assert done.error is None
    assert (done.reply.text, len(done.before)) == ("Rain.", 2)
    assert [call.result for call in done.before[0].tool_calls] == ["rain in Köln", "rain in 東京"]
    assert [illegal(wire, request.json) for request in scripted.requests] == [{}, {}, {}]
    assert "rain in 東京" in scripted.requests[1].body.decode()

    scripted.reply([reply(wire, "Yes.", (), 3)])
    assert take(wire, "And tomorrow?", done.session.id).error is None
    assert illegal(wire, sent(scripted)) == {}
    text = json.dumps(sent(scripted), ensure_ascii=False)
    assert (text.count("rain in Köln"), text.count("rain in 東京")) == (2, 1)
    marks = {"responses": "encrypted_content", "anthropic": "signed 2", "gemini": "c2lnbmVk"}
    for made_by, mark in marks.items():
        assert (mark in text) == (made_by == wire)

    other = WIRES[WIRES.index(wire) - 1]
    scripted.reply([reply(other, "No.", (), 4)])
    assert take(other, "Sure?", done.session.id).error is None
    assert illegal(other, sent(scripted)) == {}
    assert "rain in 東京" in json.dumps(sent(scripted), ensure_ascii=False)
    assert not any(m in json.dumps(sent(scripted)) for m in ("sealed", "signed", "c2lnbmVk"))

    scripted.reply([reply(wire, "Well.", (), 5)])
    assert take(wire, "Really?", done.session.id, tools=None).error is None
    assert illegal(wire, sent(scripted)) == {}
    assert "[called weather with" in json.dumps(sent(scripted))


@each_wire
def test_a_stream_that_breaks_off_in_the_arguments_runs_nothing(wire, take, scripted):
    data = reply(wire, "Let me see.", ASKED)
    for share in (0.5, 0.75, 0.9):
        scripted.reply([data[: int(len(data) * share)], CUT])
        done = take(wire, "Rain?")
        assert done.error is not None
        assert done.error.exit_code == 7
        assert take.tools.ran == []


@each_wire
def test_a_limit_in_the_arguments_runs_nothing(wire, take, scripted):
    before, _, after = reply(wire, "Let me see.", ASKED).decode().rpartition(WHOLE[wire])
    assert before
    scripted.reply([f"{before}{CUT_SHORT[wire]}{after}".encode()])
    take(wire, "Rain?")
    assert take.tools.ran == []
    assert len(scripted.requests) == 1


def test_arguments_that_are_not_json_are_answered_to_the_model(take, scripted):
    call = {"index": 0, "id": "a", "function": {"name": "weather", "arguments": '{"city": '}}
    choice = {"delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}
    scripted.reply([lines({"choices": [choice]})])
    scripted.reply([reply("openai", "I cannot say.")])
    done = take("openai", "Rain?")
    assert (done.error, done.reply.text, take.tools.ran) == (None, "I cannot say.", [])
    asked, answered = sent(scripted)["messages"][-2:]
    assert json.loads(asked["tool_calls"][0]["function"]["arguments"]) == {"arguments": '{"city": '}
    assert answered["content"] == "error: the arguments are not JSON"
    assert illegal("openai", sent(scripted)) == {}


def test_ten_thousand_calls_run_none(take, scripted):
    call = {"function": {"name": "weather", "arguments": '{"city": "Köln"}'}}
    calls = [{"index": n, **call} for n in range(10_000)]
    choice = {"delta": {"content": "So:", "tool_calls": calls}, "finish_reason": "tool_calls"}
    scripted.reply([lines({"choices": [choice]})])
    done = take("openai", "Rain?")
    assert done.error is not None
    assert (done.error.exit_code, take.tools.ran) == (7, [])
    assert "more than 100 tools" in done.error.message


def test_what_anthropic_pauses_goes_on_by_itself(take, scripted, store):
    used = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "x"}}

    def part(reason, *blocks):
        begun = [
            {"type": "content_block_start", "index": n, "content_block": b}
            for n, b in enumerate(blocks)
        ]
        # The vendor begins an input with an empty piece, also where the block has brought it.
        empty = {"type": "input_json_delta", "partial_json": ""}
        begun += [
            {"type": "content_block_delta", "index": n, "delta": empty}
            for n, b in enumerate(blocks)
            if "input" in b
        ]
        return [lines(*begun, {"type": "message_delta", "delta": {"stop_reason": reason}})]

    first, second = {"type": "text", "text": "Let me see. "}, {"type": "text", "text": "Rain."}
    third = {"type": "text", "text": " Sure."}
    scripted.reply(part("pause_turn", first, used))
    scripted.reply(part("pause_turn", second))
    scripted.reply(part("end_turn", third))
    done = take("anthropic", "Rain?")
    assert (done.error, done.reply.text) == (None, "Let me see. Rain. Sure.")
    question = {"role": "user", "content": "Rain?"}
    parts = [
        {"role": "assistant", "content": blocks} for blocks in ([first, used], [second], [third])
    ]
    assert [request.json["messages"] for request in scripted.requests] == [
        [question],
        [question, *parts[:1]],
        [question, *parts[:2]],
    ]
    scripted.reply(part("end_turn", third))
    take("anthropic", "And?", done.session.id)
    assert sent(scripted)["messages"][:-1] == [question, *parts]
