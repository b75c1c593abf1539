"""Resolve the configuration: flag, then environment, profile, file, default."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hfs_cli import notices, places
from hfs_cli.config.settings import SETTINGS, amount, provider_type, text
from hfs_cli.config.values import Config, ModelConfig, ProviderConfig
from hfs_cli.errors import ConfigError
from hfs_cli.wording import did_you_mean

MAX_CONFIG_BYTES = 1_000_000
TABLES = ("providers", "aliases", "models", "profiles", "budget")
_PROVIDER_KEYS = tuple(n for n in ProviderConfig.__dataclass_fields__ if n != "name")
_MODEL_KEYS = tuple(ModelConfig.__dataclass_fields__)


def load_config(
    env: Mapping[str, str] | None = None, flags: Mapping[str, object] | None = None
) -> Config:
    """Read the configuration once.

    Args:
        env: The environment; the process's own by default.
        flags: Settings given on the command line; None values are not given.

    Returns:
        The settings with, in `origins`, where each came from.

    Raises:
        ConfigError: The file, the profile or a variable cannot be used.
    """
    env = os.environ if env is None else env
    file, data_dir = Path(places.config_file(env)), Path(places.data_directory(env))
    document = read_document(file)
    _warn_of_readers(document, file)
    values, origins = _resolved(_layers(env, flags or {}, document, file))
    return Config(
        file=file,
        data_dir=data_dir,
        profile=env.get("HFS_PROFILE") or None,
        session=env.get("HFS_SESSION") or None,
        providers=_providers(document, file),
        aliases=_aliases(document, file),
        models=_models(document, file),
        daily_budget=_daily_budget(document, file),
        origins=origins,
        **values,
    )


_Layer = tuple[str, Mapping[str, object]]


def _layers(
    env: Mapping[str, str], flags: Mapping[str, object], document: Mapping[str, Any], file: Path
) -> list[_Layer]:
    """Where settings may come from, by name, the strongest first."""
    given = {name: value for name, value in flags.items() if value is not None}
    layers: list[_Layer] = [(f"--{n.replace('_', '-')}", {n: given[n]}) for n in given]
    for name in SETTINGS:
        variable = f"HFS_{name.upper()}"
        if env.get(variable):
            layers.append((variable, {name: env[variable]}))
    if profile := env.get("HFS_PROFILE"):
        layers.append((f"profile {profile}", _profile(document, profile, file)))
    return [*layers, (str(file), document)]


def _resolved(layers: list[_Layer]) -> tuple[dict[str, Any], dict[str, str]]:
    """Each setting's value from the first layer that has it, and that layer's name."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, layer in layers:
        for name, parse in SETTINGS.items():
            if name in layer and name not in values:
                values[name] = _parsed(parse, layer[name], name, origin)
                origins[name] = origin
    return values, origins


def read_document(file: Path) -> dict[str, Any]:
    """Parse the configuration file; an absent one is empty.

    Raises:
        ConfigError: It cannot be read, is too large, is not TOML or holds an unknown key.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_CONFIG_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {file}: {error.strerror}") from error
    if len(data) > MAX_CONFIG_BYTES:
        raise ConfigError(f"the configuration {file} is over {MAX_CONFIG_BYTES} bytes: shorten it")
    import tomllib

    try:
        document = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}") from error
    _known(document, (*SETTINGS, *TABLES), str(file))
    return document


def _warn_of_readers(document: Mapping[str, Any], file: Path) -> None:
    """Headers may carry credentials: say it when others can read the file."""
    providers = document.get("providers")
    tables = providers.values() if isinstance(providers, dict) else ()
    secret = any(isinstance(table, dict) and table.get("headers") for table in tables)
    if secret and file.stat().st_mode & 0o077:
        notices.warn(f"others can read {file}, which holds headers: run chmod 600 on it")


def _known(table: Mapping[str, object], names: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in names:
            hint = did_you_mean(key, names, 1, otherwise=f" (known: {', '.join(names)})")
            raise ConfigError(f"unknown key {key!r} in {where}{hint}")


def _parsed(parse: Callable[[object], object], value: object, name: str, origin: str) -> object:
    try:
        return parse(value)
    except TypeError as error:
        raise ConfigError(f"{name} ({origin}) must be {error}") from error


def _table(document: Mapping[str, Any], name: str, file: Path) -> Mapping[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{name} in {file} must be a table: [{name}]")
    return table


def _profile(document: Mapping[str, Any], profile: str, file: Path) -> Mapping[str, object]:
    profiles = _table(document, "profiles", file)
    if profile not in profiles:
        names = ", ".join(profiles) or "none"
        raise ConfigError(f"no profile {profile!r} in {file} (there: {names})")
    table = _table(profiles, profile, file)
    _known(table, tuple(SETTINGS), f"[profiles.{profile}] of {file}")
    return table


def _providers(document: Mapping[str, Any], file: Path) -> dict[str, ProviderConfig]:
    found = {}
    for name in _table(document, "providers", file):
        table = _table(document["providers"], name, file)
        where = f"[providers.{name}] of {file}"
        _known(table, _PROVIDER_KEYS, where)
        values = dict(table)
        for key, value in table.items():
            if key in {"headers", "query"}:
                if not isinstance(value, dict) or not all(
                    isinstance(v, str) for v in value.values()
                ):
                    raise ConfigError(f"{key} in {where} must be a table of strings")
            elif key == "api_key_cmd" and isinstance(value, list):
                values[key] = tuple(_parsed(text, word, key, where) for word in value)
            else:
                parse = provider_type if key == "type" else text
                values[key] = _parsed(parse, value, key, where)
        found[name] = ProviderConfig(name=name, **values)
    return found


def _aliases(document: Mapping[str, Any], file: Path) -> dict[str, str]:
    table = _table(document, "aliases", file)
    return {n: str(_parsed(text, v, f"alias {n}", str(file))) for n, v in table.items()}


def _models(document: Mapping[str, Any], file: Path) -> dict[str, ModelConfig]:
    found = {}
    for name in _table(document, "models", file):
        table = _table(document["models"], name, file)
        _known(table, _MODEL_KEYS, f'[models."{name}"] of {file}')
        _table(table, "options", file)
        where = f'[models."{name}"] of {file}'
        prices = {
            key: _parsed(amount, value, key, where)
            for key, value in table.items()
            if key.endswith("_price")
        }
        found[name] = ModelConfig(**{**table, **prices})
    return found


def _daily_budget(document: Mapping[str, Any], file: Path) -> float | None:
    table = _table(document, "budget", file)
    _known(table, ("daily",), f"[budget] of {file}")
    if "daily" not in table:
        return None
    return float(str(_parsed(amount, table["daily"], "daily", f"[budget] of {file}")))
