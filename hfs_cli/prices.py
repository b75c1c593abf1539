"""What turns cost, by the prices that the user has configured or the vendors have published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hfs_cli.config import ModelConfig
from hfs_cli.conversations import Tally
from hfs_cli.known_models import known_model
from hfs_cli.messages import Usage

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Total:
    """All replies under one heading.

    Args:
        cached_tokens: The part of the input that was read from a cache.
        cost: In the currency of the prices; None when no model under it has a price.
        unpriced: How many turns are of models without a price, and not in the cost.
    """

    key: str
    turns: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    first_token_s: float | None
    cost: float | None
    unpriced: int


def prices_of(model: str | None, configured: Mapping[str, ModelConfig]) -> ModelConfig | None:
    """The prices of a model, ``provider/id``, or None when it has none.

    What the user has configured counts alone, in whatever currency; else it is the vendor's
    price in US dollars, where the data file has it.
    """
    own = configured.get(model or "")
    if own is not None and (own.input_price is not None or own.output_price is not None):
        return own
    known = known_model(model or "")
    return known and ModelConfig(
        input_price=known.input_price,
        output_price=known.output_price,
        cached_price=known.cached_price,
    )


def cost(counts: Usage | Tally, prices: ModelConfig | None) -> float | None:
    """What the tokens of a turn, or of many, cost in the currency of the prices.

    Cached tokens are part of the input; without a price of their own they cost the same. A
    price that is left out where the other is given is zero, as it is for a model that bills
    its output alone.

    Args:
        counts: Tokens; what is not known counts as none.
        prices: Of a million tokens of the model.

    Returns:
        None when nothing is known of the price or of the tokens.
    """
    if prices is None or (prices.input_price is None and prices.output_price is None):
        return None
    if counts.input_tokens is None and counts.output_tokens is None:
        return None
    fresh = prices.input_price or 0.0
    cached = fresh if prices.cached_price is None else prices.cached_price
    # Some providers count the cached ones beside the input instead of within it.
    from_cache = min(counts.cached_tokens or 0, counts.input_tokens or 0)
    spent = ((counts.input_tokens or 0) - from_cache) * fresh + from_cache * cached
    return (spent + (counts.output_tokens or 0) * (prices.output_price or 0.0)) / _MILLION


def saved(usage: Usage, prices: ModelConfig | None) -> float:
    """What the tokens that were read from a cache would have cost on top, read anew."""
    if prices is None or prices.cached_price is None:
        return 0.0
    from_cache = min(usage.cached_tokens or 0, usage.input_tokens or 0)
    return max(0.0, from_cache * ((prices.input_price or 0.0) - prices.cached_price) / _MILLION)


def spent(tallies: Iterable[Tally], models: Mapping[str, ModelConfig]) -> float:
    """What all of them cost, as far as there are prices."""
    return sum(cost(tally, prices_of(tally.model, models)) or 0.0 for tally in tallies)


def totals(tallies: Iterable[Tally], models: Mapping[str, ModelConfig]) -> list[Total]:
    """Tallies added up by heading, in the order they come."""
    groups: dict[str, list[Tally]] = {}
    for tally in tallies:
        groups.setdefault(tally.key, []).append(tally)
    return [_total(key, group, models) for key, group in groups.items()]


def _total(key: str, group: list[Tally], models: Mapping[str, ModelConfig]) -> Total:
    costs = [(tally, cost(tally, prices_of(tally.model, models))) for tally in group]
    priced = [c for _, c in costs if c is not None]
    timed = [(t.first_token_s, t.turns) for t in group if t.first_token_s is not None]
    waited = sum(seconds * turns for seconds, turns in timed)
    return Total(
        key=key,
        turns=sum(t.turns for t in group),
        input_tokens=sum(t.input_tokens for t in group),
        output_tokens=sum(t.output_tokens for t in group),
        cached_tokens=sum(t.cached_tokens for t in group),
        first_token_s=waited / sum(n for _, n in timed) if timed else None,
        cost=sum(priced) if priced else None,
        unpriced=sum(t.turns for t, c in costs if c is None),
    )
