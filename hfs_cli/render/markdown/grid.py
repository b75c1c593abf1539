"""Markdown tables: a grid where it fits, else one `heading: value` line a cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from markdown_it.tree import SyntaxTreeNode
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hfs_cli.render.markdown.inline import Inline, content_of

_MIN_COLUMN = 6


def grid(console: Console, node: SyntaxTreeNode, inline: Inline, width: int) -> Iterator[Text]:
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
    aligned = [_align(cell) for cell in node.children[0].children[0].children]
    if len(aligned) * (_MIN_COLUMN + 2) > width:
        yield from _records(console, rows, width)
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for heading, align in zip(rows[0], aligned, strict=True):
        table.add_column(heading, justify=align, overflow="fold")
    for row in rows[1:]:
        table.add_row(*row)
    for line in console.render_lines(table, console.options.update(width=width), pad=False):
        text = Text.assemble(*((segment.text, segment.style or "") for segment in line))
        text.rstrip()
        yield text


def _align(cell: SyntaxTreeNode) -> Literal["left", "center", "right"]:
    match str(cell.attrs.get("style", "")):
        case "text-align:right":
            return "right"
        case "text-align:center":
            return "center"
        case _:
            return "left"


def _records(console: Console, rows: Sequence[Sequence[Text]], width: int) -> Iterator[Text]:
    """Each row as lines of its own: nothing is cut, however narrow the window is."""
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
