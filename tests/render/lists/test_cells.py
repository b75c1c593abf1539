"""Texts that terminals draw in different widths are cut to fit any of them."""

import pytest
from rich.cells import cell_len
from rich.text import Text

from hfs_cli.render.lists.cells import cut, is_doubtful, most_cells, placed


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("plain", 5),
        ("日本語", 6),
        ("e\u0301", 1),
        ("\u05e9\u05dc\u05d5\u05dd", 4),
        ("\u0928\u092e\u0938\u094d\u0924\u0947", 4),
        # A vowel sign that stands beside its consonant, a family, a flag, a skin, a sign as emoji.
        ("\u0915\u093e", 2),
        ("\U0001f469\u200d\U0001f469\u200d\U0001f467", 6),
        ("\U0001f1e8\U0001f1ed", 4),
        ("\U0001f44d\U0001f3fd", 4),
        ("\u26a0\ufe0f", 2),
    ],
)
def test_the_most_columns_that_a_terminal_takes(text, most):
    assert most_cells(text) == most >= cell_len(text)
    assert is_doubtful(text) == (most != cell_len(text))


@pytest.mark.parametrize("width", [1, 2, 3, 7, 15])
def test_what_was_cut_fits_any_terminal(width):
    for word in ("\U0001f469\u200d\U0001f467 ", "\u0915\u093e", "日本", "abc "):
        text = Text(word * 9)
        cut(text, width)
        # Of one column, a wide character and an ellipsis, the ellipsis is left.
        assert most_cells(text.plain) <= max(width, 1)
        assert "…" in text.plain


def test_cells_are_drawn_at_their_columns():
    assert placed([(0, "a"), (9, "b")]) == "\x1b[1Ga\x1b[10Gb"
