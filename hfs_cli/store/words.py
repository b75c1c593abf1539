"""The words of a text as it is indexed and looked up, whatever the engine. Pure."""

import re
import unicodedata
from collections.abc import Iterator

# Scripts that are written without spaces. FTS5's tokenizer takes a run of letters for one
# word, so each of these characters is set apart; a word of several is then a phrase. It is
# compiled when first needed, which for most turns is never and takes a while.
_SPACELESS = (
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u3100-\u9fff\ua960-\ua97f"
    "\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff])"
)

_SET_APART = f"[\u0300-\u036f]|{_SPACELESS}"
# A call is found by its tool, its arguments and its result.
CALL = "tool_call.name || ' ' || tool_call.arguments || ' ' || tool_call.result"

# Characters that are normalised at a time.
_PIECE = 1 << 18


def words(text: str) -> str:
    """A text as it is indexed and looked up.

    Removing a text from an index needs exactly what was indexed: a change here needs a migration
    that empties the indexes and fills them anew.
    """
    return "".join(pieces(text))


def pieces(text: str) -> Iterator[str]:
    """As `words`, a piece at a time: a long text that is not ASCII takes much memory."""
    # FTS5 would stop reading at a NUL.
    text = text.replace("\0", " ")
    return iter([text]) if text.isascii() else map(_plain, _cut(text))


def _plain(text: str) -> str:
    # Dashes, quotation marks and the like have one form only, and most texts no more than these.
    if (
        unicodedata.is_normalized("NFD", text)
        and unicodedata.is_normalized("NFC", text)
        and not re.search(_SET_APART, text)
    ):
        return text
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if not is_accent(c))
    return re.sub(_SPACELESS, r" \1 ", unicodedata.normalize("NFC", plain))


def _cut(text: str) -> Iterator[str]:
    """A long text in pieces: taken apart into letters and marks as a whole, it fills the memory.

    No cut falls before what may join the character in front of it.
    """
    start = 0
    while start < len(text):
        end = start + _PIECE
        while end < len(text) and not _parts(text[end - 1], text[end]):
            end += 1
        yield text[start:end]
        start = end


def _parts(before: str, after: str) -> bool:
    """Whether Unicode's forms never depend on two characters standing side by side."""
    # A mark and a vowel or a tail of Hangul may also join what comes of those before it.
    if unicodedata.category(after).startswith("M") or "\u1160" <= after <= "\u11ff":
        return False
    return unicodedata.normalize("NFC", before + after) == (
        unicodedata.normalize("NFC", before) + unicodedata.normalize("NFC", after)
    )


def is_accent(character: str) -> bool:
    """Whether it is a combining mark of Latin, Greek or Cyrillic letters.

    FTS5 itself removes only those of Latin. In other scripts, such as Japanese kana, a mark makes
    another letter.
    """
    return "\u0300" <= character <= "\u036f"
