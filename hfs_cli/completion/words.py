"""The words that depend on the user: what ``hfs __complete KIND PREFIX WORDS...`` prints.

Runs at each press of Tab, so it loads neither click nor peewee, and whatever goes wrong
it says nothing: a message in the middle of somebody's command line helps nobody.
"""

from __future__ import annotations

import sys

from hfs_cli.sanitize import sanitize_line

TYPE_CHECKING = False  # typing's own costs 5 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import ModuleType

    Word = tuple[str, str]

MOST_WORDS = 200


def answer(arguments: Sequence[str]) -> None:
    """Print the words of a kind that begin with a prefix: word, tab, description, newline.

    Args:
        arguments: The kind (or several, joined by +), the prefix, and the words before it, as the
            completion script passes them.
    """
    try:
        kinds, prefix, *words = arguments
        lines = [
            f"{word}\t{sanitize_line(description)}\n"
            for kind in kinds.split("+")
            for word, description in _words(kind, prefix, words)
            # A word with control characters could not be typed.
            if word.startswith(prefix) and sanitize_line(word) == word
        ]
        sys.stdout.buffer.write("".join(lines[:MOST_WORDS]).encode(errors="replace"))
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt):  # noqa: BLE001, S110  (see above)
        pass


def _words(kind: str, prefix: str, words: Sequence[str]) -> Iterable[Word]:
    """All words of a kind; only the database is asked for those that fit alone.

    Args:
        words: What stands in front.
    """
    if kind in {"sessions", "checkpoints", "owners"}:
        found: Iterable[Word] = getattr(_of_sessions(words), kind)(prefix, MOST_WORDS)
        return found
    from hfs_cli.completion import config_words

    before = words[-1] if words else ""
    if kind == "values":
        # Of a setting that is a model, the models are its values.
        kind, choices = config_words.values(before)
        if choices:
            return choices
    if kind == "models":
        # Of several descriptions of a model the first one found is the most telling.
        models: dict[str, str] = {}
        for model, description in (
            *config_words.models(),
            *_of_sessions(words).models_used(prefix),
        ):
            models.setdefault(model, description)
        return models.items()
    return _OF_CONFIG[kind](config_words, prefix, before)


def _of_sessions(words: Sequence[str]) -> ModuleType:
    """What reads them where they are kept."""
    from hfs_cli.completion import session_words

    if not session_words.are_on_server():
        return session_words
    from hfs_cli.completion import server_words

    server_words.heed(words)
    return server_words


_OF_CONFIG: dict[str, Callable[[ModuleType, str, str], Iterable[Word]]] = {
    "providers": lambda words, _, __: words.providers(),
    "settings": lambda words, prefix, before: words.keys(prefix, only_set=before == "unset"),
    "profiles": lambda words, _, __: words.profiles(),
    "tools": lambda words, _, __: words.tools(),
    "templates": lambda words, _, __: words.templates(),
    "weights": lambda words, prefix, _: words.weights(prefix),
    "": lambda _, __, ___: (),
}
