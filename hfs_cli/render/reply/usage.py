"""What a turn took: tokens, time, money."""

from __future__ import annotations

from hfs_cli.config import ModelConfig
from hfs_cli.messages import Reply, Usage


def usage_line(reply: Reply, prices: ModelConfig | None = None) -> str:
    """Token counts, waiting time, speed and cost of a turn, as far as they are known.

    Args:
        reply: The reply as it ended.
        prices: What a million tokens of the model cost, or None.
    """
    parts = _counts(reply.usage)
    if reply.first_token_s is not None:
        parts.append(f"first token {reply.first_token_s:.2f} s")
    if (speed := _tokens_per_second(reply)) is not None:
        parts.append(f"{speed:.0f} tokens/s")
    if reply.usage and prices and (money := cost(reply.usage, prices)) is not None:
        parts.append(f"cost {money:.4f}")
    return " · ".join(parts)


def _counts(usage: Usage | None) -> list[str]:
    if usage is None:
        return ["the provider gave no token counts"]
    parts = []
    if usage.input_tokens is not None:
        cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
        parts.append(f"{usage.input_tokens:,} in{cached}")
    if usage.output_tokens is not None:
        thought = f" ({usage.reasoning_tokens:,} reasoning)" if usage.reasoning_tokens else ""
        parts.append(f"{usage.output_tokens:,} out{thought}")
    return parts


def _tokens_per_second(reply: Reply) -> float | None:
    """Speed after the first token: the wait before it is another number."""
    if reply.usage is None or not reply.usage.output_tokens:
        return None
    if reply.total_s is None or reply.first_token_s is None:
        return None
    seconds = reply.total_s - reply.first_token_s
    return reply.usage.output_tokens / seconds if seconds > 0 else None


def cost(usage: Usage, prices: ModelConfig) -> float | None:
    """What the tokens cost, in the currency of the prices; None when a price is missing.

    Args:
        usage: The counts; cached tokens are part of the input, and priced as input
            unless they have a price of their own.
        prices: Prices of a million tokens.
    """
    cached = usage.cached_tokens or 0
    parts = (
        ((usage.input_tokens or 0) - cached, prices.input_price),
        (cached, prices.input_price if prices.cached_price is None else prices.cached_price),
        (usage.output_tokens or 0, prices.output_price),
    )
    total = 0.0
    for count, price in parts:
        if count and price is None:
            return None
        total += count * (price or 0.0) / 1_000_000
    return total
