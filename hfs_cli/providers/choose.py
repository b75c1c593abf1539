"""Choose the model of a turn, by its name, an alias or a default."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from hfs_cli.config import Config, ModelConfig, ProviderConfig
from hfs_cli.config.keys import KeySource
from hfs_cli.config.settings import PROVIDER_TYPES
from hfs_cli.errors import ConfigError, NotFoundError, UsageError
from hfs_cli.places import cache_directory
from hfs_cli.providers.formats.wire import Quirks
from hfs_cli.providers.presets import GONE, PRESETS, Preset, ProviderSettings, has_host, is_loopback
from hfs_cli.sanitize import sanitize_line

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_UNKNOWN = Preset(type="", base_url="", key_required=False)

_EMBEDDED = f"local/{PRESETS['local'].model}"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model to ask.

    Args:
        provider: The provider that serves it.
        model: The vendor's model id.
        full_name: ``provider/id``.
        options: Its default options: the preset's, overridden by the user's.
    """

    provider: ProviderSettings
    model: str
    full_name: str
    options: Mapping[str, object] = field(default_factory=dict)


def choose_model(
    config: Config, env: Mapping[str, str], typed: str | None = None, session: str | None = None
) -> ModelChoice:
    """The model to use: the first that is named by ``-m``, the session, a setting or a default.

    Args:
        config: The configuration, whose `model` includes HFS_MODEL.
        env: The environment, which may hold keys.
        typed: The value of ``-m``.
        session: The model of the session to continue.

    Raises:
        UsageError: A name cannot be that of a model.
        NotFoundError: There is no such provider, model or alias.
        ConfigError: No model is set, or a provider's settings are unusable.
    """
    if typed:
        return named_model(config, typed)
    if session:
        return named_model(config, session, "the session's own")
    if config.model:
        origin = config.origins.get("model", "")
        from_file = origin == str(config.file)
        return named_model(
            config, config.model, f"from {'the configuration' if from_file else origin}"
        )
    name = _recorded(env) or _default(config, env)
    if name is None:
        from hfs_cli.providers.embedded.weights import how_to_install

        raise ConfigError(
            "no model to ask: set OPENAI_API_KEY (or another provider's key), or HFS_MODEL, or "
            "name one with -m PROVIDER/MODEL, or install the embedded one: "
            f"{how_to_install() or 'hfs models default local/smollm2'}"
        )
    return named_model(config, name)


def named_model(config: Config, name: str, source: str = "") -> ModelChoice:
    """The model of a name: ``provider/id``, an alias, a provider alone or an id alone.

    Args:
        config: The configuration.
        name: The name.
        source: Where the name comes from, for errors; empty where it was typed.

    Raises:
        UsageError: It cannot be the name of a model.
        NotFoundError: There is no such provider, model or alias.
        ConfigError: The provider's settings are unusable.
    """
    full = name
    if name in config.aliases:
        source = f"{source}, an alias" if source else f"the alias {name}"
    for _ in config.aliases:  # an alias may lead to another, but not in circles for ever
        full = config.aliases.get(full, full)
    provider, model = _split(full, config, f" ({source})" if source else "")
    settings = provider_settings(config, provider)
    model = model or _default_of(settings)
    if not model:
        raise NotFoundError(f"{provider} has no default model: name one, {provider}/MODEL")
    # In some formats an id becomes a part of the URL, and must not lead to another path.
    steps_out = {".", ".."} & set(model.split("/"))
    if settings.type != "local" and (steps_out or len(model) > 300 or not model.isprintable()):
        raise UsageError(
            f"{sanitize_line(full)[:100]} cannot be a model: an id has no line breaks, control"
            ' characters, "." or ".." between slashes, and at most 300 characters'
        )
    if settings.type == "local" and model.endswith(".gguf"):
        # Absolute, so that a session can be continued from any directory.
        model = str(Path(model).expanduser().absolute())
    full_name = f"{provider}/{model}"
    own = config.models.get(full_name, config.models.get(name, ModelConfig())).options
    if full_name == _EMBEDDED:
        from hfs_cli.providers.embedded.weights import SMOLLM2

        own = {"max_tokens": SMOLLM2.max_tokens, **own}
    return ModelChoice(settings, model, full_name, {**settings.options, **own})


def _default_of(settings: ProviderSettings) -> str | None:
    """A provider's default model, or its successor where a fresh list no longer has it."""
    default = settings.model
    preset = PRESETS.get(settings.name)
    path = f"{cache_directory()}/models-{settings.name}.json"
    if not preset or default != preset.model or not os.path.exists(path):  # noqa: PTH110
        return default
    from datetime import UTC, datetime

    from hfs_cli.providers.listed import listed, successor

    today = datetime.now(UTC).date().isoformat()
    offered = [m.id for m in listed(settings) or () if not m.ends or m.ends > today]
    if not offered or not default or default in offered:
        return default
    return successor(default, offered) or default


def provider_settings(config: Config, name: str) -> ProviderSettings:
    """The settings of a provider, from the presets and the configuration.

    Raises:
        NotFoundError: There is no provider of that name.
        ConfigError: A setting is missing or unusable.
    """
    check_provider(config, name)
    own, preset = _described(config, name)
    kind = own.type or preset.type
    if own.base_url and not own.type and kind == "responses":
        # The preset with another base_url is a gateway, and every gateway has chat completions.
        kind = "openai"
    if kind not in PROVIDER_TYPES:
        message = f"type must be one of {', '.join(PROVIDER_TYPES)}"
        raise ConfigError(f"[providers.{name}] of {config.file}: {message}")
    base_url = (own.base_url or preset.base_url).rstrip("/")
    if kind != "local" and (fault := _fault_of_address(base_url) or _fault_of_headers(own)):
        raise ConfigError(f"[providers.{name}] of {config.file}: {fault}")
    return ProviderSettings(
        name=name,
        type=kind,
        base_url=base_url,
        key=_key_source(own, preset),
        model=own.model or preset.model,
        docs=preset.docs,
        headers=own.headers,
        query=own.query,
        ca_bundle=own.ca_bundle,
        quirks=_quirks(own, preset, kind, base_url),
        options=preset.options,
    )


def _quirks(own: ProviderConfig, preset: Preset, kind: str, base_url: str) -> Quirks:
    """How a provider deviates from its format, wherever its requests go."""
    quirks = preset.quirks
    if is_loopback(base_url):
        # Servers of local models enforce schemas with a grammar, which takes any schema.
        schema = "plain" if quirks.schema == "strict" else quirks.schema
        quirks = replace(quirks, think_tags=True, schema=schema)
    if own.base_url and own.name != "azure":
        # Another server of the same format may not know the vendor's own fields.
        quirks = replace(quirks, cache="marks" if kind == "anthropic" else "")
    if kind == "anthropic" and base_url.endswith("/publishers/anthropic"):
        quirks = replace(quirks, in_path=True)
    if own.think_tags is not None:
        quirks = replace(quirks, think_tags=own.think_tags)
    if own.auth or own.key_header:
        quirks = replace(quirks, auth=own.auth, key_header=own.key_header)
    return quirks


def check_setting(config: Config, parts: list[str], value: str) -> None:
    """Check that a changed setting will not be refused when it is used.

    Args:
        config: The configuration with the change.
        parts: The parts of the setting's key.
        value: The new value.

    Raises:
        UsageError: The value cannot be the name of a model.
        NotFoundError: There is no model of that name.
        ConfigError: The value is an unusable address or header.
    """
    match parts:
        case ["model"] | ["aliases", _] | ["profiles", _, "model"]:
            named_model(config, value)
        case ["fallback"] | ["profiles", _, "fallback"]:
            own = config.profiles[parts[1]] if parts[1:] else {"fallback": config.fallback}
            for model in cast("tuple[str, ...]", own["fallback"]):
                named_model(config, model)
        case ["providers", name, *_]:
            provider = config.providers[name]
            fault = _fault_of_address(provider.base_url) if provider.base_url else None
            if fault := fault or _fault_of_headers(provider):
                raise ConfigError(f"[providers.{name}] of {config.file}: {fault}")


def _fault_of_address(base_url: str) -> str | None:
    """Why requests cannot go to a base_url, or None."""
    if not base_url:
        return "base_url is missing: the http:// or https:// address that requests go to"
    if not base_url.startswith(("http://", "https://")):
        return "base_url must be an http:// or https:// address"
    if not has_host(base_url):
        return "base_url is not an address: check its host and port"
    if "@" in urlsplit(base_url).netloc:
        # Addresses are shown in lists, dry runs and errors, where credentials must not be.
        return "base_url must hold no password: send it as a header (headers.Authorization)"
    if not base_url.isprintable() or " " in base_url:
        return "base_url is not an address: it holds a character that no address has"
    return None


def _fault_of_headers(own: ProviderConfig) -> str | None:
    """Why the headers of a provider cannot be sent (RFC 9110, 5.5 and 5.6.2), or None."""
    if own.key_header and not _HEADER.fullmatch(own.key_header):
        return f"key_header {own.key_header!r} is not the name of a header"
    if own.key_header and own.auth:
        return "auth and key_header both say how the key is sent: keep one"
    for name, value in own.headers.items():
        if not _HEADER.fullmatch(name):
            return f"headers.{name!r} is not the name of a header"
        if not (value.isascii() and value.isprintable()):
            return f"headers.{name} holds a line break or a character that no header has"
    return None


def provider_names(config: Config) -> list[str]:
    """The names of all providers, presets first."""
    return [*PRESETS, *(name for name in config.providers if name not in PRESETS)]


def check_provider(config: Config, name: str, source: str = "") -> None:
    """Check that a provider exists, whatever its settings.

    Args:
        config: The configuration.
        name: The provider's name.
        source: Where the name comes from, as a suffix for the error; may be empty.

    Raises:
        NotFoundError: There is no provider of that name.
    """
    if name not in PRESETS and name not in config.providers:
        from hfs_cli.wording import did_you_mean

        names = provider_names(config)
        otherwise = ": hfs help models names those there are, and how to add one"
        hint = did_you_mean(name.lower(), names, 1, otherwise=otherwise)
        if name in GONE:
            hint = f": {GONE[name]}"
        raise NotFoundError(f'no provider "{name}"{source}{hint}')


def key_sources(config: Config) -> list[KeySource]:
    """Where the key of each provider is looked up."""
    return [_key_source(*_described(config, name)) for name in provider_names(config)]


def _described(config: Config, name: str) -> tuple[ProviderConfig, Preset]:
    """A provider's table in the configuration and its preset; empty values where it has none."""
    return config.providers.get(name) or ProviderConfig(name), PRESETS.get(name) or _UNKNOWN


def _key_source(own: ProviderConfig, preset: Preset) -> KeySource:
    named = own.api_key_env or own.api_key_cmd
    # A preset with another base_url (a gateway, a local server) may need no key there.
    required = bool(named) or (preset.key_required and own.base_url is None)
    return KeySource(
        provider=own.name,
        env_var=own.api_key_env or preset.env_var,
        command=own.api_key_cmd,
        required=required,
        also=None if own.api_key_env else preset.also,
    )


def _split(full: str, config: Config, source: str) -> tuple[str, str | None]:
    """The provider and the id in a name; an id alone will do if only one provider has it."""
    if full.startswith("local:"):
        return "local", full.removeprefix("local:")
    provider, slash, model = full.partition("/")
    names = provider_names(config)
    if provider in names:
        return provider, model or None
    if full == PRESETS["local"].model:  # as `hfs models pull` calls it
        return "local", full
    from hfs_cli.providers.names import models_called, suggestions

    providers = {name: _usable(config, name) for name in names}
    found = [] if provider.lower() in names else models_called(full, config.models, providers)
    if len(found) == 1:
        provider, _, model = found[0].partition("/")
        return provider, model
    if found:
        *most, last = found
        either = f"{', '.join(most)} or {last}"
        raise NotFoundError(f'more than one provider has "{full}"{source}: write {either}')
    if slash:
        check_provider(config, provider, source)
    raise NotFoundError(f'no model "{full}"{source}{suggestions(config, full, providers)}')


def _usable(config: Config, name: str) -> ProviderSettings | None:
    try:
        return provider_settings(config, name)
    except ConfigError:
        return None


def _recorded(env: Mapping[str, str]) -> str | None:
    """The model of the recordings that replace the network, if all are of one model."""
    if not (directory := env.get("HFS_REPLAY")):
        return None
    from hfs_cli.providers.http.recordings import recorded_models

    models = list(recorded_models(Path(directory)))
    return models[0] if len(models) == 1 else None


def _default(config: Config, env: Mapping[str, str]) -> str | None:
    for name in provider_names(config):
        own, preset = _described(config, name)
        variable = own.api_key_env or (preset.env_var if preset.automatic else None)
        if variable and env.get(variable) and (own.model or preset.model):
            return name
    from hfs_cli.providers.embedded.weights import how_to_install

    return None if how_to_install() else "local"
