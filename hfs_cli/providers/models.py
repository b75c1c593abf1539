"""All models within reach: those of each provider that has a key or needs none."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from hfs_cli.config import Config
from hfs_cli.config.keys import find_key, key_file, read_keys, where_found
from hfs_cli.errors import ConfigError, HfsError, NetworkError
from hfs_cli.files import write_file
from hfs_cli.places import cache_directory
from hfs_cli.providers.choose import provider_names, provider_settings
from hfs_cli.providers.embedded import weights
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.http.limits import Limits
from hfs_cli.providers.http.provider import HttpProvider
from hfs_cli.providers.presets import ProviderSettings, is_loopback

EXPIRY_SECONDS = 24 * 3600.0
_IDLE_SECONDS = 20.0


def offered_models(
    config: Config,
    env: Mapping[str, str],
    named: Collection[str],
    *,
    refresh: bool,
    warn: Callable[[str], None],
) -> list[str]:
    """The full names of the models on offer.

    Args:
        config: The configuration.
        env: The environment, for keys.
        named: The providers to ask; all within reach if empty.
        refresh: Ask even where the cache is fresh.
        warn: Told of each provider that did not answer, unless it was named.

    Raises:
        HfsError: A provider that was named did not answer.
    """
    names = [name for name in provider_names(config) if not named or name in named]
    stored = read_keys(key_file(config.file), warn)

    def models(name: str) -> list[str]:
        try:
            settings = provider_settings(config, name)
            if not (named or _in_reach(settings, env, stored)):
                return []
            return [f"{name}/{model}" for model in _models(settings, config, env, refresh, warn)]
        except HfsError as error:
            if named:
                raise
            if not _is_absent(config, name, error):
                warn(error.message)
            return []

    with ThreadPoolExecutor(8) as pool:
        return [model for found in pool.map(models, names) for model in found]


def _models(
    settings: ProviderSettings,
    config: Config,
    env: Mapping[str, str],
    refresh: bool,  # noqa: FBT001  private, and named at its one call
    warn: Callable[[str], None],
) -> list[str]:
    if settings.type == "local":
        return [] if weights.how_to_install() else [weights.SMOLLM2.name]
    provider = HttpProvider(
        settings,
        load_format(settings.type),
        lambda: find_key(settings.key, env, key_file(config.file), warn),
        replace(Limits(), idle=min(config.idle_timeout, _IDLE_SECONDS)),
        lambda _: None,
        warn,
    )
    try:
        return models_of(settings, provider.models, refresh=refresh)
    finally:
        provider.close()


def _in_reach(
    settings: ProviderSettings, env: Mapping[str, str], stored: Mapping[str, str]
) -> bool:
    return not settings.key.required or where_found(settings.key, env, stored) is not None


def _is_absent(config: Config, name: str, error: HfsError) -> bool:
    """Whether a provider is simply not in use: a server at home that does not run."""
    if name in config.providers:
        return False
    unset = type(error) is ConfigError
    return unset or (
        isinstance(error, NetworkError) and is_loopback(provider_settings(config, name).base_url)
    )


# --- the cache: each provider is asked once a day ---------------------------------------


def models_of(
    settings: ProviderSettings, fetch: Callable[[], list[str]], *, refresh: bool = False
) -> list[str]:
    """A provider's model ids, from the cache while it is fresh.

    Args:
        settings: The provider.
        fetch: Asks the provider.
        refresh: Ask even if the cache is fresh.

    Raises:
        HfsError: The provider had to be asked and did not answer.
    """
    if not refresh:
        kept = _cached(settings, EXPIRY_SECONDS)
        if kept is not None:
            return kept
    models = sorted(set(fetch()))
    _keep(settings, models)
    return models


def last_listed(settings: ProviderSettings) -> list[str]:
    """The ids that a provider last listed, however long ago; empty when it never did."""
    return _cached(settings, math.inf) or []


def _cached(settings: ProviderSettings, max_age_s: float) -> list[str] | None:
    """The ids in the cache, or None when they are absent, too old or of another address."""
    file = _file(settings)
    try:
        kept = json.loads(file.read_bytes())
        fresh = 0 <= time.time() - kept["fetched_at"] < max_age_s
        if kept["base_url"] == settings.base_url and fresh:
            return [str(model) for model in kept["models"]]
    except (OSError, ValueError, KeyError, TypeError):
        # A cache that cannot be read is one that is not there.
        return None
    return None


def _keep(settings: ProviderSettings, models: list[str]) -> None:
    document = {"fetched_at": time.time(), "base_url": settings.base_url, "models": models}
    try:
        write_file(_file(settings), json.dumps(document).encode(), replace=True)
    except OSError:
        # The list is shown all the same, and asked for again next time.
        return


def _file(settings: ProviderSettings) -> Path:
    from urllib.parse import quote

    return Path(cache_directory(), f"models-{quote(settings.name, safe='')}.json")
