"""Hold turns against the daily budget of the configuration."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hfs_cli import notices
from hfs_cli.config import Config
from hfs_cli.errors import ConfigError
from hfs_cli.moments import midnight

if TYPE_CHECKING:
    from hfs_cli.store.store import SessionStore

_WARN_FROM = 0.8


def check_budget(config: Config, store: SessionStore) -> None:
    """Warn when most of today's budget is spent, and refuse when all of it is.

    The day is the user's own, from midnight to midnight. Only models with a price count.

    Raises:
        ConfigError: It is spent.
    """
    if config.daily_budget is None:
        return
    from hfs_cli.prices import spent

    today = midnight(datetime.now(UTC))
    cost = spent(store.tallies("model", since=today), config.models)
    said = f"today's turns cost {cost:.2f} of a daily budget of {config.daily_budget:.2f}"
    if cost >= config.daily_budget:
        raise ConfigError(f"{said}: pass --over-budget, or raise daily in [budget]")
    if cost >= _WARN_FROM * config.daily_budget:
        notices.warn(said)
