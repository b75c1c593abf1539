"""Find models by an id alone, and suggest names for one that was mistyped.

Known models are those in the data file, in the lists that providers last gave, in the configuration
and on this machine. The network is not used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from hfs_cli.config import Config
from hfs_cli.config.keys import read_keys, where_found
from hfs_cli.errors import ConfigError
from hfs_cli.known_models import known_ids, known_model
from hfs_cli.providers.presets import ProviderSettings
from hfs_cli.wording import near_names

_MOST = 3
# Providers by name; None for one whose settings are unusable.
Providers = Mapping[str, ProviderSettings | None]


def models_called(name: str, configured: Iterable[str], providers: Providers) -> list[str]:
    """The full names of all known models with an id.

    Args:
        name: The id, in upper or lower case.
        configured: The models that the configuration names.
        providers: The providers.
    """
    wanted = name.lower()
    found = [full for full in _known(configured, providers) if _id(full).lower() == wanted]
    # A dated version counts as its model.
    return found or [f"{p}/{name}" for p in providers if known_model(f"{p}/{name}")]


def suggestions(config: Config, typed: str, providers: Providers) -> str:
    """The end of an error about an unknown model: the nearest ones, and where to look.

    Args:
        config: The configuration.
        typed: The name that was not found.
        providers: The providers.
    """
    provider, colon, model = typed.partition(":")
    if colon and provider.lower() in providers:
        found = [f"{provider.lower()}/{model}"]  # other programs write PROVIDER:MODEL
    elif colon and "/" not in typed:
        found = [f"ollama/{typed}"]  # NAME:TAG is a name of Ollama's
    else:
        found = _nearest(config, typed, providers)
    if not found:
        return ": write PROVIDER/MODEL, as in openai/gpt-6-luna (hfs models list)"
    *most, last = found
    return f": did you mean {', '.join(most)}{' or ' if most else ''}{last}? (hfs models list)"


def _nearest(config: Config, typed: str, providers: Providers) -> list[str]:
    """The full names that contain what was typed, or else have a similar spelling."""
    known = _known(config.models, providers)
    words = re.findall(r"[a-z]+|\d+", typed.lower())  # gpt6luna has three
    held = [full for full in known if all(word in _id(full).lower() for word in words)]
    if held and sum(map(len, words)) > 2:
        reached, order = _within_reach(config.key_file, providers), list(providers)

        def rank(full: str) -> tuple[object, ...]:
            # First those that the user has a key for, then exact matches, a vendor's own models
            # before a gateway's "vendor/model", and newer ones.
            provider, _, model = full.partition("/")
            return (
                provider not in reached,
                typed.lower() not in model.lower(),
                "/" in model,
                *_newest(model),
                order.index(provider),
            )

        return sorted(held, key=rank)[:_MOST]
    # A gateway's "vendor/model" would be similar to almost anything.
    plain = [full for full in known if "/" in typed or "/" not in _id(full)]
    names = {_id(full).lower(): full for full in reversed(plain)}
    names |= {name: name for name in (*providers, *config.aliases)}
    return [names[name] for name in near_names(typed.lower(), names, _MOST)]


def _newest(model: str) -> tuple[object, ...]:
    """A key that sorts newer ids first: ``x-5-5``, ``x-5``, ``x-4``, ``x``, ``x-20250101``.

    A size (70b, 128k) is not a version. Ids with a date or another high number come last.
    """
    numbers = [int(n) for n in re.findall(r"(?<!\d)\d+(?![\dbke])", model)]
    versions = [-number for number in numbers if number < 20]
    return (any(number >= 20 for number in numbers), [*versions, 1], len(model))


def _known(configured: Iterable[str], providers: Providers) -> list[str]:
    from hfs_cli.providers.embedded.weights import names
    from hfs_cli.providers.listed import last_listed

    found = dict.fromkeys(full for full in configured if "/" in full)
    for provider, settings in providers.items():
        if provider == "local":
            ids = names()
        elif settings is None:
            continue  # the error is reported when it is chosen
        else:
            ids = [*known_ids(provider), *last_listed(settings)]
        found.update(dict.fromkeys(f"{provider}/{name}" for name in ids))
    return list(found)


def _within_reach(key_file: Path, providers: Providers) -> set[str]:
    """The providers that have a key or need none."""
    try:
        stored = read_keys(key_file, lambda _: None)
    except ConfigError:
        stored = {}
    usable = [settings for settings in providers.values() if settings]
    return {s.name for s in usable if where_found(s.key, os.environ, stored)} | {"local"}


def _id(full: str) -> str:
    return full.partition("/")[2]
