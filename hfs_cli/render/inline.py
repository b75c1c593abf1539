"""Inline Markdown as styled text: emphasis, code, links with their addresses."""

from __future__ import annotations

from dataclasses import dataclass

from markdown_it.tree import SyntaxTreeNode
from rich.text import Text

from hfs_cli.sanitize import sanitize

_STYLES = {"em": "italic", "strong": "bold", "s": "strike"}
_CODE = "cyan"
_URL = "dim"
_TASKS = {"[ ] ": "☐ ", "[x] ": "☑ ", "[X] ": "☑ "}


@dataclass(frozen=True)
class Inline:
    """Lays out the inline content of one block.

    Args:
        color: Styles are shown; without them the source's own marks stay in the text.
    """

    color: bool

    def text(self, node: SyntaxTreeNode) -> Text:
        """The content of an ``inline`` node; newlines are those of the source.

        Args:
            node: The node; its children are the inline tokens.
        """
        text = Text()
        for child in node.children:
            self._append(text, child)
        return text

    def _append(self, text: Text, node: SyntaxTreeNode) -> None:
        match node.type:
            case "text" | "text_special" | "html_inline":
                text.append(sanitize(node.content))
            case "softbreak" | "hardbreak":
                text.append("\n")
            case "code_inline":
                content = sanitize(node.content)
                marks = "" if self.color else node.markup
                text.append(f"{marks}{content}{marks}", _CODE)
            case "em" | "strong" | "s":
                self._emphasis(text, node)
            case "link":
                self._link(text, node, str(node.attrs.get("href", "")))
            case "image":
                self._link(text, node, str(node.attrs.get("src", "")))

    def _inside(self, node: SyntaxTreeNode) -> Text:
        inside = Text()
        for child in node.children:
            self._append(inside, child)
        return inside

    def _emphasis(self, text: Text, node: SyntaxTreeNode) -> None:
        inside = self._inside(node)
        if not self.color:
            text.append(node.markup).append_text(inside).append(node.markup)
            return
        inside.stylize(_STYLES[node.type])
        text.append_text(inside)

    def _link(self, text: Text, node: SyntaxTreeNode, address: str) -> None:
        """The words, then the address, unless it is what the words already say."""
        inside = self._inside(node)
        words = inside.plain
        inside.stylize("underline")
        text.append_text(inside)
        address = sanitize(address)
        title = sanitize(str(node.attrs.get("title", "")))
        said = address.removeprefix("mailto:") == words and not title
        if not said:
            more = f"{address} “{title}”" if title else address
            text.append(f" ({more})" if words else f"({more})", _URL)
