"""`hfs config`: see and change settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import click

from hfs_cli import notices
from hfs_cli.config import Config, load_config
from hfs_cli.errors import ConfigError, NotFoundError
from hfs_cli.groups import Context, Group
from hfs_cli.places import config_file
from hfs_cli.wording import did_you_mean


@click.group(name="config", cls=Group)
def config_group() -> None:
    """See and change settings."""


@config_group.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def list_settings(*, as_json: bool) -> None:
    """List every setting, its value and where it came from.

    Warns of HFS_ variables that do not exist, such as HFS_MODLE.
    """
    from hfs_cli.config.origins import rows, shown, unread_variables
    from hfs_cli.render.json_shapes import print_json
    from hfs_cli.render.lists.table import show_table

    config = load_config()
    for name, meant in unread_variables(config.file, os.environ):
        hint = f": did you mean {meant}?" if meant else ""
        notices.warn(f"hfs reads no variable {name}{hint}")
    found = rows(config)
    if as_json:
        print_json([{"key": row.key, "value": row.value, "origin": row.origin} for row in found])
        return
    file = str(config.file)
    shown_rows = [(r.key, shown(r.value), "file" if r.origin == file else r.origin) for r in found]
    show_table(("KEY", "VALUE", "FROM"), shown_rows, footer=f"file: {file}")


@config_group.command(name="get")
@click.argument("key")
def get_setting(*, key: str) -> None:
    """Print the value of KEY that is in force."""
    from hfs_cli.config.origins import rows, shown

    values = {row.key: row.value for row in rows(load_config())}
    if key not in values:
        inner = [name.removeprefix(f"{key}.") for name in values if name.startswith(f"{key}.")]
        if inner:
            raise NotFoundError(f"{key} is a table: name a setting in it, such as {key}.{inner[0]}")
        hint = did_you_mean(key, values, 1, otherwise=" (hfs config list shows all)")
        raise NotFoundError(f"no setting {key!r}{hint}")
    click.echo(shown(values[key]))


# A negative number is a value, which the setting refuses in its own words.
@config_group.command(name="set", context_settings={"ignore_unknown_options": True})
@click.argument("key")
@click.argument("value")
def set_setting(*, key: str, value: str) -> None:
    """Set KEY in the configuration file; comments in it stay.

    VALUE is read as TOML where it is TOML (2, true, ["a", "b"]), otherwise as a string; for
    the model, the system prompt and aliases it is always a string.

    \b
      hfs config set model anthropic/claude-sonnet-5-5
      hfs config set providers.work.base_url https://llm.example.com/v1
    """
    from hfs_cli.config.editing import set_value, split_key
    from hfs_cli.config.keys import warn_of_shell
    from hfs_cli.providers.choose import check_setting

    parts = split_key(key)

    def check(new: Config) -> None:
        check_setting(new, parts, value)
        _check_profile(new, parts)
        if parts[2:] == ["api_key_cmd"] and (command := new.providers[parts[1]].api_key_cmd):
            warn_of_shell(parts[1], command, notices.warn)

    set_value(Path(config_file(os.environ)), key, value, check)


def _check_profile(config: Config, parts: list[str]) -> None:
    """Check an option of a turn that was set in a profile, as `hfs chat` would."""
    from hfs_cli.config.settings import TURN_OPTIONS, VENDOR_TOOLS

    match parts:
        case ["profiles", name, "tool"]:
            from hfs_cli.config.tools import configured_tools
            from hfs_cli.tools.choose import wanted_tools

            tools = cast("tuple[str, ...]", config.profiles[name]["tool"])
            named = [tool for tool in tools if tool not in VENDOR_TOOLS]
            wanted_tools(named, configured_tools(config))
        case ["profiles", name, option, *_] if option in TURN_OPTIONS:
            from hfs_cli.commands.chat import chat
            from hfs_cli.compose.templates import fill

            where = f"[profiles.{name}] of {config.file}"
            fill(Context(chat), {}, {option: config.profiles[name][option]}, where)


@config_group.command(name="unset")
@click.argument("key")
def unset_setting(*, key: str) -> None:
    """Remove KEY from the configuration file; comments in it stay.

    Exits 4 when the file does not set it.
    """
    from hfs_cli.config.editing import unset_value

    unset_value(Path(config_file(os.environ)), key)


@config_group.command(name="edit")
def edit_config() -> None:
    """Open the configuration file in $EDITOR and check it afterwards.

    On a terminal it can be edited again until it is right.
    """
    from hfs_cli.compose.editor import edit_file
    from hfs_cli.files import create, make_directory, refusing
    from hfs_cli.providers.choose import check_setting

    file = Path(config_file(os.environ))
    with refusing(ConfigError, f"cannot write {file}"):
        make_directory(file.parent)
        if not file.exists():
            create(file)  # private, unlike a file that the editor makes

    def check() -> None:
        config = load_config()
        for parts, value in _models_of(config):
            check_setting(config, parts, value)

    edit_file(file, check)


def _models_of(config: Config) -> Iterator[tuple[list[str], str]]:
    """The settings of the file that name a model or a provider, with their values."""
    if config.model and config.origins.get("model") == str(config.file):
        yield ["model"], config.model
    for name, model in config.aliases.items():
        yield ["aliases", name], model
    for name in config.providers:
        yield ["providers", name], ""
    for name, profile in config.profiles.items():
        if "model" in profile:
            yield ["profiles", name, "model"], str(profile["model"])


@config_group.command(name="path")
def print_config_path() -> None:
    """Print where the configuration file is (it need not exist)."""
    click.echo(config_file(os.environ))
