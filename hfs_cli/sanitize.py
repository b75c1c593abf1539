"""Make any text safe to show on a terminal. The one sanitiser, used at every edge."""

from functools import cache

# Newline and tab stay. Escaped are C0, DEL, C1 (a terminal may take U+009B for CSI), the
# bidirectional controls of Unicode's UAX #9, line and paragraph separators, and lone surrogates,
# which cannot be encoded at all.
_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SEPARATORS = (0x2028, 0x2029)
_UNSAFE = (*(c for c in range(0x20) if c not in {0x09, 0x0A}), *range(0x7F, 0xA0), *_BIDI)


# `str.isprintable` is false for all of these, so printable text is safe as it is. The tables are
# built when they are first needed: most commands have nothing to escape.
@cache
def _table() -> dict[int, str]:
    return {
        code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
        for code in (*_UNSAFE, *_SEPARATORS, *range(0xD800, 0xE000))
    }


@cache
def _line_table() -> dict[int, str]:
    return _table() | {0x09: "\\t", 0x0A: "\\n"}


@cache
def _json_table() -> dict[int, str]:
    """Escapes for inside a JSON string, which parse back to the same characters."""
    return {code: f"\\u{code:04x}" for code in _table()}


def sanitize(text: str) -> str:
    r"""Escape everything in `text` that could control a terminal, except newline and tab.

    Each character is treated by itself, so a control sequence that is split over two pieces of a
    stream is escaped too.

    Returns:
        The text, with control characters written as ``\x1b`` or ``\u202e``.
    """
    return text if text.isprintable() else text.translate(_table())


def sanitize_line(text: str) -> str:
    r"""Like `sanitize`, for text that must stay on one line: newline and tab escaped too."""
    return text if text.isprintable() else text.translate(_line_table())


def sanitize_json(document: str) -> str:
    r"""Escape what is unsafe in a JSON document, whose value stays the same.

    Args:
        document: JSON text whose only raw control characters are layout newlines.
    """
    if document.isascii() and "\x7f" not in document:
        return document
    return document.translate(_json_table())


class StreamSanitizer:
    r"""`sanitize` for a text that comes in pieces, in which CR LF becomes a newline.

    The result does not depend on where the text was cut: a CR at the end of a piece is held back
    until the next, and so is the first half of a surrogate pair.
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """The safe form of the next piece, of which one character may be held back."""
        text = self._held + text
        self._held = ""
        if text and (text[-1] == "\r" or "\ud800" <= text[-1] <= "\udbff"):
            text, self._held = text[:-1], text[-1]
        return sanitize(_joined(text).replace("\r\n", "\n"))

    def flush(self) -> str:
        """What was still held back when the text ended."""
        held, self._held = self._held, ""
        return sanitize(held)


def _joined(text: str) -> str:
    """Join surrogate pairs into the characters that they encode; lone surrogates stay."""
    if text.isascii() or not any("\ud800" <= c <= "\udbff" for c in text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
