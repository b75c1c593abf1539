"""Hold turns against what a day, and what one of them, may cost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hfs_cli import notices
from hfs_cli.compose.tokens import BYTES_A_TOKEN, estimated_tokens
from hfs_cli.errors import ConfigError, IncompleteReplyError
from hfs_cli.messages import (
    ChatMessage,
    Delta,
    Event,
    Reasoning,
    Request,
    ToolCall,
    Usage,
)
from hfs_cli.moments import midnight
from hfs_cli.prices import cost, prices_of, spent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hfs_cli.config import ModelConfig
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
    said = f"today's turns cost {today_cost:.2f} of a daily budget of {daily:.2f}"
    if today_cost >= daily:
        raise ConfigError(f"{said}: pass --over-budget, or raise daily in [budget]")
    if today_cost >= _WARN_FROM * daily:
        notices.warn(said)
    return daily - today_cost


class Spending:
    """What one turn has cost so far, whoever was asked.

    Args:
        limit: The most that it may cost, in the currency of the prices.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.so_far = 0.0


def check_prompt(
    request: Request, model: str, spending: Spending, models: Mapping[str, ModelConfig]
) -> None:
    """See that the prompt alone does not cost more than the turn may.

    Args:
        request: What is to be sent.
        model: ``provider/id``, for its prices.
        spending: What the turn has cost, and may cost.
        models: The prices, by model.

    Raises:
        ConfigError: It does, or the model has no price.
    """
    prices = _prices(model, models)
    prompt = spending.so_far + (cost(Usage(estimated_tokens(request), 0), prices) or 0.0)
    if prompt > spending.limit:
        raise ConfigError(
            f"the prompt alone costs about {prompt:.4f}, and the turn may cost"
            f" {spending.limit:g} (max_cost): shorten it, or allow more"
        )


def _prices(model: str, models: Mapping[str, ModelConfig]) -> ModelConfig | None:
    prices = prices_of(model, models)
    if cost(Usage(0, 0), prices) is None:
        raise ConfigError(
            f"{model} has no price, so --max-cost cannot hold: set input_price and output_price"
            f' in [models."{model}"]'
        )
    return prices


class CostLimit:
    """A provider whose turn ends when it costs more than it may.

    What the vendor has not counted yet is estimated, at four bytes a token; its own counts take
    the place of the estimate as they come.

    Args:
        inner: Who is asked.
        model: ``provider/id``, for its prices.
        spending: What the turn has cost, and may cost.
        models: The prices, by model.

    Raises:
        ConfigError: The model has no price.
    """

    def __init__(
        self, inner: Provider, model: str, spending: Spending, models: Mapping[str, ModelConfig]
    ) -> None:
        self._inner = inner
        self._model = model
        self._spending = spending
        self._models = models
        self._prices = _prices(model, models)

    def prepare(self, prompt: ChatMessage) -> None:
        """See `hfs_cli.turn.run.Provider`."""
        self._inner.prepare(prompt)

    def preview(self, request: Request) -> Mapping[str, object]:
        """See `hfs_cli.turn.run.Provider`."""
        return self._inner.preview(request)

    def stream(self, request: Request) -> Iterator[Sequence[Event]]:
        """Hand on the events, until the turn costs too much.

        Raises:
            ConfigError: The next request of the turn would.
            IncompleteReplyError: The reply does; what has come of it stays.
        """
        check_prompt(request, self._model, self._spending, self._models)
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
                        f"the reply was ended at a cost of about {so_far:.4f}: the turn may cost"
                        f" {self._spending.limit:g} (max_cost)"
                    )
        finally:
            self._spending.so_far += self._cost(usage)
            if close := getattr(inner, "close", None):
                close()

    def close(self) -> None:
        """See `hfs_cli.turn.run.Provider`."""
        self._inner.close()

    def _cost(self, usage: Usage) -> float:
        return cost(usage, self._prices) or 0.0
