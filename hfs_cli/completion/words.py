"""The words that depend on the user: what ``hfs __complete KIND PREFIX`` prints.

Runs at each press of Tab, so it loads neither click nor peewee, and whatever goes wrong
it says nothing: a message in the middle of somebody's command line helps nobody.
"""

from __future__ import annotations

import sys

from hfs_cli.sanitize import sanitize_line

TYPE_CHECKING = False  # typing's own costs 5 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Word = tuple[str, str]

MOST_WORDS = 200


def answer(arguments: Sequence[str]) -> None:
    """Print the words of a kind that begin with a prefix: word, tab, description, newline.

    Args:
        arguments: The kind (or several, joined by +) and the prefix, as the completion
            script gives them.
    """
    try:
        kinds, prefix = arguments
        lines = [
            f"{word}\t{sanitize_line(description)}\n"
            for kind in kinds.split("+")
            for word, description in _KINDS[kind](prefix)
            # What a terminal must not see raw cannot be typed either.
            if word.startswith(prefix) and sanitize_line(word) == word
        ]
        sys.stdout.buffer.write("".join(lines[:MOST_WORDS]).encode(errors="replace"))
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt):  # noqa: BLE001, S110  (see above)
        pass


def _sessions(prefix: str) -> Iterable[Word]:
    from hfs_cli.completion.session_words import sessions

    return sessions(prefix, MOST_WORDS)


def _checkpoints(prefix: str) -> Iterable[Word]:
    from hfs_cli.completion.session_words import checkpoints

    return checkpoints(prefix, MOST_WORDS)


def _models(prefix: str) -> Iterable[Word]:
    from hfs_cli.completion import config_words, session_words

    # Of several descriptions of a model the first one found is the most telling.
    found: dict[str, str] = {}
    for model, description in (*config_words.models(), *session_words.models_used(prefix)):
        found.setdefault(model, description)
    return found.items()


def _providers(_prefix: str) -> Iterable[Word]:
    from hfs_cli.completion.config_words import providers

    return providers()


def _settings(_prefix: str) -> Iterable[Word]:
    from hfs_cli.completion.config_words import keys

    return keys()


def _profiles(_prefix: str) -> Iterable[Word]:
    from hfs_cli.completion.config_words import profiles

    return profiles()


_KINDS: dict[str, Callable[[str], Iterable[Word]]] = {
    "sessions": _sessions,
    "checkpoints": _checkpoints,
    "models": _models,
    "providers": _providers,
    "settings": _settings,
    "profiles": _profiles,
}
