"""All settings that exist, and the values in force with the origin of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfs_cli.config.settings import (
    ALIAS,
    BUDGET_SETTINGS,
    MODEL_SETTINGS,
    PROFILE_SETTINGS,
    PROVIDER_SETTINGS,
    SETTINGS,
    VARIABLES,
    Config,
    Setting,
)
from hfs_cli.config.tools import PROGRAM_SETTINGS, SERVER_SETTINGS, configured_tools
from hfs_cli.hide import hide, is_secret_name

# The settings in tables whose names users choose, by the kind of the table.
IN_TABLES: Mapping[str, Mapping[str, Setting]] = {
    "profiles": PROFILE_SETTINGS,
    "providers": PROVIDER_SETTINGS,
    "models": MODEL_SETTINGS,
    "tools": PROGRAM_SETTINGS,
    "mcp": SERVER_SETTINGS,
}


def find_setting(parts: Sequence[str]) -> Setting | None:
    """The setting that a key names, or None.

    Args:
        parts: The parts of the key: ``providers``, ``box``, ``type``.
    """
    match parts:
        case [name]:
            return SETTINGS.get(name)
        case ["aliases", _]:
            return ALIAS
        case ["budget", name]:
            return BUDGET_SETTINGS.get(name)
        case [kind, _, name]:
            return IN_TABLES.get(kind, {}).get(name)
    return None


def all_settings() -> Iterator[Setting]:
    """Every setting that exists, in the order of the documentation."""
    yield from PROFILE_SETTINGS.values()
    yield ALIAS
    yield from PROVIDER_SETTINGS.values()
    yield from MODEL_SETTINGS.values()
    yield from BUDGET_SETTINGS.values()
    yield from PROGRAM_SETTINGS.values()
    yield from SERVER_SETTINGS.values()


@dataclass(frozen=True, slots=True)
class Row:
    """A setting in force.

    Args:
        key: Its key, as `hfs config get` takes it.
        value: Its value; ``…`` stands for what may be a credential.
        origin: A flag, a variable, a profile, the file's path or ``default``.
    """

    key: str
    value: object
    origin: str


def rows(config: Config) -> list[Row]:
    """Every setting outside of tables, set or not, and all that the tables of the file set."""
    names = ("data_dir", *SETTINGS, *(("tool",) if config.tool else ()), "profile", "session")
    found = [
        Row(name, without_secret(name, getattr(config, name)), config.origins.get(name, "default"))
        for name in names
    ]
    return [*found, *(Row(key, value, str(config.file)) for key, value in _in_tables(config))]


def _in_tables(config: Config) -> Iterator[tuple[str, object]]:
    if config.daily_budget is not None:
        yield "budget.daily", config.daily_budget
    for name, profile in config.profiles.items():
        for key, value in profile.items():
            yield f"profiles.{name}.{key}", without_secret(key, value)
    for name, target in config.aliases.items():
        yield f"aliases.{name}", target
    for name, provider in config.providers.items():
        for key, value in _given(provider, PROVIDER_SETTINGS):
            if key != "headers":
                yield f"providers.{name}.{key}", _without_secrets(key, value)
        for header in provider.headers:
            yield f"providers.{name}.headers.{header}", "…"
    for name, model in config.models.items():
        for key, value in _given(model, MODEL_SETTINGS):
            yield f'models."{name}".{key}', value
    yield from _in_tools(config)


def _in_tools(config: Config) -> Iterator[tuple[str, object]]:
    tools = configured_tools(config)
    for kind, tables, settings in (
        ("tools", tools.programs, PROGRAM_SETTINGS),
        ("mcp", tools.servers, SERVER_SETTINGS),
    ):
        for name, table in tables.items():
            for key, value in _given(table, settings):
                yield f"{kind}.{name}.{key}", _without_secrets(key, value)


def unread_variables(file: Path, env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The variables of the environment that are named like settings, and that nothing reads.

    Args:
        file: The configuration file, which may name others.
        env: The environment.

    Yields:
        The variable, and the name that was meant; that is empty if none is near.
    """
    import re

    from hfs_cli.config.loading import MAX_CONFIG_BYTES
    from hfs_cli.errors import ConfigError
    from hfs_cli.files import read_file
    from hfs_cli.wording import near_names

    known = [*VARIABLES, *(setting.variable or "" for setting in SETTINGS.values())]
    data = read_file(file, MAX_CONFIG_BYTES, absent=b"", failure=ConfigError)
    # It may name a variable of the user's own: as a key's, or in the command of a tool.
    read = {*known, *re.findall(r"HFS_\w+", data.decode())}
    for name, value in env.items():
        prefix, _, rest = name.upper().partition("_")
        # HFS_TEST_… are those of the tests.
        if prefix == "HFS" and value and name not in read and not rest.startswith("TEST_"):
            near = near_names(rest, [variable.partition("_")[2] for variable in known], 1)
            yield name, "".join(f"HFS_{word}" for word in near)


def without_secret(name: str, value: Any) -> object:  # noqa: ANN401  (any setting's)
    """A setting outside of the tables, or of a profile, as it may be shown."""
    if name == "database" and isinstance(value, str):
        from hfs_cli.config.database import without_password

        return without_password(value)
    return value if value is None or name != "database_cmd" else _without_secrets(name, value)


def _without_secrets(key: str, value: Any) -> object:  # noqa: ANN401  (any setting's)
    """A setting of a provider, a tool or a server as it may be shown."""
    if key in {"api_key_cmd", "headers_cmd", "database_cmd"}:
        # The words of the command may be the key itself (printf …): show only its name.
        words = value.split() if isinstance(value, str) else value
        return " ".join((*map(hide, words[:1]), *("…" for _ in words[1:2])))
    if key == "query":
        return {name: "…" if is_secret_name(name) else text for name, text in value.items()}
    return hide(value) if isinstance(value, str) else value


def _given(table: object, settings: Mapping[str, Setting]) -> Iterator[tuple[str, object]]:
    for key in settings:
        value = getattr(table, key)
        if value != settings[key].default and value not in ({}, ()):
            yield key, value


def shown(value: object) -> str:
    """A value as `hfs config get` prints it: text as it is, anything else as JSON."""
    if value is None:
        return ""
    if isinstance(value, str | Path):
        return str(value)
    import json

    return json.dumps(value, ensure_ascii=False, default=str)
