"""Resolve the configuration: flag, then environment, profile, file, default."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hfs_cli import notices, places
from hfs_cli.config.settings import (
    ALIAS,
    BUDGET_SETTINGS,
    MODEL_SETTINGS,
    PROFILE_SETTINGS,
    PROVIDER_SETTINGS,
    SETTINGS,
    TABLES,
    TURN_OPTIONS,
    Config,
    ModelConfig,
    ProviderConfig,
    Setting,
)
from hfs_cli.errors import ConfigError, UsageError
from hfs_cli.files import read_file

MAX_CONFIG_BYTES = 1_000_000
# A dotted key of over 50 parts, bare or quoted.
_LONG_KEY = r"""(?<![\w-])(PART)(?:[ \t]*+\.[ \t]*+(PART)){50}""".replace(
    "(PART)", r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
)


# What the command line says for every configuration that this process loads: whose sessions the
# command is about (`hfs_cli.groups.owner_options`).
_typed: dict[str, object] = {}
# Flags whose name is not that of their setting.
_FLAGS = {"user": "--owner"}


@contextmanager
def typed(name: str, value: object) -> Iterator[None]:
    """Apply a flag of `load_config` to every configuration that is loaded in the block."""
    _typed[name] = value
    try:
        yield
    finally:
        del _typed[name]


def load_config(
    env: Mapping[str, str] | None = None, flags: Mapping[str, object] | None = None
) -> Config:
    """Read and resolve the configuration.

    Args:
        env: The environment; the process's own by default.
        flags: What the command line says: settings, ``profile`` and ``all_owners``; None is the
            same as absent.

    Returns:
        The settings, with the origin of each in `origins`.

    Raises:
        ConfigError: The file, the profile or a variable cannot be used.
        UsageError: A flag cannot be used, or two exclude each other.
    """
    env = os.environ if env is None else env
    file, data_dir = Path(places.config_file(env)), Path(places.data_directory(env))
    document = read_document(file)
    _warn_of_readers(document, file)
    profiles = _profiles(document, file)
    flags = {**_typed, **(flags or {})}
    given = {name: value for name, value in flags.items() if value is not None}
    all_owners = bool(given.pop("all_owners", False))
    if all_owners and "user" in given:
        raise UsageError("--owner and --all-owners exclude each other: keep one")
    asked_for = given.pop("profile", None)
    if asked_for == "":  # from an unset variable, perhaps
        raise UsageError("--profile needs the name of a profile: [profiles.NAME] of the file")
    profile = _profile(asked_for or env.get("HFS_PROFILE"), profiles, file)
    layers = [*_typed_and_exported(given, env), (str(file), document)]
    if profile is not None:
        layers.insert(-1, (f"profile {profile}", profiles[profile]))
    values, origins = _resolved(layers)
    _refuse_password(values.get("database"), origins.get("database", ""))
    for name in ("data_dir", "profile", "session"):
        if env.get(f"HFS_{name.upper()}"):
            origins[name] = f"HFS_{name.upper()}"
    own = profiles.get(profile or "", {})
    return Config(
        file=file,
        data_dir=data_dir,
        all_owners=all_owners,
        profile=profile,
        session=env.get("HFS_SESSION") or None,
        profiles=profiles,
        turn_options={name: own[name] for name in own if name in TURN_OPTIONS},
        origins=origins,
        **_tables(document, env, file),
        **values,
    )


def _tables(document: Mapping[str, Any], env: Mapping[str, str], file: Path) -> dict[str, Any]:
    """The fields of `Config` that stand for tables of the file, apart from the profiles."""
    return {
        "providers": _providers(read_tables(document, "providers", PROVIDER_SETTINGS, file), env),
        "aliases": {
            name: _alias(name, target, file)
            for name, target in _table(document, "aliases", file).items()
        },
        "models": {
            name: ModelConfig(**table)
            for name, table in read_tables(document, "models", MODEL_SETTINGS, file).items()
        },
        "programs": _table(document, "tools", file),
        "servers": _table(document, "mcp", file),
        "daily_budget": _values(
            _table(document, "budget", file), BUDGET_SETTINGS, f"[budget] of {file}"
        ).get("daily"),
    }


def _profile(name: object, profiles: Mapping[str, object], file: Path) -> str | None:
    if not name:
        return None
    if name not in profiles:
        from hfs_cli.wording import did_you_mean

        there = f"it has {', '.join(profiles) or 'none'}"
        hint = did_you_mean(str(name), profiles, 1, otherwise=f": {there}")
        raise ConfigError(f"no profile {name!r} in {file}{hint}")
    return str(name)


def _refuse_password(database: object, origin: str) -> None:
    """Refuse a password in the file, which people copy and put under version control."""
    if not isinstance(database, str) or origin == "HFS_DATABASE":
        return
    from hfs_cli.config.database import has_password

    if has_password(database):
        raise ConfigError(
            f"database ({origin}) holds a password: leave it out, and set PGPASSWORD, a line of"
            " ~/.pgpass, or database_cmd"
        )


def _providers(
    tables: Mapping[str, Mapping[str, Any]], env: Mapping[str, str]
) -> dict[str, ProviderConfig]:
    """The providers of the file, and Ollama at the address in its own variable."""
    found = {name: ProviderConfig(name=name, **table) for name, table in tables.items()}
    ollama = found.get("ollama", ProviderConfig("ollama"))
    if (host := env.get("OLLAMA_HOST", "").strip()) and not (ollama.base_url or ollama.type):
        found["ollama"] = replace(ollama, base_url=_ollama_url(host))
    return found


def _ollama_url(host: str) -> str:
    """The address that OLLAMA_HOST means, as Ollama itself reads it (envconfig, `Host`).

    ``box`` is ``http://box:11434``, ``https://box`` has the port of its scheme, and ``0.0.0.0``, on
    which a server listens everywhere, is asked at ``127.0.0.1``.
    """
    scheme, mark, place = host.partition("://")
    if not mark:
        scheme, place = "http", host
    address, slash, path = place.partition("/")
    if address.startswith(":"):
        address = f"127.0.0.1{address}"
    if not (mark or re.search(r":\d+$", address)):
        address += ":11434"
    address = re.sub(r"^0\.0\.0\.0(?=$|:)", "127.0.0.1", address)
    return f"{scheme}://{address}{slash}{path}".rstrip("/")


# A place where settings come from: its name, and its values by their names.
_Layer = tuple[str, Mapping[str, object]]


def _typed_and_exported(given: Mapping[str, object], env: Mapping[str, str]) -> Iterator[_Layer]:
    """The settings of the command line and then of the environment, a layer for each."""
    for name, value in given.items():
        yield _FLAGS.get(name, f"--{name.replace('_', '-')}"), {name: value}
    for name, setting in SETTINGS.items():
        if setting.variable and env.get(setting.variable):
            yield setting.variable, {name: env[setting.variable]}


def _resolved(layers: list[_Layer]) -> tuple[dict[str, Any], dict[str, str]]:
    """Each setting's value from the first layer that has it, and the name of that layer."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, layer in layers:
        for name, setting in PROFILE_SETTINGS.items():
            if name in layer and name not in values:
                values[name] = _parsed(setting, layer[name], name, origin)
                origins[name] = origin
    return values, origins


def read_document(file: Path) -> dict[str, Any]:
    """Parse the configuration file; the result is empty if there is none.

    Raises:
        ConfigError: It cannot be read, is too large, is not TOML or holds an unknown key.
    """
    data = read_file(file, MAX_CONFIG_BYTES, absent=b"", failure=ConfigError)
    if not data:
        return {}
    document = parse_toml(data, file)
    if "tool" in document:
        raise ConfigError(
            f"tool in {file} stands outside a profile: name tools with --tool, or in"
            " [profiles.NAME]"
        )
    for key in document:
        option = key.replace("_", "-")
        if key not in SETTINGS and option in TURN_OPTIONS:
            place = f"set profiles.NAME.{option}"
            if option in {"temperature", "max-tokens"}:
                place += f', or models."PROVIDER/MODEL".options.{option.replace("-", "_")}'
            raise ConfigError(f"{key} in {file} is an option of a turn: {place}")
    _known(document, (*SETTINGS, *TABLES), str(file))
    return document


def _profiles(document: Mapping[str, Any], file: Path) -> dict[str, dict[str, Any]]:
    """The profiles: their settings parsed, and their options of a turn as the file has them."""
    found = {}
    tables = _table(document, "profiles", file)
    for name in tables:
        table = _table(tables, name, file, "profiles")
        where = f"[profiles.{_quoted(name)}] of {file}"
        _known(table, (*PROFILE_SETTINGS, *TURN_OPTIONS), where)
        settings = {key: value for key, value in table.items() if key in PROFILE_SETTINGS}
        found[name] = {**table, **_values(settings, PROFILE_SETTINGS, where)}
    return found


def parse_toml(data: bytes, file: Path) -> dict[str, Any]:
    """Parse a file that a user wrote.

    Raises:
        ConfigError: It is not TOML.
    """
    import tomllib

    try:
        text = data.decode()
        # The time that tomllib takes grows with the square of a key's parts: 40 kB took 13 s.
        if re.search(_LONG_KEY, text):
            raise ConfigError(f"{file} holds a key of over 50 parts: shorten it")
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also numbers without an end
        raise ConfigError(f"{file} is not valid TOML: {error}") from error


def _warn_of_readers(document: Mapping[str, Any], file: Path) -> None:
    """Warn if others can read the file and it holds headers, which may carry credentials."""
    providers = document.get("providers")
    tables = providers.values() if isinstance(providers, dict) else ()
    secret = any(isinstance(table, dict) and table.get("headers") for table in tables)
    if secret and file.stat().st_mode & 0o077:
        notices.warn(f"others can read {file}, which holds headers: run chmod 600 on it")


_FEW = 15  # names that an error can list and still be read


def _known(table: Mapping[str, object], names: Iterable[str], where: str) -> None:
    for key in table:
        if key not in names:
            from hfs_cli.hide import is_secret_name
            from hfs_cli.wording import did_you_mean

            if is_secret_name(key):
                raise ConfigError(
                    f"unknown key {key!r} in {where}: keys are not settings; hfs keys set PROVIDER"
                    " keeps one, or api_key_env names its variable"
                )
            names = list(names)
            there = f"known: {', '.join(names)}"
            if len(names) > _FEW:
                there = "hfs config list shows the settings"
            hint = did_you_mean(key, names, 1, otherwise=f" ({there})")
            raise ConfigError(f"unknown key {key!r} in {where}{hint}")


def _parsed(setting: Setting, value: object, name: str, origin: str) -> Any:  # noqa: ANN401
    try:
        return setting.parse(value)
    except ValueError as error:
        failure = UsageError if origin.startswith("--") else ConfigError
        raise failure(f"{name} ({origin}) must be {error}") from error


def _alias(name: str, target: object, file: Path) -> str:
    if isinstance(target, dict) and target:
        whole = _quoted(f"{name}.{next(iter(target))}")
        raise ConfigError(
            f"alias {name} in {file} is a table: a name with dots is quoted, aliases.{whole}"
        )
    alias: str = _parsed(ALIAS, target, f"alias {name}", str(file))
    return alias


def _table(document: Mapping[str, Any], name: str, file: Path, kind: str = "") -> Mapping[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        key = f"{kind}.{_quoted(name)}" if kind else name
        raise ConfigError(f"{key} in {file} must be a table: [{key}]")
    return table


def _values(
    table: Mapping[str, object], settings: Mapping[str, Setting], where: str
) -> dict[str, Any]:
    _known(table, settings, where)
    return {key: _parsed(settings[key], value, key, where) for key, value in table.items()}


def read_tables(
    document: Mapping[str, Any], kind: str, settings: Mapping[str, Setting], file: Path
) -> dict[str, dict[str, Any]]:
    """The tables of a kind by their names, each with its settings parsed.

    Raises:
        ConfigError: One is not a table, or a key or a value in it cannot be used.
    """
    tables = _table(document, kind, file)
    return {
        name: _values(
            _table(tables, name, file, kind), settings, f"[{kind}.{_quoted(name)}] of {file}"
        )
        for name in tables
    }


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else f'"{name}"'
