"""The models that each prompt of a batch is sent to, opened once for all turns."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from hfs_cli import notices
from hfs_cli.compose.ask import provider_of, targets_of, turn_of
from hfs_cli.errors import ConfigError
from hfs_cli.messages import ChatMessage, Turn

if TYPE_CHECKING:
    from hfs_cli.compose.asked import Asked, Target
    from hfs_cli.compose.batch.plan import Plan
    from hfs_cli.config import Config, ModelConfig
    from hfs_cli.turn.protocols import Provider


class Model(NamedTuple):
    """One of the models that each prompt is sent to.

    Args:
        turn: The turn, with a prompt still to be put in.
        targets: It, and those to fall back on, by their full names.
        provider: Makes what is asked for one turn.
    """

    turn: Turn
    targets: Mapping[str, Target]
    provider: Callable[[], Provider]


def open_models(
    stack: ExitStack,
    asked: Asked,
    plan: Plan,
    first: ChatMessage,
    waits: Callable[[float, str], None],
) -> list[Model]:
    """Open the models that each prompt goes to.

    Args:
        waits: See `hfs_cli.providers.http.pace.Pace`.

    Raises:
        HfsError: One cannot be asked: there is no such model, or no key.
    """
    from hfs_cli.providers.choose import choose_model
    from hfs_cli.providers.http.pace import Pace
    from hfs_cli.providers.open import open_provider

    config = asked.config
    opened: dict[str, Provider] = {}
    paces: dict[str, Pace] = {}
    warn_once = cache(notices.warn)

    def shared(target: Target) -> Provider:
        """One provider for all turns: they share its connections and its rate limits."""
        choice = target.choice
        if choice.full_name not in opened:
            name = choice.provider.name
            pace = paces.setdefault(name, Pace(plan.width, plan.per_minute, waits))
            opened[choice.full_name] = stack.enter_context(
                closing(
                    open_provider(
                        choice,
                        config=config,
                        env=os.environ,
                        notify=lambda _: None,  # `waits` tells of those that hold all back
                        warn=warn_once,
                        pace=pace,
                    )
                )
            )
        return opened[choice.full_name]

    found = []
    for name in dict.fromkeys(asked.models) or (None,):
        one = replace(asked, models=(name,) if name else ())
        choice = choose_model(config, os.environ, name, None)
        targets = targets_of(one, choice)
        turn = turn_of(one, targets[choice.full_name], first, None, None)
        shared(targets[choice.full_name]).prepare(first)
        for other in targets.values():
            shared(other)
        found.append(Model(turn, targets, partial(_limited, config, targets, shared)))
    return found


def _limited(
    config: Config, targets: Mapping[str, Target], shared: Callable[[Target], Provider]
) -> Provider:
    """What answers one turn, within what it may cost."""
    if config.max_cost is None:
        return provider_of(targets, shared)
    from hfs_cli.compose.budget import CostLimit, Spending

    spending = Spending(config.max_cost, config.models)

    def limited(target: Target) -> Provider:
        return CostLimit(shared(target), target.choice.full_name, spending)

    return provider_of(targets, limited)


def check_prices(models: list[Model], prices: Mapping[str, ModelConfig]) -> None:
    """Check that a budget can be kept: that each model that may answer has a price.

    Raises:
        ConfigError: One has none.
    """
    from hfs_cli.prices import prices_of

    for model in (name for one in models for name in one.targets):
        if prices_of(model, prices) is None:
            raise ConfigError(
                f"{model} has no price, so --budget cannot hold: set input_price and output_price"
                f' in [models."{model}"]'
            )
