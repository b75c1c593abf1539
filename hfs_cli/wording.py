"""Words that depend on a number, or on what somebody may have meant to type."""

from __future__ import annotations

TYPE_CHECKING = False  # typing's own costs 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterable


def plural(count: int, noun: str) -> str:
    """A number of things, whose plural ends in s: ``1 session``, ``2 sessions``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def data_size(count: int) -> str:
    """A number of bytes: ``12 B``, ``1.2 kB``, ``3.4 MB``, ``5.6 GB``."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


def short_count(count: int) -> str:
    """A count in few characters: 950, 20 k, 1.2 M."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size:
            value = count / size
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    return str(count)


def near_names(typed: str, known: Iterable[str], most: int = 2, likeness: float = 0.6) -> list[str]:
    """The known names that are spelt nearly as what was typed, the nearest first.

    Args:
        likeness: Of those that count as near, from 0 to 1.
    """
    from difflib import get_close_matches

    return get_close_matches(typed, list(known), most, likeness)


def did_you_mean(typed: str, known: Iterable[str], most: int = 2, *, otherwise: str = "") -> str:
    """The end of an error about an unknown name: ``: did you mean chat?``.

    Args:
        most: How many guesses are worth reading.
        otherwise: The end of the error if no name is near.
    """
    near = near_names(typed, known, most)
    return f": did you mean {' or '.join(near)}?" if near else otherwise
