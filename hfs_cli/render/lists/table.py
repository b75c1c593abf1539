"""Small tables: aligned and fitted on a terminal, with stable columns in a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from hfs_cli.render.output import Output
from hfs_cli.render.terminal import Terminal, console, stdout
from hfs_cli.sanitize import sanitize_line

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table on a terminal.

    Args:
        title: Its heading.
        align: Numbers are aligned to the right, amounts of money at their points.
        flexible: It is cut if the others need the room; at most one column is flexible.
        style: A Rich style with the terminal's palette.
        lasting: Columns to its left are dropped before it.
        folds: Its cells are wrapped in a narrow window; it is never cut or dropped.
    """

    title: str
    align: Literal["left", "right", "point"] = "left"
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
# Rows of one write to a pipe: there may be a million.
_AT_ONCE = 1000


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
    """Print rows to a terminal, without boxes and never wider than the window.

    The flexible column is cut first; then columns are dropped from the right.

    Args:
        columns: The columns.
        rows: The cells; any text, which is sanitised here.
        footer: A dim last line, if any.
    """
    look = stdout()
    safe = [[_safe(cell) for cell in row] for row in rows]
    columns, safe = _pointed(columns, safe)
    kept = _kept(columns, safe, look.width)
    safe = [[row[index] for index in kept] for row in safe]
    Output().write(_rendered([columns[index] for index in kept], safe, footer, look))


def write_rows(rows: Sequence[Sequence[str]]) -> None:
    r"""Write rows to a pipe: one on each line, with tabs between cells, and without a heading.

    Control characters in a cell, tab and newline among them, are escaped as ``\t``,
    ``\n`` or ``\x1b``, so that ``cut`` and ``while read`` can rely on the columns.

    Args:
        rows: The cells.
    """
    output = Output()
    for first in range(0, len(rows), _AT_ONCE):
        some = rows[first : first + _AT_ONCE]
        output.write("".join("\t".join(map(sanitize_line, row)) + "\n" for row in some))


def _safe(cell: Cell) -> Cell:
    if isinstance(cell, str):
        return sanitize_line(cell)
    return Tailed(*map(sanitize_line, cell))


def _pointed(
    columns: Sequence[Column], rows: list[list[Cell]]
) -> tuple[Sequence[Column], list[list[Cell]]]:
    """The table with the points of its amounts below each other, by spaces on both sides."""
    columns = list(columns)
    for index, column in enumerate(columns):
        if column.align != "point" or not rows:
            continue
        apart = [str(row[index]).partition(".") for row in rows]
        left, right = (max(len(parts[side]) for parts in apart) for side in (0, 2))
        point = 1 if right else 0
        for row, (whole, dot, part) in zip(rows, apart, strict=True):
            row[index] = f"{whole:>{left}}{dot:{point}}{part:{right}}"
        title = column.title.rjust(left + point + right)
        columns[index] = replace(column, title=title, align="left")
    return columns, rows


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[int]:
    from hfs_cli.render.lists.cells import most_cells

    return [
        max(most_cells("".join(cell)) for cell in (column.title, *(row[index] for row in rows)))
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
            justify="right" if column.align == "right" else "left",
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
    again = {} if any(column.folds for column in columns) else _placed(table, rows, look)
    with view.capture() as capture:
        view.print(table)
    lines = capture.get().splitlines()
    for index, line in again.items():
        lines[index - len(rows)] = line
    with view.capture() as capture:
        for line in _wrapped(sanitize_line(footer), look.width):
            view.print(Text(line, "dim"))
    lines += capture.get().splitlines()
    return "".join(f"{line.rstrip(' ')}\n" for line in lines)


def _placed(table: Table, rows: Sequence[Sequence[Cell]], look: Terminal) -> dict[int, str]:
    """The rows that some terminal draws wider than Rich, by their numbers, with cells in place."""
    from hfs_cli.render.lists.cells import is_doubtful, placed

    if not look.moves:
        return {}
    doubtful = [n for n, row in enumerate(rows) if any(is_doubtful("".join(cell)) for cell in row)]
    view = console(look)
    lines = {}
    for number in doubtful:
        at, drawn = 0, []
        for cell, column in zip(rows[number], table.columns, strict=True):
            assert column.width is not None
            text = _text(cell, column.width)
            if column.justify == "right":
                text.pad_left(column.width - text.cell_len)
            with view.capture() as capture:
                view.print(text, style=column.style, end="", no_wrap=True, soft_wrap=True)
            drawn.append((at, capture.get()))
            at += column.width + 2
        lines[number] = placed(drawn)
    return lines


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

    from hfs_cli.render.lists.cells import cut, most_cells

    text = Text(cell) if isinstance(cell, str) else Text(cell.text).append(cell.tail, "dim")
    if width is not None and most_cells(text.plain) > width:
        text = Text(cell if isinstance(cell, str) else cell.text)
        cut(text, width)
    return text
