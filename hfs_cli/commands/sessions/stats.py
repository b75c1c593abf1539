"""`hfs sessions stats`: turns, tokens, times and costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import click

from hfs_cli.config import load_config
from hfs_cli.groups import owner_options
from hfs_cli.moments import local, parse_since

if TYPE_CHECKING:
    from hfs_cli.store.statistics import Heading


@click.command(name="stats")
@click.option(
    "--by",
    type=click.Choice(["day", "model", "session"]),
    default="model",
    show_default=True,
    help="What each line is about.",
)
@click.option("--since", metavar="WHEN", help="Only turns of the last 30d or 12h, or since a date.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@owner_options(looks=True)
def count_turns(*, by: str, since: str | None, as_json: bool) -> None:
    """Count turns, tokens, seconds to the first token, and what they cost.

    Prices are the vendors' published ones, in US dollars, or your own, per million tokens:

    \b
      [models."openai/gpt-6-luna"]
      input_price = 0.10
      output_price = 0.50

    In a pipe, tab-separated: key, turns, input tokens, output tokens, seconds to the first
    token, cost.
    """
    config = load_config()
    now = datetime.now(UTC)
    moment = parse_since(since)
    from hfs_cli.prices import totals
    from hfs_cli.store.store import open_store

    with open_store(config) as store:
        rows = store.tallies(cast("Heading", by), since=moment)
        # The chart shows only a month, because adding up ten million replies twice takes seconds.
        month = now - timedelta(days=31)
        days = store.tallies("day", since=max(moment or month, month))
    from hfs_cli.render.lists.stats import show_statistics

    found = totals(rows, config.models)
    if by != "day":
        found.sort(key=lambda total: (-(total.cost or 0), -total.turns))
    shown = totals(days, config.models)
    show_statistics(found, shown, by=by, today=local(now).date(), as_json=as_json)
