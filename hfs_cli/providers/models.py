"""All models within reach: those of each provider that has a key or needs none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from hfs_cli.config import Config
from hfs_cli.config.keys import find_key, key_file, read_keys, where_found
from hfs_cli.errors import ConfigError, HfsError, NetworkError
from hfs_cli.providers.choose import provider_names, provider_settings
from hfs_cli.providers.embedded import weights
from hfs_cli.providers.formats.registry import FORMATS
from hfs_cli.providers.http.provider import HttpProvider
from hfs_cli.providers.http.send import Limits
from hfs_cli.providers.model_cache import models_of
from hfs_cli.providers.settings import ProviderSettings, is_loopback

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
        FORMATS[settings.type],
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
