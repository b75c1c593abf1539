"""Show the available models as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hfs_cli.known_models import TAKES
from hfs_cli.render.lists.table import Column, print_table, write_rows
from hfs_cli.render.output import Output
from hfs_cli.render.terminal import stdout
from hfs_cli.sanitize import sanitize_line
from hfs_cli.wording import price

_COLUMNS = (
    Column("MODEL", flexible=True),
    Column("ALIAS"),
    Column("CONTEXT", align="right"),
    Column("IN", align="point"),
    Column("OUT", align="point"),
    Column("TAKES"),
    Column("ENDS"),
    Column("", lasting=True),
)


def show_models(rows: Sequence[Mapping[str, object]], words: Sequence[str] = ()) -> None:
    """Show models: a table on a terminal, names and aliases in a pipe.

    Args:
        rows: Each with ``model``, ``alias``, ``default``, ``context``, ``input_price``,
            ``output_price``, ``takes`` and ``ends``, as ``--json`` shows them.
        words: The words that were searched for.
    """
    with_alias = any(row["alias"] for row in rows)
    if not stdout().tty:
        write_rows(
            [
                [str(row["model"]), *([str(row["alias"] or "")] if with_alias else [])]
                for row in rows
            ]
        )
        return
    if not rows:
        none = "no models: hfs keys set PROVIDER for a vendor's, hfs models pull for one"
        if words:
            none = f"no model has {' and '.join(words)} in its name: hfs models list shows all"
        Output().write(f"{sanitize_line(none)}\n")
        return
    cells = [_cells(row) for row in rows]
    # A column that is empty for all models is left out.
    shown = [place for place in range(len(_COLUMNS)) if any(row[place] for row in cells)]
    print_table(
        [_COLUMNS[place] for place in shown],
        [[row[place] for place in shown] for row in cells],
        footer=_footer(rows),
    )


def _footer(rows: Sequence[Mapping[str, object]]) -> str:
    """The meaning of the marks, and the unit of the prices."""
    parts = []
    if any(row["default"] for row in rows):
        parts.append("● default")
    if any(row["takes"] for row in rows):
        parts.append(" ".join(f"{letter} {name}" for letter, name in TAKES.items()))
    if any(row["input_price"] for row in rows):
        parts.append("prices of a million tokens")
    return "   ".join(parts)


def _cells(row: Mapping[str, object]) -> list[str]:
    """A model's cells, one for each column."""
    return [
        str(row["model"]),
        str(row["alias"] or ""),
        _size(row["context"]),
        _price(row["input_price"]),
        _price(row["output_price"]),
        _takes(row["takes"]),
        str(row["ends"] or ""),
        "●" if row["default"] else "",
    ]


def _takes(names: object) -> str:
    """A letter for each kind of input, in fixed places: ``ip·tsr``."""
    if not isinstance(names, list):
        return ""
    return "".join(letter if name in names else "·" for letter, name in TAKES.items())


def _size(tokens: object) -> str:
    """A number of tokens, rounded as vendors do: 131,072 is 131k, 1,048,576 is 1M."""
    if not isinstance(tokens, int):
        return ""
    return f"{tokens / 1e6:.2g}M" if tokens >= 1_000_000 else f"{tokens // 1000}k"


def _price(amount: object) -> str:
    return price(amount) if isinstance(amount, float | int) else ""
