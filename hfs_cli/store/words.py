"""Prepare a text so that FTS5's tokenizer finds its words, whatever the engine. Pure."""

import re
import unicodedata
from collections.abc import Iterator, Mapping

# Scripts that are written without spaces. FTS5's tokenizer takes a run of letters for one
# word, so a blank is put around each of these characters; a word of several is then a phrase. The
# pattern takes a while to compile, and most turns never need it.
_SPACELESS = (
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u3100-\u9fff\ua960-\ua97f"
    "\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)

_ACCENTS = "[\u0300-\u036f]+"
_SET_APART = f"{_ACCENTS}|{_SPACELESS}"
# A call is found by its tool, its arguments and its result.
CALL = "tool_call.name || ' ' || tool_call.arguments || ' ' || tool_call.result"

# Characters that are normalised at a time.
_PIECE = 1 << 18


def of_call(columns: Mapping[str, object]) -> str:
    """The text of a call that has a result, by the names of its columns: as `CALL`."""
    return f"{columns['name']} {columns['arguments']} {columns['result']}"


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
    # Most texts that are not ASCII have dashes, quotation marks and the like, which have one form.
    if (
        unicodedata.is_normalized("NFD", text)
        and unicodedata.is_normalized("NFC", text)
        and not re.search(_SET_APART, text)
    ):
        return text
    plain = unicodedata.normalize("NFC", re.sub(_ACCENTS, "", unicodedata.normalize("NFD", text)))
    return re.sub(f"{_SPACELESS}+", lambda run: f" {'  '.join(run[0])} ", plain)


def _cut(text: str) -> Iterator[str]:
    """A long text in pieces: normalising the whole of it at once would fill the memory.

    No cut falls where two characters may combine.
    """
    start = 0
    while start < len(text):
        end = start + _PIECE
        while end < len(text) and not _may_cut(text[end - 1], text[end]):
            end += 1
        yield text[start:end]
        start = end


def _may_cut(before: str, after: str) -> bool:
    """Whether two characters that stand side by side are normalised as each is alone."""
    # A mark, and a vowel or a final consonant of Hangul, may also combine with what the characters
    # before it have become.
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
