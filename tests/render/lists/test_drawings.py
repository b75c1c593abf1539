"""Timelines, trees and hits on a terminal."""

from datetime import UTC, datetime

from hfs_cli.conversations import Branch, Checkpoint
from hfs_cli.messages import Session
from hfs_cli.render.lists.family import _marks, _stem, _track, columns
from hfs_cli.render.lists.stats import bar, short, sparkline

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
    assert [short(n) for n in (0, 999, 1000, 19_960, 1_234_567, 10**10)] == [
        "0",
        "999",
        "1.0 k",
        "20 k",
        "1.2 M",
        "10 G",
    ]
    assert (bar(1), bar(0.5), bar(0)) == ("█" * 14, "█" * 7, "▏")
    assert sparkline([0, 1, 2, 4, 8]) == "▁▂▃▅█"
    assert sparkline([0, 0]) == "▁▁"
