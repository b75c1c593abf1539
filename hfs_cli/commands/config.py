"""`hfs config`: see and change settings."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path

import click

from hfs_cli.config import Config, load_config
from hfs_cli.errors import NotFoundError
from hfs_cli.groups import Group
from hfs_cli.places import config_file
from hfs_cli.wording import did_you_mean

_NOT_SETTINGS = {"origins", "file", "providers", "aliases", "models", "daily_budget"}


@click.group(name="config", cls=Group)
def command() -> None:
    """See and change settings."""


@command.command(name="path")
def path() -> None:
    """Print where the configuration file is (it need not exist)."""
    click.echo(config_file(os.environ))


def _rows(config: Config) -> list[tuple[str, object, str]]:
    """Each setting with its value and where it came from."""
    rows: list[tuple[str, object, str]] = []
    for entry in fields(config):
        if entry.name not in _NOT_SETTINGS:
            value = getattr(config, entry.name)
            origin = config.origins.get(entry.name, _implied_origin(entry.name, value))
            rows.append((entry.name, value, origin))
    file = str(config.file)
    if config.daily_budget is not None:
        rows.append(("budget.daily", config.daily_budget, file))
    for name, target in config.aliases.items():
        rows.append((f"aliases.{name}", target, file))
    for name, provider in config.providers.items():
        rows += [
            (f"providers.{name}.{entry.name}", getattr(provider, entry.name), file)
            for entry in fields(provider)
            if entry.name not in {"name", "headers"} and getattr(provider, entry.name)
        ]
        # A header may carry a credential: its name is shown, its value is not.
        rows += [(f"providers.{name}.headers.{header}", "…", file) for header in provider.headers]
    for name, model in config.models.items():
        rows += [
            (f'models."{name}".{entry.name}', getattr(model, entry.name), file)
            for entry in fields(model)
            if getattr(model, entry.name)
        ]
    return rows


def _implied_origin(name: str, value: object) -> str:
    variable = f"HFS_{name.upper()}"
    return variable if value is not None and os.environ.get(variable) else "default"


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
def list_settings(*, as_json: bool) -> None:
    """List every setting, its value and where it came from."""
    rows = _rows(load_config())
    if as_json:
        items = [{"key": k, "value": v, "origin": o} for k, v, o in rows]
        click.echo(json.dumps(items, indent=2, ensure_ascii=False, default=_plain))
        return
    from hfs_cli.render.lists.table import show_table

    show_table(("KEY", "VALUE", "FROM"), [(k, _shown(v), o) for k, v, o in rows])


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str | os.PathLike):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    """What JSON has no type for: mappings that are no dict, paths."""
    return dict(value) if hasattr(value, "keys") else str(value)  # type: ignore[call-overload]


@command.command(name="get")
@click.argument("key")
def get(*, key: str) -> None:
    """Print one setting as it is in force."""
    values = {name: value for name, value, _ in _rows(load_config())}
    if key not in values:
        hint = did_you_mean(key, values, 1, otherwise=" (hfs config list shows all)")
        raise NotFoundError(f"no setting {key!r}{hint}")
    click.echo(_shown(values[key]))


# A negative number is a value, to be refused in the setting's own words.
@command.command(name="set", context_settings={"ignore_unknown_options": True})
@click.argument("key")
@click.argument("value")
def set_setting(*, key: str, value: str) -> None:
    """Set KEY in the configuration file; comments in it stay.

    VALUE is read as TOML where it is TOML (2, true, ["a", "b"]), otherwise as a string; for
    the model, the system prompt and aliases it is always a string.

    \b
      hfs config set model anthropic/claude-sonnet-4-5
      hfs config set providers.work.base_url https://llm.example.com/v1
    """
    from hfs_cli.config.editing import set_value

    set_value(Path(config_file(os.environ)), key, value)


@command.command(name="unset")
@click.argument("key")
def unset(*, key: str) -> None:
    """Remove KEY from the configuration file; comments in it stay.

    Exits 4 when the file does not set it.
    """
    from hfs_cli.config.editing import unset_value

    unset_value(Path(config_file(os.environ)), key)


@command.command(name="edit")
def edit() -> None:
    """Open the configuration file in $EDITOR and check it afterwards."""
    file = Path(config_file(os.environ))
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    click.edit(filename=str(file))
    load_config()
