"""Cut out the part of a text that holds the words of a search. Pure."""

import re
import unicodedata
from collections.abc import Sequence

from hfs_cli.store.words import is_accent

# Only this many characters of a text are looked at: the snippet is an aid, not the search.
_LOOKED_AT = 200_000
_BEFORE = 24


def terms(query: str) -> list[str]:
    """The single words of a query, folded as the index folds them.

    Operators of the FTS5 syntax are left out.
    """
    found = re.findall(r"\w+", _fold(query)[0])
    return [w for w in dict.fromkeys(found) if w not in {"and", "or", "not", "near"}]


def snippet(
    text: str, words: Sequence[str], width: int = 160
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The first place where many of the words are close together.

    Args:
        text: The whole text.
        words: What `terms` returned.
        width: The snippet's length, in characters.

    Returns:
        One line of text, with "…" where it was cut, and where in it the words are.
    """
    text = " ".join(text[:_LOOKED_AT].split())
    matches = _matches(text, words)
    before = min(_BEFORE, width // 4)
    start = 0
    if len(text) > width:
        best = _best_start(matches, width - before)
        start = max(0, best - before)
        # Begin with a whole word, if one begins before the first match.
        space = text.find(" ", start, best) if start else -1
        start = space + 1 if space >= 0 else start
    part = text[start : start + width]
    lead, tail = ("… " if start else ""), ("…" if start + width < len(text) else "")
    shift = len(lead) - start
    spans = tuple(
        (a + shift, b + shift) for a, b in matches if start <= a and b <= start + len(part)
    )
    return lead + part + tail, spans


def _matches(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    if not words:
        return []
    folded, origin = _fold(text)
    alternatives = "|".join(
        # In a script without spaces a word stands among other letters; elsewhere it stands alone.
        re.escape(w) if ord(w[0]) > 0xE00 else rf"(?<!\w){re.escape(w)}(?!\w)"
        for w in sorted(words, key=len, reverse=True)
    )
    return [(origin[m.start()], origin[m.end() - 1] + 1) for m in re.finditer(alternatives, folded)]


def _fold(text: str) -> tuple[str, Sequence[int]]:
    """Text in lower case without accents, and the original place of each character."""
    if text.isascii():
        return text.lower(), range(len(text))
    folded: list[str] = []
    origin: list[int] = []
    for place, character in enumerate(text):
        for part in unicodedata.normalize("NFD", character.lower()):
            if not is_accent(part):
                folded.append(part)
                origin.append(place)
    return "".join(folded), origin


def _best_start(matches: Sequence[tuple[int, int]], width: int) -> int:
    """The start of the `width` characters that hold the most matches."""
    best, most, end = 0, 0, 0
    for begin, (start, _) in enumerate(matches):
        while end < len(matches) and matches[end][1] <= start + width:
            end += 1
        if end - begin > most:
            best, most = start, end - begin
    return best
