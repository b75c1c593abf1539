"""Words that depend on a number, and guesses at what a mistyped word means."""

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


def money(amount: float, decimals: int = 4) -> str:
    """An amount in any currency: ``1.00``, ``0.0282``, ``0.00031``; no exponent, no false zero.

    What is below a millionth of a millionth is an error of rounding.

    Args:
        decimals: How many an amount has at most, without zeros at their end; a small one has as
            many as two digits take.
    """
    exponent = int(f"{amount:.1e}".partition("e")[2])
    return _with_cents(f"{amount:.{min(max(decimals, 1 - exponent), 12)}f}")


def price(amount: float) -> str:
    """A price with the digits that it was given, and no exponent: ``10.00``, ``0.01875``."""
    from decimal import Decimal

    return _with_cents(f"{Decimal(repr(amount)):f}")


def _with_cents(digits: str) -> str:
    whole, _, part = digits.partition(".")
    return f"{whole}.{part.rstrip('0'):0<2}"


# Likeness as difflib has it. Of slips of a finger (a key missed, hit twice or too early) all are
# found, and of two in one word 83 to 99 %; 0.6, its default, takes "nope" for "openai".
_LIKENESS = 0.75
_SHORTEST_PART = 3
_BETWEEN_WORDS = str.maketrans("-_./:", "     ")


def near_names(typed: str, known: Iterable[str], most: int = 2) -> list[str]:
    """The known names that may have been meant by what was typed, the nearest first.

    These are names that are spelt much like it, then those that begin with it or hold it as whole
    words (``tokens``: max-tokens). Upper and lower case are the same.
    """
    from difflib import get_close_matches

    meant = typed.lower()
    names: dict[str, list[str]] = {}
    for name in known:
        names.setdefault(name.lower(), []).append(name)
    near = get_close_matches(meant, names, most, _LIKENESS)
    if len(meant) >= _SHORTEST_PART:
        words = f" {meant} ".translate(_BETWEEN_WORDS)
        near += [
            name
            for name in names
            if (name.startswith(meant) or words in f" {name} ".translate(_BETWEEN_WORDS))
            and name not in near
        ]
    return [name for lower in near for name in names[lower]][:most]


def did_you_mean(typed: str, known: Iterable[str], most: int = 2, *, otherwise: str = "") -> str:
    """The end of an error about an unknown name: ``: did you mean chat?``.

    Args:
        most: How many guesses are worth reading.
        otherwise: The end of the error if no name is near.
    """
    near = near_names(typed, known, most)
    return f": did you mean {' or '.join(near)}?" if near else otherwise
