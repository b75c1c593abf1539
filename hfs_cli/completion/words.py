"""The completions that depend on the user: what ``hfs __complete KIND PREFIX WORD...`` prints.

This runs at each press of Tab, so it imports neither click nor peewee. If anything goes wrong it
prints nothing: a message in the middle of a command line helps nobody.
"""

from __future__ import annotations

import sys

from hfs_cli.sanitize import sanitize_line

TYPE_CHECKING = False  # typing's own costs 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

    from hfs_cli.completion.server_words import ServerWords

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
    """All words of a kind, or, from the database, only those that match the prefix."""
    found: Iterable[Word]
    if kind in {"sessions", "checkpoints", "messages", "owners"}:
        of_one = (words,) if kind == "messages" else ()
        found = getattr(_of_sessions(words), kind)(prefix, MOST_WORDS, *of_one)
        return found
    from hfs_cli.completion import config_words

    before = words[-1] if words else ""
    if kind == "values":
        # The values of a setting may be of another kind, such as models.
        kind, choices = config_words.values(before)
        if not kind:
            return choices
    if kind == "models":
        # If a model is found several times, its first description says the most.
        models: dict[str, str] = {}
        for model, description in (
            *config_words.models(),
            *_of_sessions(words).models_used(prefix),
        ):
            models.setdefault(model, description)
        return models.items()
    match kind:
        case "settings":
            found = config_words.keys(prefix, only_set=before == "unset")
        case "weights":
            found = config_words.weights(prefix)
        case "placeholders":
            found = config_words.placeholders(words)
        case _:
            found = getattr(config_words, kind)()
    return found


def _of_sessions(words: Sequence[str]) -> ModuleType | ServerWords:
    """The functions that read sessions: from a file, or from a server."""
    from hfs_cli.completion import session_words

    if not session_words.are_on_server():
        return session_words
    from hfs_cli.completion.server_words import ServerWords

    return ServerWords(words)
