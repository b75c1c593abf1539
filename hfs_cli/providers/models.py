"""List the models of all providers that have a key or need none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

from hfs_cli.config import Config
from hfs_cli.config.keys import Key, find_key, read_keys, where_found
from hfs_cli.errors import ConfigError, HfsError, NetworkError, NotRecordedError
from hfs_cli.providers.choose import provider_names, provider_settings
from hfs_cli.providers.embedded import weights
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.formats.listings import Listed
from hfs_cli.providers.http.client import record_directory, replay_directory
from hfs_cli.providers.http.provider import HttpProvider
from hfs_cli.providers.http.send import Limits, RetryPolicy
from hfs_cli.providers.listed import keep_listed, listed
from hfs_cli.providers.presets import ProviderSettings, is_loopback

_NAMED = Limits(idle=20.0)
# A provider that was not asked for by name must not cost much time.
_UNNAMED = Limits(connect=2.0, idle=10.0, retry=RetryPolicy(retries=0))


def offered_models(
    config: Config,
    env: Mapping[str, str],
    named: Collection[str],
    *,
    refresh: bool,
    warn: Callable[[str], None],
) -> list[Listed]:
    """The models of providers, with their full names as ids.

    Args:
        config: The configuration.
        env: The environment, for keys.
        named: The providers to ask; if empty, all that have a key or need none.
        refresh: Whether to ask even if the cached list is fresh.
        warn: Called for each provider that did not answer, unless it was named.

    Raises:
        HfsError: A named provider did not answer.
    """
    names = [name for name in provider_names(config) if not named or name in named]
    stored = read_keys(config.key_file, warn)
    limits = _NAMED if named else _UNNAMED
    limits = replace(limits, idle=min(config.idle_timeout, limits.idle))
    replaying = replay_directory() is not None
    unrecorded: list[NotRecordedError] = []

    def models(name: str) -> list[Listed]:
        try:
            settings = provider_settings(config, name)
            has_key = replaying or where_found(settings.key, env, stored) is not None
            if not named and settings.key.required and not has_key:
                return []
            found = _models(
                settings,
                lambda: find_key(settings.key, env, config.key_file, warn),
                limits,
                warn,
                refresh=refresh,
            )
            return [model._replace(id=f"{name}/{model.id}") for model in found]
        except HfsError as error:
            if named:
                raise
            if isinstance(error, NotRecordedError):
                unrecorded.append(error)
            elif not _is_absent(config, name, error):
                warn(error.message)
            return []

    # All at once, because each one that is missing may cost a time-out.
    with ThreadPoolExecutor(len(names) or 1) as pool:
        found = [model for some in pool.map(models, names) for model in some]
    if unrecorded and not found:
        raise unrecorded[0]
    return found


def _models(
    settings: ProviderSettings,
    find: Callable[[], Key | None],
    limits: Limits,
    warn: Callable[[str], None],
    *,
    refresh: bool,
) -> list[Listed]:
    if settings.type == "local":
        command = weights.how_to_install()
        if command and "hfs-cli" in command:
            return []  # llama.cpp is not installed
        there = [] if command else [weights.SMOLLM2.name]
        return [Listed(name) for name in (*there, *weights.pulled_names())]
    replaying = replay_directory() is not None
    kept = None if refresh or replaying or record_directory() else listed(settings)
    if kept is not None:
        return kept
    provider = HttpProvider(
        settings,
        load_format(settings.type),
        find,
        limits,
        lambda _: None,
        warn,
    )
    with closing(provider):
        found = provider.models()
    if not replaying:
        keep_listed(settings, found)
    return found


def _is_absent(config: Config, name: str, error: HfsError) -> bool:
    """Whether a provider is simply not in use, such as a local server that is not running."""
    if name in config.providers:
        return False
    unset = type(error) is ConfigError
    return unset or (
        isinstance(error, NetworkError) and is_loopback(provider_settings(config, name).base_url)
    )
