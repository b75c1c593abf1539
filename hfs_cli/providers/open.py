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
from hfs_cli.providers.http.limits import Limits, RetryPolicy
from hfs_cli.providers.http.provider import HttpProvider
from hfs_cli.turn.protocols import Provider

if TYPE_CHECKING:
    from hfs_cli.providers.http.batches import BatchEndpoint
    from hfs_cli.providers.http.pace import Pace


def open_provider(
    choice: ModelChoice,
    *,
    config: Config,
    env: Mapping[str, str],
    notify: Callable[[str], None],
    warn: Callable[[str], None] | None = None,
    pace: Pace | None = None,
) -> Provider:
    """Make a provider ready; nothing is sent, and no key is looked for, until it is used.

    Args:
        choice: What `choose_model` chose.
        config: Timeouts and retries, and where the key file is.
        env: The environment, for keys and HFS_DEBUG.
        notify: Told of waits before retries, one line each.
        warn: Told of what the user should mend; `notify` if None.
        pace: What many turns at once share that ask it; None for one turn.
    """
    provider = _open(choice, config, env, notify, warn, pace)
    if config.redact == "off":
        return provider
    # Next to what is sent: whatever makes requests of its own, as for a summary, comes by here.
    from hfs_cli.turn.redact import RedactingProvider

    return RedactingProvider(provider, config.redact)


def _open(
    choice: ModelChoice,
    config: Config,
    env: Mapping[str, str],
    notify: Callable[[str], None],
    warn: Callable[[str], None] | None,
    pace: Pace | None,
) -> Provider:
    limits = Limits(
        idle=config.idle_timeout,
        total=config.timeout,
        retry=RetryPolicy(retries=config.retries),
        pace=pace,
    )
    if choice.provider.type == "local":
        from hfs_cli.providers.embedded.provider import EmbeddedProvider

        return EmbeddedProvider(choice, limits, notify, verbose=env.get("HFS_DEBUG") == "1")
    key = choice.provider.key

    def known_models() -> list[str]:
        from hfs_cli.providers.listed import last_listed

        return last_listed(choice.provider)

    return HttpProvider(
        choice.provider,
        load_format(_format_of(choice)),
        lambda: find_key(key, env, config.key_file, warn or notify),
        limits,
        notify,
        warn,
        known_models,
    )


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
        config: How long to wait for each answer of the endpoint, and where the key file is.
        env: The environment, for keys.
        notify: Told of waits before retries.
        warn: Told of what the user should mend.
        wire: The format that its requests were written in; empty for the one of today.

    Returns:
        The endpoints, and the format that they are asked in.

    Raises:
        UsageError: It has none that hfs knows.
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
        # A vendor that asks to wait is waited for, by the next look too: nobody is in a hurry.
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
    """The provider's format, or Responses for a model that is known to be served there alone."""
    kind = choice.provider.type
    # Elsewhere nothing is remembered of it: each recording begins as the first one would.
    if record_directory() or replay_directory():
        return kind
    if kind == "openai" and os.path.exists(f"{cache_directory()}/responses.json"):  # noqa: PTH110  pathlib is not loaded for it
        from hfs_cli.providers.responses_only import is_responses_only

        if is_responses_only(choice.provider.base_url, choice.model):
            return "responses"
    return kind
