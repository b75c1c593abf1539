"""Show statistics: a table with bars and a line of days, rows in a pipe, JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta

from hfs_cli.naming import first_words
from hfs_cli.prices import Total
from hfs_cli.render.json_shapes import print_json
from hfs_cli.render.lists.table import Column, Tailed, print_table, write_rows
from hfs_cli.render.output import Output
from hfs_cli.render.terminal import stdout
from hfs_cli.wording import money, plural, short_count

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"
_BAR = 14
_WIDE = 100  # columns; in fewer, the names need the room
_DAYS = 30


def show_statistics(
    totals: Sequence[Total],
    days: Sequence[Total],
    *,
    by: str,
    today: date,
    as_json: bool = False,
) -> None:
    """Show the numbers in a form that suits standard output.

    Args:
        totals: The rows.
        days: The days with turns, for the line below.
        by: What each row stands for: a day, a model or a session.
        today: The last day of the line.
        as_json: Print JSON instead.
    """
    if as_json:
        shape = {"by": by, "rows": [asdict(t) for t in totals], "days": [asdict(t) for t in days]}
        print_json(shape)
    elif stdout().tty:
        _print(totals, days, by, today)
    else:
        write_rows([_cells(total) for total in totals])


def _cells(total: Total) -> tuple[str, ...]:
    first = "" if total.first_token_s is None else f"{total.first_token_s:.3f}"
    cost = "" if total.cost is None else money(total.cost, 6)
    counts = (str(total.turns), str(total.input_tokens), str(total.output_tokens))
    return (total.key, *counts, first, cost)


def _print(totals: Sequence[Total], days: Sequence[Total], by: str, today: date) -> None:
    if not totals:
        Output().write("no turns yet\n")
        return
    most = max(total.turns for total in totals)
    columns = [
        Column(by.upper(), flexible=True),
        *(Column(title, align="right") for title in ("TURNS", "IN", "OUT", "FIRST TOKEN")),
        Column("COST", align="point"),
        Column("", style="cyan"),
    ]
    rows = [
        (
            Tailed(*first_words(total.key)) if by == "session" else total.key or "–",
            str(total.turns),
            short_count(total.input_tokens),
            short_count(total.output_tokens),
            "–" if total.first_token_s is None else f"{total.first_token_s:.1f} s",
            "–" if total.cost is None else money(total.cost),
            bar(total.turns / most, _BAR if stdout().width >= _WIDE else _BAR - 4),
        )
        for total in totals
    ]
    # A narrow window drops the oldest days.
    shown = max(1, min(_DAYS, stdout().width - len(f"last {_DAYS} days ")))
    turns = {day.key: day.turns for day in days}
    dates = [(today - timedelta(n)).isoformat() for n in range(shown - 1, -1, -1)]
    line = sparkline([turns.get(date, 0) for date in dates])
    missing = sum(total.unpriced for total in totals)
    # Prices are only missing if there are others.
    priced = any(total.cost is not None for total in totals)
    hint = f"   {plural(missing, 'turn')} without a price" if missing and priced else ""
    print_table(columns, rows, footer=f"last {shown} days {line}{hint}")


def bar(share: float, most: int) -> str:
    """A bar in eighths of a column.

    Args:
        share: From 0 to 1.
        most: The columns of a full bar.
    """
    eighths = max(1, round(share * most * 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def sparkline(counts: Sequence[int]) -> str:
    """One column for each count, as high as its share of the highest count."""
    most = max(counts, default=0) or 1
    return "".join(_LEVELS[-(-count * (len(_LEVELS) - 1) // most)] for count in counts)
