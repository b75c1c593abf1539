"""A reply of each kind in each format, decoded whole and cut everywhere.

The bodies in `tests/providers/recorded` were written for this project in the vendors' shapes;
`index.json` has what a correct client ends with.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hfs_cli.config.settings import PROVIDER_TYPES
from hfs_cli.messages import Delta, Event, Finish, Reasoning, ToolCall, Usage
from tests.fuzz.inputs import REPLIES
from tests.providers.asking import WIRES, decoded, framed, text_of

FOLDER = Path(__file__).parents[1] / "recorded"
RECORDED = json.loads((FOLDER / "index.json").read_text())


def wire(row: dict[str, Any]) -> str:
    return Path(row["file"]).parent.name


def outcome(row: dict[str, Any], *chunks: bytes) -> tuple[Any, ...]:
    """What comes of a body, however its text was cut into pieces."""
    events, fault = decoded(wire(row), *chunks)
    others = [event for event in events if not isinstance(event, Delta | Reasoning)]
    return text_of(events), text_of(events, Reasoning), others, fault and fault.message


def last(events: list[Event], kind: type[Any]) -> Any:
    return next((event for event in reversed(events) if isinstance(event, kind)), None)


def test_every_format_has_replies():
    assert {wire(row) for row in RECORDED} == {*PROVIDER_TYPES} - {"local"}
    found = {str(file.relative_to(FOLDER)) for file in FOLDER.glob("*/*")}
    assert found == {row["file"] for row in RECORDED}


@pytest.mark.parametrize("wire", WIRES)
def test_what_the_fuzzer_changes_was_a_good_reply(wire):
    """A fuzzer that begins with one that is wrong finds nothing behind the first mistake."""
    events, fault = decoded(wire, framed(wire, *REPLIES[wire]))
    assert fault is None
    assert (text_of(events), text_of(events, Reasoning)) == ("Hi", "hm")
    assert last(events, Finish).reason in {"stop", "tool_calls"}
    assert last(events, Usage) is not None


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: row["file"])
class TestReplies:
    def test_all_that_the_vendor_said_is_read(self, row):
        events, fault = decoded(wire(row), (FOLDER / row["file"]).read_bytes())
        assert text_of(events) == row["text"]
        assert text_of(events, Reasoning) == row["reasoning"]
        assert [e.name for e in events if isinstance(e, ToolCall) and e.name] == row["calls"]
        assert last(events, Usage) == (Usage(*row["usage"]) if row["usage"] else None)
        finish = last(events, Finish)
        assert (finish and [finish.reason, finish.raw]) == row["finish"]
        assert (row["fault"] or "") in (fault.message if fault else "")
        assert (fault is None) == (row["fault"] is None)

    def test_a_call_carries_its_whole_input(self, row):
        events, _ = decoded(wire(row), (FOLDER / row["file"]).read_bytes())
        calls = "".join(event.arguments for event in events if isinstance(event, ToolCall))
        assert bool(calls) == bool(row["calls"])
        if calls:
            assert list(json.loads(calls)) == ["city"]

    def test_cuts_change_nothing(self, row):
        data = (FOLDER / row["file"]).read_bytes()
        whole = outcome(row, data)
        step = max(1, len(data) // 300)
        for at in {*range(0, len(data), step), *range(len(data) - 60, len(data))}:
            assert outcome(row, data[:at], data[at:]) == whole, at
        assert outcome(row, *(data[at : at + 1] for at in range(len(data)))) == whole

    def test_a_body_that_breaks_off_is_never_whole(self, row):
        data = (FOLDER / row["file"]).read_bytes()
        text, reasoning, *_ = outcome(row, data)
        for at in range(0, len(data), 7):
            cut_text, cut_reasoning, others, fault = outcome(row, data[:at])
            assert text.startswith(cut_text)
            assert reasoning.startswith(cut_reasoning)
            if fault is None:
                assert (cut_text, cut_reasoning) == (text, reasoning), at
                assert last(others, Finish).reason == row["finish"][0]
