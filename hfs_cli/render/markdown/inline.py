"""Inline Markdown as styled text: emphasis, code, links with their addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from rich.text import Text

from hfs_cli.markdown.parser import TASKS, inline_tokens
from hfs_cli.sanitize import sanitize

_STYLES = {"em_open": "italic", "strong_open": "bold", "s_open": "strike"}
_CODE = "cyan"
_LINK = "underline"
_URL = "dim"
_WRAPPED = 60
"""After this many characters a newline is wrapped prose; after fewer it may be verse."""


@dataclass(frozen=True)
class Inline:
    """Lays out the inline content of blocks.

    Args:
        color: Show styles; otherwise the marks of the source stay in the text.
    """

    color: bool

    def text(self, tokens: Sequence[Token], *, item: bool = False) -> Text:
        """The text of some inline tokens, with the line breaks that were meant.

        Args:
            tokens: The tokens.
            item: They are the beginning of a list item, which may be a task with a box.
        """
        text = Text()
        # The open marks, and where they began. Not a recursion, because nesting has no limit.
        open_marks: list[tuple[Token, int]] = []
        line = 0
        for token in tokens:
            if token.type in {"softbreak", "hardbreak"}:
                wrapped = token.type == "softbreak" and len(text) - line >= _WRAPPED
                text.append(" " if wrapped else "\n")
                line = len(text)
            elif token.nesting == 1:
                open_marks.append((token, len(text)))
                text.append(self._mark(token))
            elif token.nesting == -1:
                opening, start = open_marks.pop()
                text.append(self._mark(token))
                if opening.type == "link_open":
                    _address(text, start, opening, str(opening.attrs.get("href", "")))
                else:
                    text.stylize(_STYLES[opening.type], start)
            else:
                self._leaf(text, token)
        if item and (box := TASKS.get(text.plain[:4])):
            return Text(box).append_text(text[4:])
        return text

    def _mark(self, token: Token) -> str:
        return "" if self.color or token.type.startswith("link") else token.markup

    def _leaf(self, text: Text, token: Token) -> None:
        match token.type:
            case "code_inline":
                marks = "" if self.color else token.markup
                text.append(f"{marks}{sanitize(token.content)}{marks}", _CODE)
            case "image":
                start = len(text)
                text.append_text(self.text(token.children or []))
                _address(text, start, token, str(token.attrs.get("src", "")))
            case _:
                text.append(sanitize(token.content))


def _address(text: Text, start: int, token: Token, address: str) -> None:
    """Append a link's address and title to its words, unless they are the address."""
    words = text.plain[start:]
    text.stylize(_LINK, start)
    address = sanitize(address)
    title = " ".join(sanitize(str(token.attrs.get("title", ""))).split())
    if title or address.removeprefix("mailto:") != words:
        target = f"{address} “{title}”" if title else address
        text.append(f" ({target})" if words else f"({target})", _URL)


def content_of(node: SyntaxTreeNode) -> list[Token]:
    """The inline tokens of a paragraph, a heading or a table cell."""
    return inline_tokens(node.children[0].token if node.children else None)
