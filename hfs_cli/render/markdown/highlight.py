"""Highlight source code line by line, in the terminal's palette."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Token
from pygments.util import ClassNotFound
from rich.text import Text

from hfs_cli.sanitize import sanitize

# Only colours that are legible on a light and on a dark background.
_STYLES: dict[Any, str] = {
    Token.Keyword: "magenta",
    Token.Keyword.Constant: "cyan",
    Token.Keyword.Type: "cyan",
    Token.String: "green",
    Token.Literal: "cyan",
    Token.Comment: "dim italic",
    Token.Name.Builtin: "cyan",
    Token.Name.Function: "bold",
    Token.Name.Class: "bold",
    Token.Name.Decorator: "cyan",
    Token.Name.Tag: "magenta",
    Token.Name.Attribute: "cyan",
    Token.Operator.Word: "magenta",
    Token.Generic.Inserted: "green",
    Token.Generic.Deleted: "red",
    Token.Generic.Heading: "bold",
    Token.Generic.Subheading: "cyan",
    Token.Generic.Prompt: "dim",
    Token.Generic.Emph: "italic",
    Token.Generic.Strong: "bold",
}
MAX_CONTEXT = 256
"""The most lines that are read again to see whether a multi-line string is open."""
LONGEST_LINE = 1000
"""Code with longer lines is data that nobody reads, and can take a lexer very long."""
# Lexed after some code, this has other tokens if the code has left something open.
_PROBE = "if x = 1;\n"


class Highlighter:
    """Highlights the code of one fence, segment by segment.

    A lexer cannot be stopped and resumed, so each segment is lexed together with the lines since
    the last place where nothing was open.

    Args:
        language: The fence's language; code in an unknown one stays plain.
        context: The lines since then, from earlier segments.
    """

    def __init__(self, language: str, context: Sequence[str] = ()) -> None:
        self._language = language
        self._lexer = _lexer(language)
        self._context = list(context)

    def copy(self) -> Highlighter:
        """An independent copy in the same state."""
        return Highlighter(self._language, self._context)

    def lines(self, lines: Sequence[str]) -> list[Text]:
        """Highlight the next lines.

        Args:
            lines: Code without newlines.

        Returns:
            The same number of lines, safe to show.
        """
        plain = [Text(sanitize(line)) for line in lines]
        if self._lexer is None or any(len(line) > LONGEST_LINE for line in lines):
            return plain
        context = [*self._context, *lines]
        tokens = list(self._lexer.get_tokens("\n".join([*context, _PROBE])))
        # After `text = """` the probe's `if` is a part of a string, and not a keyword.
        is_open = _probe_kinds(tokens) != _probe_kinds(self._lexer.get_tokens(_PROBE))
        self._context = context[-MAX_CONTEXT:] if is_open else []
        colored = _lines(tokens)[len(context) - len(lines) : len(context)]
        # A lexer that loses or moves characters is not used.
        same = [text.plain for text in colored] == [text.plain for text in plain]
        return colored if same else plain


@cache
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language, stripnl=False) if language else None
    except ClassNotFound:
        return None


def _lines(tokens: Iterable[tuple[Any, str]]) -> list[Text]:
    shown = [Text()]
    for kind, value in tokens:
        style = _style(kind)
        first, *more = sanitize(value).split("\n")
        shown[-1].append(first, style)
        shown.extend(Text().append(line, style) for line in more)
    return shown


@cache
def _style(kind: Any) -> str:  # noqa: ANN401 - Pygments' tokens have no type
    while kind is not Token:
        if kind in _STYLES:
            return _STYLES[kind]
        kind = kind.parent
    return ""


def _probe_kinds(tokens: Iterable[tuple[Any, str]]) -> list[Any]:
    """The token type of each of the last characters."""
    kinds = [kind for kind, value in tokens for _ in value]
    return kinds[-len(_PROBE) :]
