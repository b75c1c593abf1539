"""Stream events: what is equal to what."""

from __future__ import annotations

from itertools import permutations

import pytest

from hfs_cli.messages import Delta, Finish, Reasoning, ToolCall, Usage

ALIKE = [Delta("x"), Reasoning("x"), ToolCall("x", "stop"), Finish("stop", "x"), ("x",), "x"]


@pytest.mark.parametrize(("one", "other"), [*permutations(ALIKE, 2)])
def test_events_of_different_kinds_are_never_equal(one, other):
    assert one != other
    assert (one == other) is False
    assert len({one, other}) == 2


@pytest.mark.parametrize("make", [Delta, Reasoning, ToolCall, lambda raw: Finish("stop", raw)])
def test_events_of_one_kind_are_equal_by_their_values(make):
    assert make("x") == make("x")
    assert make("x") != make("y")
    assert hash(make("x")) == hash(make("x"))


def test_an_event_shows_what_it_holds():
    shown = repr([Delta("x"), ToolCall("f", "{}", "c1", 0), Finish("stop", "end_turn")])
    assert shown.startswith("[Delta('x'), ToolCall('f', '{}', 'c1', 0), Finish('stop', '")


def test_counts_are_not_an_event_of_another_kind():
    assert Usage(1, 2) not in [Delta("x"), Finish("stop", "x")]
