"""Timelines, trees and hits on a terminal."""

from datetime import UTC, datetime

import pytest

from hfs_cli.conversations import Branch, Checkpoint
from hfs_cli.messages import Session
from hfs_cli.render.lists.family import _marks, _stem, _track, columns
from hfs_cli.render.lists.stats import bar, sparkline
from hfs_cli.wording import short_count
from tests.render.terminals import run_in_terminal

NOW = datetime(2026, 11, 22, 18, 5, tzinfo=UTC)


def branch(number, parent=None, at=None, turns=(), marks=(), depth=0):
    count = turns[-1] if turns else at or 0
    session = Session(
        number, f"{number:032}", f"s{number}", None, count, NOW, NOW, None, parent, at
    )
    checkpoints = tuple(Checkpoint(n, number, p, label, NOW) for n, (p, label) in enumerate(marks))
    return Branch(session, "fork" if parent else "chat", True, depth, turns, checkpoints)


def drawn(family, step=3, skipped=0):
    placed = columns(family)
    return [_track(b, placed[b.session.id], step, skipped).plain for b in family]


def test_a_branch_stands_under_the_turn_it_parted_from():
    family = [
        branch(1, turns=(2, 4, 6), marks=[(4, "draft"), (6, None)]),
        branch(2, 1, 4, (6, 8), depth=1),
    ]
    assert drawn(family) == ["o──◆──◇", "   └──o──o"]
    assert drawn(family, step=1) == ["o◆◇", " └oo"]


def test_a_fork_of_what_its_parent_shares_stands_under_the_grandparent():
    family = [
        branch(1, turns=(2, 4, 6)),
        branch(2, 1, 6, (8,), depth=1),
        branch(3, 2, 2, (4,), depth=2),
    ]
    assert columns(family) == {1: (0, 3), 2: (3, 4), 3: (1, 2)}


def test_a_named_checkpoint_shows_over_an_automatic_one():
    assert _marks(branch(1, turns=(2, 4), marks=[(2, None), (2, "x"), (2, None)])) == ["◆", "o"]


def test_what_does_not_fit_is_elided_from_the_left():
    long = [branch(1, turns=tuple(range(2, 202, 2)))]
    assert drawn(long, step=1, skipped=90) == ["…" + "o" * 10]


def test_the_tree_joins_siblings():
    family = [branch(n, depth=d) for n, d in enumerate((0, 1, 2, 2, 1, 2), 1)]
    assert [_stem(family, place) for place in range(6)] == [
        "",
        "├─ ",
        "│  ├─ ",
        "│  └─ ",
        "└─ ",
        "   └─ ",
    ]


def test_counts_are_short_and_bars_have_a_length():
    assert [short_count(n) for n in (0, 999, 1000, 19_960, 1_234_567, 10**10)] == [
        "0",
        "999",
        "1.0 k",
        "20 k",
        "1.2 M",
        "10 G",
    ]
    assert (bar(1, 14), bar(0.5, 14), bar(0, 14)) == ("█" * 14, "█" * 7, "▏")
    assert sparkline([0, 1, 2, 4, 8]) == "▁▂▃▅█"
    assert sparkline([0, 0]) == "▁▁"


TREE = """
from datetime import datetime, timezone
from hfs_cli.conversations import Branch, SearchHit
from hfs_cli.messages import Session
now = datetime(2026, 11, 22, 18, 5, tzinfo=timezone.utc)
name = "What is it?... - 2026-11-22_18-05"
family = [
    Branch(Session(1, "1" * 32, name, None, 4, now, now), "chat", True, 0, (2, 4)),
    Branch(Session(2, "2" * 32, "b", None, 4, now, now, None, 1, 2), "fork", True, 1, (4,)),
]
hit = SearchHit(2, name, 5, 3, "user", "complete", now, "the word here", ((4, 8),), 0.0)
named = SearchHit(1, name, None, None, None, None, now, name, (), 0.0)
from hfs_cli.render.lists.family import show_timeline, show_tree
from hfs_cli.render.lists.search import show_hits
"""


def test_only_what_is_meant_to_be_dim_or_coloured_is():
    seen = run_in_terminal(TREE + "show_tree(family, current_id=2)")
    assert "├─ " not in seen.lines[1]
    assert b"\x1b[1mb\x1b[0m\x1b[2m  4 messages" in seen.raw
    seen = run_in_terminal(TREE + "show_hits([hit], now=now)")
    assert b"\x1b[36m2\xc2\xb73\x1b[0m" in seen.raw
    assert b"\x1b[1mword\x1b[0m here" in seen.raw


@pytest.mark.parametrize("columns", [34, 40, 80])
def test_a_found_name_loses_its_date_before_it_is_cut(columns):
    seen = run_in_terminal(TREE + "show_hits([named], now=now)", columns=columns)
    assert "What is it?..." in seen.lines[0]
    assert "…" not in seen.lines[0]
