"""Texts that one terminal draws wider than another: cut to fit any, in columns that stay in place.

Rich counts what a reader sees: a family of four emoji takes two columns, and a vowel sign of
Devanagari none. Many terminals add up code points instead, and draw the family in eight columns and
the sign in one (tmux 3.3a does both, seen on 2026-11-30).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

_EMOJI_STYLE = "\ufe0f"


def most_cells(text: str) -> int:
    """The most columns that any terminal takes for a text without control characters."""
    from rich.cells import cell_len

    counted = cell_len(text)
    if text.isascii():
        return counted
    return max(counted, sum(_more(character) or cell_len(character) for character in text))


def is_doubtful(text: str) -> bool:
    """Whether terminals draw a text in different widths."""
    from rich.cells import cell_len

    return most_cells(text) != cell_len(text)


def cut(text: Text, width: int) -> None:
    """Cut a text so that no terminal takes more columns for it.

    Args:
        width: The columns, at least 1.
    """
    room = width
    text.truncate(room, overflow="ellipsis")
    while room > 1 and most_cells(text.plain) > width:
        room -= 1
        text.truncate(room, overflow="ellipsis")


def placed(cells: Iterable[tuple[int, str]]) -> str:
    """A line of cells, each at its column, whatever was drawn before it (ECMA-48, CHA).

    Args:
        cells: The columns, from 0, and what is drawn there.
    """
    return "".join(f"\x1b[{at + 1}G{drawn}" for at, drawn in cells)


def _more(character: str) -> int:
    """The columns of a code point that Rich counts as a part of the one before it, at most."""
    if character == _EMOJI_STYLE or unicodedata.category(character) == "Mc":
        return 1
    # A skin, and half of a flag.
    apart = "\U0001f3fb" <= character <= "\U0001f3ff" or "\U0001f1e6" <= character <= "\U0001f1ff"
    return 2 if apart else 0
