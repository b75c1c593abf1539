"""What turns cost, by the prices that the user has configured. None are built in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hfs_cli.config import ModelConfig
from hfs_cli.conversations import Tally

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Total:
    """All replies under one heading.

    Args:
        cost: In the currency of the prices; None when no model under it has a price.
        unpriced: How many turns are of models without a price, and not in the cost.
    """

    key: str
    turns: int
    input_tokens: int
    output_tokens: int
    first_token_s: float | None
    cost: float | None
    unpriced: int


def cost(tally: Tally, models: Mapping[str, ModelConfig]) -> float | None:
    """What a tally cost, or None when its model has no price.

    Cached tokens are part of the input; without a price of their own they cost the same.
    """
    prices = models.get(tally.model or "")
    if prices is None or (prices.input_price is None and prices.output_price is None):
        return None
    fresh = prices.input_price or 0.0
    cached = fresh if prices.cached_price is None else prices.cached_price
    spent = (tally.input_tokens - tally.cached_tokens) * fresh + tally.cached_tokens * cached
    return (spent + tally.output_tokens * (prices.output_price or 0.0)) / _MILLION


def spent(tallies: Iterable[Tally], models: Mapping[str, ModelConfig]) -> float:
    """What all of them cost, as far as there are prices."""
    return sum(cost(tally, models) or 0.0 for tally in tallies)


def totals(tallies: Iterable[Tally], models: Mapping[str, ModelConfig]) -> list[Total]:
    """Tallies added up by heading, in the order they come."""
    groups: dict[str, list[Tally]] = {}
    for tally in tallies:
        groups.setdefault(tally.key, []).append(tally)
    return [_total(key, group, models) for key, group in groups.items()]


def _total(key: str, group: list[Tally], models: Mapping[str, ModelConfig]) -> Total:
    costs = [(tally, cost(tally, models)) for tally in group]
    priced = [c for _, c in costs if c is not None]
    timed = [(t.first_token_s, t.turns) for t in group if t.first_token_s is not None]
    waited = sum(seconds * turns for seconds, turns in timed)
    return Total(
        key=key,
        turns=sum(t.turns for t in group),
        input_tokens=sum(t.input_tokens for t in group),
        output_tokens=sum(t.output_tokens for t in group),
        first_token_s=waited / sum(n for _, n in timed) if timed else None,
        cost=sum(priced) if priced else None,
        unpriced=sum(t.turns for t, c in costs if c is None),
    )
