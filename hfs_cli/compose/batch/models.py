"""The models that each prompt of a batch is sent to, opened once for all turns."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from hfs_cli import notices
from hfs_cli.compose.ask import chosen_models, provider_of, turn_of
from hfs_cli.errors import ConfigError
from hfs_cli.messages import ChatMessage, Turn

if TYPE_CHECKING:
    from hfs_cli.compose.batch.plan import Plan
    from hfs_cli.compose.options import Asked
    from hfs_cli.config import Config
    from hfs_cli.providers.choose import ModelChoice
    from hfs_cli.turn.protocols import Provider


class Model(NamedTuple):
    """One of the models that each prompt is sent to.

    Args:
        turn: What is asked of it, but for the prompt.
        choices: It, and those to fall back on, by their full names.
        provider: Makes what is asked for one turn.
    """

    turn: Turn
    choices: Mapping[str, ModelChoice]
    provider: Callable[[], Provider]


def open_models(
    stack: ExitStack, asked: Asked, config: Config, plan: Plan, first: ChatMessage
) -> list[Model]:
    """The models that each prompt goes to, ready to be asked.

    Raises:
        HfsError: One cannot be asked: there is no such model, or no key.
    """
    from hfs_cli.providers.choose import choose_model
    from hfs_cli.providers.http.pace import Pace
    from hfs_cli.providers.open import open_provider

    opened: dict[str, Provider] = {}
    paces: dict[str, Pace] = {}
    warn_once = cache(notices.warn)

    def shared(choice: ModelChoice) -> Provider:
        """One provider for all turns: its connections and its waits are theirs."""
        if choice.full_name not in opened:
            name = choice.provider.name
            pace = paces.setdefault(name, Pace(plan.width, plan.per_minute))
            opened[choice.full_name] = stack.enter_context(
                closing(
                    open_provider(
                        choice,
                        config=config,
                        env=os.environ,
                        notify=lambda _: None,  # a wait is not worth a line among so many
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
        choices = chosen_models(one, config, choice)
        turn = turn_of(one, config, choice, first, None, None)
        shared(choice).prepare(first)
        for other in choices.values():
            shared(other)
        found.append(Model(turn, choices, partial(_limited, one, config, choices, shared)))
    return found


def _limited(
    asked: Asked,
    config: Config,
    choices: Mapping[str, ModelChoice],
    shared: Callable[[ModelChoice], Provider],
) -> Provider:
    """Who is asked for one turn, within what it may cost."""
    if config.max_cost is None:
        return provider_of(asked, config, choices, shared)
    from hfs_cli.compose.budget import CostLimit, Spending

    spending = Spending(config.max_cost)

    def limited(choice: ModelChoice) -> Provider:
        return CostLimit(shared(choice), choice.full_name, spending, config.models)

    return provider_of(asked, config, choices, limited)


def check_prices(models: list[Model], config: Config) -> None:
    """See that a budget can hold: that each model that may answer has a price.

    Raises:
        ConfigError: One has none.
    """
    from hfs_cli.prices import prices_of

    for model in (name for one in models for name in one.choices):
        if prices_of(model, config.models) is None:
            raise ConfigError(
                f"{model} has no price, so --budget cannot hold: set input_price and output_price"
                f' in [models."{model}"]'
            )
