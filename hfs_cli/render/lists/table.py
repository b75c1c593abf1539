"""Small tables: aligned and made to fit a terminal, stable columns in a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from hfs_cli.render.output import Output
from hfs_cli.render.terminal import Terminal, console, stdout
from hfs_cli.sanitize import sanitize_line

if TYPE_CHECKING:
    from rich.text import Text


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table on a terminal.

    Args:
        title: Its heading.
        align: Numbers to the right.
        flexible: It gives way when the others need the room; at most one does.
        style: A Rich style of the terminal's own palette.
        lasting: It stays while columns to its left drop.
        folds: It goes on below itself in a narrow window; it is never cut and never drops.
    """

    title: str
    align: Literal["left", "right"] = "left"
    flexible: bool = False
    style: str = ""
    lasting: bool = False
    folds: bool = False


class Tailed(NamedTuple):
    """A cell with a dim end, which is left out if there is no room for it."""

    text: str
    tail: str


Cell = str | Tailed
_MIN_FLEXIBLE = 20
_APART = "   "


def show_table(titles: Sequence[str], rows: Sequence[Sequence[str]], *, footer: str = "") -> None:
    """Show rows: with headings on a terminal, as stable columns in a pipe.

    Args:
        titles: The headings; in a narrow window cells take several lines.
        rows: The cells; any text, which is sanitised here.
        footer: A dim last line on a terminal, if any.
    """
    if stdout().tty:
        print_table([Column(title, folds=True) for title in titles], rows, footer=footer)
    else:
        write_rows(rows)


def print_table(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, footer: str = ""
) -> None:
    """Print rows to a terminal: no boxes, and never wider than the window.

    The flexible column is cut first; then columns drop from the right.

    Args:
        columns: What each cell of a row is.
        rows: The cells; any text, made safe here.
        footer: A dim last line, or nothing.
    """
    look = stdout()
    safe = [[_safe(cell) for cell in row] for row in rows]
    kept = _kept(columns, safe, look.width)
    safe = [[row[index] for index in kept] for row in safe]
    Output().write(_rendered([columns[index] for index in kept], safe, footer, look))


def write_rows(rows: Sequence[Sequence[str]]) -> None:
    r"""Write rows to a pipe: cells between tabs, one row a line, no heading.

    Control characters in a cell, tab and newline among them, are escaped as ``\t``,
    ``\n`` or ``\x1b``, so that ``cut`` and ``while read`` can rely on the columns.

    Args:
        rows: The cells.
    """
    lines = ("\t".join(map(sanitize_line, row)) + "\n" for row in rows)
    Output().write("".join(lines))


def _safe(cell: Cell) -> Cell:
    if isinstance(cell, str):
        return sanitize_line(cell)
    return Tailed(*map(sanitize_line, cell))


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[int]:
    from rich.cells import cell_len

    return [
        max(cell_len("".join(cell)) for cell in (column.title, *(row[index] for row in rows)))
        for index, column in enumerate(columns)
    ]


def _kept(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int) -> list[int]:
    """The columns that fit if the flexible one is as narrow as allowed."""
    needed = [
        min(wide, _MIN_FLEXIBLE) if column.flexible else wide
        for column, wide in zip(columns, _widths(columns, rows), strict=True)
    ]
    # ID NAME MODEL MSGS USED ● in 60 columns: USED is dropped, then MSGS, until the rest fits with
    # twenty columns for the name; the mark at the end is lasting.
    kept = list(range(len(columns)))
    droppable = [
        index for index in kept if index and not (columns[index].lasting or columns[index].folds)
    ]
    # Lasting columns are dropped when no others are left.
    order = [*(index for index in kept if columns[index].lasting), *droppable]
    while order and sum(needed[index] + 2 for index in kept) - 2 > width:
        kept.remove(order.pop())
    return kept


def _rendered(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], footer: str, look: Terminal
) -> str:
    from rich.table import Table
    from rich.text import Text

    headed = any(column.title for column in columns)
    table = Table(
        box=None, show_header=headed, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0)
    )
    widths = _widths(columns, rows)
    spare = look.width - sum(widths) - 2 * (len(columns) - 1)
    for index, (column, wide) in enumerate(zip(columns, widths, strict=True)):
        if column.folds:
            table.add_column(Text(column.title, "dim"), style=column.style, overflow="fold")
            continue
        table.add_column(
            Text(column.title, "dim"),
            justify=column.align,
            style=column.style,
            no_wrap=True,
            overflow="ellipsis",
            width=max(1, wide + min(spare, 0))
            if column.flexible or index == 0 == len(columns) - 1
            else wide,
        )
    for row in rows:
        cells = zip(row, table.columns, strict=True)
        table.add_row(*(_text(cell, column.width) for cell, column in cells))
    view = console(look)
    with view.capture() as capture:
        view.print(table)
        for line in _wrapped(sanitize_line(footer), look.width):
            view.print(Text(line, "dim"))
    return "".join(f"{line.rstrip(' ')}\n" for line in capture.get().splitlines())


def _wrapped(footer: str, width: int) -> list[str]:
    """A footer, wrapped only between its parts, which are separated by three spaces."""
    from rich.cells import cell_len

    lines: list[str] = []
    for part in filter(None, footer.split(_APART)):
        if lines and cell_len(lines[-1] + _APART + part) <= width:
            lines[-1] += _APART + part
        else:
            lines.append(part)
    return lines


def _text(cell: Cell, width: int | None) -> Text:
    from rich.text import Text

    if isinstance(cell, str):
        return Text(cell)
    text = Text().append(cell.text).append(cell.tail, "dim")
    return text if width is None or text.cell_len <= width else Text(cell.text)
