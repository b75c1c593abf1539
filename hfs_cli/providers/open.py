"""Open the provider of a chosen model."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from hfs_cli.config import Config
from hfs_cli.config.keys import find_key
from hfs_cli.places import cache_directory
from hfs_cli.providers.choose import ModelChoice
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.http.client import record_directory, replay_directory
from hfs_cli.providers.http.provider import HttpProvider
from hfs_cli.providers.http.send import Limits, RetryPolicy

if TYPE_CHECKING:
    from hfs_cli.providers.http.batches import BatchEndpoint
    from hfs_cli.providers.http.pace import Pace
    from hfs_cli.turn.protocols import Provider


def open_provider(
    choice: ModelChoice,
    *,
    config: Config,
    env: Mapping[str, str],
    notify: Callable[[str], None],
    warn: Callable[[str], None] | None = None,
    pace: Pace | None = None,
) -> Provider:
    """Open a provider; nothing is sent, and no key is looked up, until it is used.

    Args:
        choice: What `choose_model` chose.
        config: The configuration: timeouts, retries, the place of the key file.
        env: The environment, for keys and HFS_DEBUG.
        notify: Called with a line for each wait before a retry.
        warn: Called with what the user should correct; `notify` if None.
        pace: Shared by concurrent turns that ask the provider; None for a single turn.
    """
    warn = warn or notify
    limits = Limits(
        idle=config.idle_timeout,
        total=config.timeout,
        retry=RetryPolicy(retries=config.retries),
        pace=pace,
    )
    provider: Provider
    if choice.provider.type == "local":
        from hfs_cli.providers.embedded.provider import EmbeddedProvider

        verbose = env.get("HFS_DEBUG") == "1"
        provider = EmbeddedProvider(choice, limits, notify, verbose=verbose)
    else:
        provider = HttpProvider(
            choice.provider,
            load_format(_format_of(choice)),
            lambda: find_key(choice.provider.key, env, config.key_file, warn),
            limits,
            notify,
            warn,
        )
    if config.redact == "off":
        return provider
    # Here, closest to what is sent, no request can miss it, not even one for a summary.
    from hfs_cli.turn.redact import RedactingProvider

    return RedactingProvider(provider, config.redact)


def open_batches(
    choice: ModelChoice,
    *,
    config: Config,
    env: Mapping[str, str],
    notify: Callable[[str], None],
    warn: Callable[[str], None],
    wire: str = "",
) -> tuple[BatchEndpoint, str]:
    """The batch endpoints of a model's provider; nothing is sent.

    Args:
        choice: What `choose_model` chose.
        config: The configuration: timeouts, the place of the key file.
        env: The environment, for keys.
        notify: Called with a line for each wait before a retry.
        warn: Called with what the user should correct.
        wire: The format that existing requests were written in; empty for the current one.

    Returns:
        The endpoints, and the format of their requests.

    Raises:
        UsageError: hfs knows no batch endpoint of the provider.
    """
    from hfs_cli.errors import UsageError
    from hfs_cli.providers.formats.batches import BATCHES
    from hfs_cli.providers.http.batches import BatchEndpoint
    from hfs_cli.providers.http.pace import Pace

    settings = choice.provider
    batches = BATCHES.get(settings.name)
    wire = wire or _format_of(choice)
    if batches is None or wire not in batches.formats or settings.quirks.in_path:
        raise UsageError(
            f"hfs knows of no batch endpoint for {choice.full_name}: --vendor-batch goes to a model"
            f" of {', '.join(BATCHES)}; without it, hfs batch asks any"
        )
    provider = HttpProvider(
        settings,
        load_format(wire),
        lambda: find_key(settings.key, env, config.key_file, warn),
        # Nobody is in a hurry, so a vendor that asks for a wait gets it, up to an hour.
        Limits(
            idle=config.idle_timeout,
            retry=RetryPolicy(retries=config.retries, most_asked=3600.0),
            pace=Pace(1),
        ),
        notify,
        warn,
    )
    return BatchEndpoint(provider, batches, choice.model, config.redact), wire


def _format_of(choice: ModelChoice) -> str:
    """The provider's format, or Responses for a model known to be served only there."""
    kind = choice.provider.type
    # What is remembered must not change recordings, so they begin as in a fresh installation.
    if record_directory() or replay_directory():
        return kind
    if kind == "openai" and os.path.exists(f"{cache_directory()}/responses.json"):  # noqa: PTH110  pathlib is not loaded for it
        from hfs_cli.providers.listed import is_responses_only

        if is_responses_only(choice.provider.base_url, choice.model):
            return "responses"
    return kind
