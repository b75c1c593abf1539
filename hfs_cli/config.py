"""The frozen configuration: flag, then environment, profile, file, default, with origins."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hfs_cli.errors import ConfigError

MAX_CONFIG_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """One ``[providers.NAME]`` table; None where the file says nothing.

    Args:
        type: Wire format: ``openai``, ``anthropic``, ``gemini``, ``ollama`` or ``local``.
        base_url: Where requests go; for ``openai`` it ends before ``/chat/completions``.
        api_key_env: The environment variable that holds the key.
        api_key_cmd: A command that prints the key, as a string or a list of words.
        ca_bundle: A PEM file of certificate authorities to trust.
        headers: More headers for each request.
        query: More query parameters for each request.
        model: The provider's default model id.
    """

    name: str
    type: str | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    api_key_cmd: str | tuple[str, ...] | None = None
    ca_bundle: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One ``[models."provider/id"]`` table.

    Args:
        options: Sampling options for each turn with this model.
        input_price: Price of a million input tokens, or None.
        output_price: Price of a million output tokens, or None.
        cached_price: Price of a million cached input tokens, or None.
    """

    options: Mapping[str, object] = field(default_factory=dict)
    input_price: float | None = None
    output_price: float | None = None
    cached_price: float | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting, resolved. Seconds are floats; `timeout` None means unlimited."""

    file: Path
    data_dir: Path
    model: str | None = None
    system: str | None = None
    render: str = "auto"
    stream: bool = True
    save: bool = True
    timeout: float | None = None
    idle_timeout: float = 120.0
    retries: int = 2
    checkpoint_retention: int = 10
    profile: str | None = None
    session: str | None = None
    providers: Mapping[str, ProviderConfig] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, ModelConfig] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        """The database file."""
        return self.data_dir / "hfs.db"


# --- how each scalar setting is read ----------------------------------------------------


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a string")
    return value


def _number(value: object) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError("a number of seconds above 0") from None
    if not 0 < number < float("inf"):
        raise TypeError("a number of seconds above 0")
    return number


def _count(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError("a whole number, 0 or more")
    return value


_SWITCH = {"1": True, "true": True, "yes": True, "on": True}
_SWITCH |= {"0": False, "false": False, "no": False, "off": False}


def _switch(value: object) -> bool:
    if isinstance(value, str) and value.lower() in _SWITCH:
        return _SWITCH[value.lower()]
    if not isinstance(value, bool):
        raise TypeError("true or false")
    return value


def _render(value: object) -> str:
    if value not in {"auto", "markdown", "plain"}:
        raise TypeError('"auto", "markdown" or "plain"')
    return str(value)


SETTINGS: Mapping[str, Callable[[object], object]] = {
    "model": _text,
    "system": _text,
    "render": _render,
    "stream": _switch,
    "save": _switch,
    "timeout": _number,
    "idle_timeout": _number,
    "retries": _count,
    "checkpoint_retention": _count,
}
_TABLES = ("providers", "aliases", "models", "profiles")
_PROVIDER_KEYS = tuple(n for n in ProviderConfig.__dataclass_fields__ if n != "name")
_MODEL_KEYS = tuple(ModelConfig.__dataclass_fields__)
# Settings that only the environment gives; the rest are HFS_ + the setting's name.
_ENVIRONMENT_ONLY = ("HFS_SESSION", "HFS_PROFILE", "HFS_CONFIG", "HFS_DATA_DIR", "HFS_DEBUG")


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
    file, data_dir = config_file(env), data_directory(env)
    document = read_document(file)
    profile = env.get("HFS_PROFILE") or None
    layers = [
        (f"--{name.replace('_', '-')}", {name: value})
        for name, value in (flags or {}).items()
        if value is not None
    ]
    layers += [
        (f"HFS_{name.upper()}", {name: env[f"HFS_{name.upper()}"]})
        for name in SETTINGS
        if env.get(f"HFS_{name.upper()}")
    ]
    if profile:
        layers.append((f"profile {profile}", _profile(document, profile, file)))
    layers.append((str(file), document))
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, layer in layers:
        for name, parse in SETTINGS.items():
            if name in layer and name not in values:
                values[name] = _parsed(parse, layer[name], name, origin)
                origins[name] = origin
    return Config(
        file=file,
        data_dir=data_dir,
        profile=profile,
        session=env.get("HFS_SESSION") or None,
        providers=_providers(document, file),
        aliases=_aliases(document, file),
        models=_models(document, file),
        origins=origins,
        **values,
    )


def config_file(env: Mapping[str, str]) -> Path:
    """The file that holds the configuration, whether or not it exists."""
    if env.get("HFS_CONFIG"):
        return Path(env["HFS_CONFIG"]).expanduser()
    return _platform_dir("config") / "config.toml"


def data_directory(env: Mapping[str, str]) -> Path:
    """The directory that holds ``hfs.db``."""
    if env.get("HFS_DATA_DIR"):
        return Path(env["HFS_DATA_DIR"]).expanduser().absolute()
    return _platform_dir("data")


def cache_directory() -> Path:
    """The directory for what can be fetched again: weights, lists of models."""
    return _platform_dir("cache")


def _platform_dir(kind: str) -> Path:
    from platformdirs import PlatformDirs

    dirs = PlatformDirs("hfs", appauthor=False)
    path = {"config": dirs.user_config_path, "data": dirs.user_data_path}.get(
        kind, dirs.user_cache_path
    )
    if not path.is_absolute():
        raise ConfigError(
            f"no home directory to keep the {kind} in: set HOME, or HFS_DATA_DIR and HFS_CONFIG"
        )
    return path


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
    _known(document, (*SETTINGS, *_TABLES), str(file))
    return document


def _known(table: Mapping[str, object], names: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in names:
            near = get_close_matches(key, names, 1)
            hint = f": did you mean {near[0]}?" if near else f" (known: {', '.join(names)})"
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
                values[key] = tuple(_parsed(_text, word, key, where) for word in value)
            else:
                values[key] = _parsed(_text, value, key, where)
        found[name] = ProviderConfig(name=name, **values)
    return found


def _aliases(document: Mapping[str, Any], file: Path) -> dict[str, str]:
    table = _table(document, "aliases", file)
    return {n: str(_parsed(_text, v, f"alias {n}", str(file))) for n, v in table.items()}


def _models(document: Mapping[str, Any], file: Path) -> dict[str, ModelConfig]:
    found = {}
    for name in _table(document, "models", file):
        table = _table(document["models"], name, file)
        _known(table, _MODEL_KEYS, f'[models."{name}"] of {file}')
        _table(table, "options", file)
        found[name] = ModelConfig(**table)
    return found
