"""Hold turns against the daily budget of the configuration."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hfs_cli import notices
from hfs_cli.errors import ConfigError
from hfs_cli.moments import midnight
from hfs_cli.prices import spent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hfs_cli.config import ModelConfig
    from hfs_cli.store.store import SessionStore

_WARN_FROM = 0.8


def check_budget(daily: float, models: Mapping[str, ModelConfig], store: SessionStore) -> None:
    """Warn when most of today's budget is spent, and refuse when all of it is.

    The day is the user's own, from midnight to midnight. Only models with a price count.

    Args:
        daily: The budget, in the currency of the prices.
        models: The prices, by model.

    Raises:
        ConfigError: It is spent.
    """
    today = midnight(datetime.now(UTC))
    cost = spent(store.tallies("model", since=today), models)
    said = f"today's turns cost {cost:.2f} of a daily budget of {daily:.2f}"
    if cost >= daily:
        raise ConfigError(f"{said}: pass --over-budget, or raise daily in [budget]")
    if cost >= _WARN_FROM * daily:
        notices.warn(said)
