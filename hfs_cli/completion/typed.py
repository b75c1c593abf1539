"""What the words of a command line say, as far as Tab needs to know."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # typing's own costs 5 ms
if TYPE_CHECKING:
    from collections.abc import Sequence

# Commands whose argument names the session, and their options that take a value.
_NAME_IT = (["sessions", "fork"], ["sessions", "rewind"])
_WITH_VALUE = {"--at", "--to", "-n", "--name", "--owner"}


def values_of(words: Sequence[str], *option: str) -> list[str]:
    """The values that an option has so far, in order; of two words, the first.

    Args:
        words: The command line so far.
        option: Its spellings.
    """
    values = []
    for word, after in zip(words, [*words[1:], None], strict=True):
        name, equals, value = word.partition("=")
        if word in option and after is not None:
            values.append(after)
        elif name in option and equals and name.startswith("--"):
            values.append(value)
    return values


def session_meant(words: Sequence[str]) -> str:
    """The REF of the session that a command line is about; without any it is the last used."""
    if [*words[1:3]] in _NAME_IT:
        left = iter(words[3:])
        for word in left:
            if word in _WITH_VALUE:
                next(left, None)
            elif not word.startswith("-"):
                return word
    elif named := values_of(words, "-S", "--session"):
        return named[-1]
    elif {"-c", "--continue"} & {*words}:
        return "@last"
    return os.environ.get("HFS_SESSION") or "@last"
