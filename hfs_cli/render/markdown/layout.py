"""Lay out Markdown blocks as lines of styled text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from markdown_it.tree import SyntaxTreeNode
from rich.console import Console
from rich.text import Text

from hfs_cli.markdown.blocks import Block, Unit
from hfs_cli.markdown.fences import CodeLines, FenceLine
from hfs_cli.render.markdown.highlight import Highlighter
from hfs_cli.render.markdown.inline import Inline, content_of
from hfs_cli.sanitize import sanitize

_HEADINGS = {"h1": "bold underline", "h2": "bold cyan", "h3": "bold"}
_DIM = "dim"
_LIST = {"bullet_list", "ordered_list"}
_ALIGNED: dict[str, Literal["left", "center", "right"]] = {
    "text-align:right": "right",
    "text-align:center": "center",
}
_RULE_WIDTH = 40
_MIN_COLUMN = 6
MIN_WIDTH = 8
"""Nesting never makes text narrower than this many columns, or than the terminal."""


@dataclass
class Layout:
    """Turns blocks into lines; keeps the state of an open code fence.

    Args:
        console: For measuring and wrapping; nothing is printed to it.
        color: Show styles; otherwise the marks of the source stay in the text.
        highlighter: That of an open fence.
    """

    console: Console
    color: bool
    highlighter: Highlighter | None = None

    def lines(self, units: Sequence[Unit], width: int) -> Iterator[Text]:
        """The lines of some blocks, in order.

        Args:
            units: Blocks from a `Splitter`.
            width: Columns to wrap prose to; code is never wrapped.
        """
        width = max(width, 2)  # the width of a wide character
        for unit in units:
            if not isinstance(unit, CodeLines) and unit.gap:
                yield Text()
            if isinstance(unit, Block):
                root = SyntaxTreeNode(list(unit.tokens))
                writer = _Writer(self.console, Inline(color=self.color), unit.source)
                yield from writer.children(root, width)
            elif isinstance(unit, FenceLine):
                self.highlighter = None if unit.language is None else Highlighter(unit.language)
                yield Text(sanitize(unit.text), _DIM)
            elif self.highlighter:
                yield from self.highlighter.lines(unit.lines)

    def copy(self) -> Layout:
        """An independent copy in the same state."""
        return Layout(self.console, self.color, self.highlighter and self.highlighter.copy())


@dataclass(frozen=True)
class _Writer:
    """Lays out one block.

    Args:
        source: The lines that the nodes' maps refer to.
    """

    console: Console
    inline: Inline
    source: Sequence[str]

    def children(self, node: SyntaxTreeNode, width: int) -> Iterator[Text]:
        """The blocks in a node, with the blank lines of the source between them."""
        for index, child in enumerate(node.children):
            if index and child.map and not self.source[child.map[0] - 1].strip(" \t>"):
                yield Text()
            yield from self.block(child, width)

    def block(self, node: SyntaxTreeNode, width: int) -> Iterator[Text]:
        """One block of any kind."""
        match node.type:
            case "paragraph":
                yield from self._wrap(self._text(node), width)
            case "heading":
                yield from self._wrap(self._heading(node), width)
            case "bullet_list" | "ordered_list":
                yield from self._list(node, width)
            case "blockquote":
                bar = Text("│ ", _DIM)
                yield from _prefixed(self.children(node, _inner(width, 2)), bar, bar)
            case "fence":
                yield from self._fence(node)
            case "code_block" | "html_block":
                indent = "    " if node.type == "code_block" else ""
                for line in node.content.removesuffix("\n").split("\n"):
                    yield Text(indent + sanitize(line), "" if indent else _DIM)
            case "hr":
                yield Text("─" * min(width, _RULE_WIDTH), _DIM)
            case "table":
                yield from _grid(self.console, node, self.inline, width)
            case "definition":
                title = f' "{" ".join(node.meta["title"].split())}"' if node.meta["title"] else ""
                text = sanitize(f"[{node.meta['label']}]: {node.meta['url']}{title}")
                yield from self._wrap(Text(text, _DIM), width)

    def _text(self, node: SyntaxTreeNode) -> Text:
        parent = node.parent
        item = parent is not None and parent.type == "list_item" and node is parent.children[0]
        return self.inline.text(content_of(node), item=item)

    def _heading(self, node: SyntaxTreeNode) -> Text:
        text = self._text(node)
        if not self.inline.color:
            return Text(f"{'#' * int(node.tag[1])} ").append_text(text)
        text.stylize(_HEADINGS.get(node.tag, _HEADINGS["h3"]))
        return text

    def _wrap(self, text: Text, width: int) -> Iterator[Text]:
        for line in text.split("\n", allow_blank=True):
            for part in line.wrap(self.console, width, overflow="fold") or [Text()]:
                part.rstrip()
                yield part

    def _list(self, node: SyntaxTreeNode, width: int) -> Iterator[Text]:
        number = int(node.attrs.get("start", 1))
        for index, item in enumerate(node.children):
            if index and item.map and not self.source[item.map[0] - 1].strip(" \t>"):
                yield Text()
            mark = "• " if node.type == "bullet_list" else f"{number + index}{item.markup} "
            lines = self.children(item, _inner(width, len(mark)))
            yield from _prefixed(lines, Text(mark, "cyan"), Text(" " * len(mark)))

    def _fence(self, node: SyntaxTreeNode) -> Iterator[Text]:
        words = node.info.split(maxsplit=1)
        yield Text(sanitize(f"{node.markup}{node.info}"), _DIM)
        lines = node.content.removesuffix("\n").split("\n") if node.content else []
        yield from Highlighter(words[0] if words else "").lines(lines)
        yield Text(node.markup, _DIM)


def _inner(width: int, indent: int) -> int:
    return max(width - indent, min(width, MIN_WIDTH))


def _prefixed(lines: Iterator[Text], first: Text, rest: Text) -> Iterator[Text]:
    prefix, empty = first, True
    for line in lines:
        prefixed = Text().append_text(prefix).append_text(line)
        if not line:
            prefixed.rstrip()
        yield prefixed
        prefix, empty = rest, False
    if empty:
        mark = first.copy()
        mark.rstrip()
        yield mark


def _grid(console: Console, node: SyntaxTreeNode, inline: Inline, width: int) -> Iterator[Text]:
    """Lay out a table.

    Args:
        console: For measuring and wrapping.
        node: The ``table`` node.
        inline: Lays out the cells.
        width: Columns to keep within.
    """
    rows = [
        [inline.text(content_of(cell)) for cell in row.children]
        for part in node.children
        for row in part.children
    ]
    header = node.children[0].children[0].children
    aligned = [_ALIGNED.get(str(cell.attrs.get("style", "")), "left") for cell in header]
    if len(aligned) * (_MIN_COLUMN + 2) > width:
        yield from _records(console, rows, width)
        return
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for heading, align in zip(rows[0], aligned, strict=True):
        table.add_column(heading, justify=align, overflow="fold")
    for row in rows[1:]:
        table.add_row(*row)
    for line in console.render_lines(table, console.options.update(width=width), pad=False):
        text = Text.assemble(*((segment.text, segment.style or "") for segment in line))
        text.rstrip()
        yield text


def _records(console: Console, rows: Sequence[Sequence[Text]], width: int) -> Iterator[Text]:
    """Lay out a table's rows one below the other, so that no narrow window cuts them."""
    headings, *body = rows
    if not body:
        for heading in headings:
            yield from heading.wrap(console, width, overflow="fold")
    for index, row in enumerate(body):
        if index:
            yield Text()
        for heading, cell in zip(headings, row, strict=True):
            line = Text.assemble(heading, (": ", "dim"), cell)
            yield from line.wrap(console, width, overflow="fold")
