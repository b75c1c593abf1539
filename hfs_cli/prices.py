"""What turns cost, at prices from the configuration or from the vendors."""

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
    """The sum of all turns under one heading.

    Args:
        key: The heading.
        turns: How many turns there are.
        input_tokens: Tokens of all prompts, cached ones included.
        output_tokens: Tokens of all replies.
        cached_tokens: The part of the input that was read from a cache.
        first_token_s: The average time to the first token, in seconds, or None.
        cost: In the currency of the prices; None if no model among them has a price.
        unpriced: How many turns are left out of the cost, because their model has no price.
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
    """The prices of a model, or None where there are none.

    Configured prices, in any currency, replace the vendor's prices in US dollars from the data
    file.

    Args:
        model: ``provider/id``, or None.
        configured: The models in the configuration, by their full names.
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
    """What the tokens of one or many turns cost, in the currency of the prices.

    Cached tokens are part of the input, and cost the same if they have no price of their own. If
    only the input or the output has a price, the other is free.

    Args:
        counts: Token counts; unknown counts are taken as 0.
        prices: The prices of a million tokens.

    Returns:
        The cost, or None if there are no prices or no counts.
    """
    if prices is None or (prices.input_price is None and prices.output_price is None):
        return None
    if counts.input_tokens is None and counts.output_tokens is None:
        return None
    fresh = prices.input_price or 0.0
    cached = fresh if prices.cached_price is None else prices.cached_price
    # Some providers do not include cached tokens in the input.
    from_cache = min(counts.cached_tokens or 0, counts.input_tokens or 0)
    spent = ((counts.input_tokens or 0) - from_cache) * fresh + from_cache * cached
    return (spent + (counts.output_tokens or 0) * (prices.output_price or 0.0)) / _MILLION


def saved(usage: Usage, prices: ModelConfig | None) -> float:
    """How much more the cached tokens of a turn would have cost without the cache."""
    if prices is None or prices.cached_price is None:
        return 0.0
    from_cache = min(usage.cached_tokens or 0, usage.input_tokens or 0)
    return max(0.0, from_cache * ((prices.input_price or 0.0) - prices.cached_price) / _MILLION)


def spent(tallies: Iterable[Tally], models: Mapping[str, ModelConfig]) -> float:
    """What all turns cost, without those whose model has no price."""
    return sum(cost(tally, prices_of(tally.model, models)) or 0.0 for tally in tallies)


def totals(tallies: Iterable[Tally], models: Mapping[str, ModelConfig]) -> list[Total]:
    """The sum of tallies under each heading, in the order of their first tallies."""
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
