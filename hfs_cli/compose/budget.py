"""Limit what a day, and what one turn, may cost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hfs_cli import notices
from hfs_cli.compose.context import BYTES_A_TOKEN, estimated_tokens
from hfs_cli.errors import ConfigError, IncompleteReplyError
from hfs_cli.messages import (
    Delta,
    Event,
    Reasoning,
    Request,
    ToolCall,
    Usage,
)
from hfs_cli.moments import midnight
from hfs_cli.prices import cost, prices_of, spent
from hfs_cli.turn.protocols import ForwardingProvider
from hfs_cli.wording import money

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hfs_cli.config import ModelConfig
    from hfs_cli.providers.choose import ModelChoice
    from hfs_cli.store.store import SessionStore
    from hfs_cli.turn.protocols import Provider

_WARN_FROM = 0.8


def check_budget(daily: float, models: Mapping[str, ModelConfig], store: SessionStore) -> float:
    """Warn when most of today's budget is spent, and refuse when all of it is.

    The day is the user's own, from midnight to midnight. Only models with a price count.

    Args:
        daily: The budget, in the currency of the prices.
        models: The prices, by model.

    Returns:
        What is left of it.

    Raises:
        ConfigError: It is spent.
    """
    today = midnight(datetime.now(UTC))
    today_cost = spent(store.tallies("model", since=today), models)
    said = f"today's turns cost {money(today_cost)} of a daily budget of {money(daily)}"
    if today_cost >= daily:
        raise ConfigError(f"{said}: pass --over-budget, or raise daily in [budget]")
    if today_cost >= _WARN_FROM * daily:
        notices.warn(said)
    return daily - today_cost


def is_free(choice: ModelChoice, models: Mapping[str, ModelConfig]) -> bool:
    """Whether a turn with a model costs nothing: an embedded one without a price."""
    prices = prices_of(choice.full_name, models)
    return choice.provider.type == "local" and cost(Usage(0, 0), prices) is None


class Spending:
    """What one turn has cost so far, whichever models were asked.

    Args:
        limit: The most that it may cost, in the currency of the prices.
        models: The prices, by model.
    """

    def __init__(self, limit: float, models: Mapping[str, ModelConfig]) -> None:
        self.limit = limit
        self.so_far = 0.0
        self._models = models

    def prices_of(self, model: str) -> ModelConfig | None:
        """The prices of a model.

        Raises:
            ConfigError: It has none.
        """
        prices = prices_of(model, self._models)
        if cost(Usage(0, 0), prices) is None:
            raise ConfigError(
                f"{model} has no price, so --max-cost cannot hold: set input_price and"
                f' output_price in [models."{model}"]'
            )
        return prices

    def check(self, request: Request, model: str) -> None:
        """Check that a prompt alone does not cost more than the turn may.

        Raises:
            ConfigError: It does, or the model has no price.
        """
        usage = Usage(estimated_tokens(request), 0)
        prompt = self.so_far + (cost(usage, self.prices_of(model)) or 0.0)
        if prompt > self.limit:
            raise ConfigError(
                f"the prompt alone costs about {money(prompt)}, and the turn may cost"
                f" {money(self.limit)} (max_cost): shorten it, or allow more"
            )


class CostLimit(ForwardingProvider):
    """A provider that ends a turn which costs more than it may.

    What the vendor has not counted yet is estimated, at four bytes a token; its own counts take
    the place of the estimate as they come.

    Args:
        inner: As of `ForwardingProvider`.
        model: ``provider/id``, for its prices.
        spending: What the turn has cost, and may cost.

    Raises:
        ConfigError: The model has no price.
    """

    def __init__(self, inner: Provider, model: str, spending: Spending) -> None:
        super().__init__(inner)
        self._model = model
        self._spending = spending
        self._prices = spending.prices_of(model)

    def stream(self, request: Request) -> Iterator[Sequence[Event]]:
        """Pass the events on until the turn costs too much.

        Raises:
            ConfigError: The next request of the turn would.
            IncompleteReplyError: The reply does; what has come of it stays.
        """
        self._spending.check(request, self._model)
        usage, size = Usage(estimated_tokens(request), 0), 0
        inner = iter(self._inner.stream(request))
        try:
            for events in inner:
                for event in events:
                    match event:
                        case Usage():
                            said = {k: n for k, n in event._asdict().items() if n is not None}
                            usage = usage._replace(**said)
                        case Delta(text) | Reasoning(text) | ToolCall(arguments=text):
                            size += len(text.encode("utf-8", "replace"))
                yield events
                made = max(usage.output_tokens or 0, size // BYTES_A_TOKEN)
                so_far = self._spending.so_far + self._cost(usage._replace(output_tokens=made))
                if so_far > self._spending.limit:
                    raise IncompleteReplyError(
                        f"the reply was ended at a cost of about {money(so_far)}: the turn may"
                        f" cost {money(self._spending.limit)} (max_cost)"
                    )
        finally:
            self._spending.so_far += self._cost(usage)
            if close := getattr(inner, "close", None):
                close()

    def _cost(self, usage: Usage) -> float:
        return cost(usage, self._prices) or 0.0
