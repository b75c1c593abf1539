"""What a model's name may mean that is not PROVIDER/MODEL, and what is near one that means none.

What is known here: the models of the data file, those that providers last listed, those of the
configuration, and the weights on this machine. Nothing is asked for over the network.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from hfs_cli.config import Config
from hfs_cli.config.keys import read_keys, where_found
from hfs_cli.errors import ConfigError
from hfs_cli.known_models import known_ids, known_model
from hfs_cli.providers.presets import ProviderSettings
from hfs_cli.wording import near_names

_MOST = 3
# Providers by name; None for one whose settings are unusable.
Providers = Mapping[str, ProviderSettings | None]


def models_called(config: Config, name: str, providers: Providers) -> list[str]:
    """The full names of the known models that have an id, whoever serves them.

    Args:
        config: The configuration.
        name: The id; upper and lower case are the same.
        providers: The providers.
    """
    wanted = name.lower()
    found = [full for full in _known(config, providers) if _id(full).lower() == wanted]
    # A dated version is its model.
    return found or [f"{p}/{name}" for p in providers if known_model(f"{p}/{name}")]


def instead_of(config: Config, typed: str, providers: Providers) -> str:
    """How an error about an unknown model goes on: the nearest ones, and where to look.

    Args:
        config: The configuration.
        typed: What was not found.
        providers: The providers.
    """
    if ":" in typed and "/" not in typed:
        found = [f"ollama/{typed}"]  # NAME:TAG is how Ollama calls its models
    else:
        found = _nearest(config, typed, providers)
    if not found:
        return ": write PROVIDER/MODEL, as in openai/gpt-6-luna (hfs models list)"
    *most, last = found
    return f": did you mean {', '.join(most)}{' or ' if most else ''}{last}? (hfs models list)"


def _nearest(config: Config, typed: str, providers: Providers) -> list[str]:
    """The full names of those that hold what was typed, else of those spelt nearly so."""
    known = _known(config, providers)
    words = re.findall(r"[a-z]+|\d+", typed.lower())  # gpt6luna is three
    held = [full for full in known if all(word in _id(full).lower() for word in words)]
    if held and sum(map(len, words)) > 2:
        reached, order = _within_reach(config, providers), list(providers)

        def rank(full: str) -> tuple[object, ...]:
            # Those that the user has a key for; whole words; the vendor's own before a gateway's
            # "vendor/model"; the newest.
            provider, _, model = full.partition("/")
            return (
                provider not in reached,
                typed.lower() not in model.lower(),
                "/" in model,
                *_newest(model),
                order.index(provider),
            )

        return sorted(held, key=rank)[:_MOST]
    # A gateway's "vendor/model" is spelt nearly as everything is.
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


def _known(config: Config, providers: Providers) -> list[str]:
    from hfs_cli.providers.embedded.weights import names
    from hfs_cli.providers.listed import last_listed

    found = dict.fromkeys(full for full in config.models if "/" in full)
    for provider, settings in providers.items():
        if provider == "local":
            ids = names()
        elif settings is None:
            continue  # what is wrong with it is told when it is chosen
        else:
            ids = [*known_ids(provider), *last_listed(settings)]
        found.update(dict.fromkeys(f"{provider}/{name}" for name in ids))
    return list(found)


def _within_reach(config: Config, providers: Providers) -> set[str]:
    """The providers that have a key, or need none."""
    try:
        stored = read_keys(config.key_file, lambda _: None)
    except ConfigError:
        stored = {}
    usable = [settings for settings in providers.values() if settings]
    return {s.name for s in usable if where_found(s.key, os.environ, stored)} | {"local"}


def _id(full: str) -> str:
    return full.partition("/")[2]
