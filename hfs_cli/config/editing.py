"""Change the configuration file without losing its comments."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfs_cli.config.kinds import TEXT
from hfs_cli.config.loading import load_config, read_document
from hfs_cli.config.origins import find_setting
from hfs_cli.config.settings import Config
from hfs_cli.config.tools import configured_tools
from hfs_cli.errors import ConfigError, NotFoundError, UsageError
from hfs_cli.files import NewFile, changing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

_LONGEST_KEY = 1000


def set_value(
    file: Path, key: str, text: str, check: Callable[[Config], None] = lambda _: None
) -> None:
    """Set one value; the rest of the file stays as it is.

    Args:
        file: The configuration file; made if absent.
        key: A dotted key (``providers.work.base_url``); parts that hold dots are quoted
            as in TOML (``models."openai/gpt-5.1".options``).
        text: The value, read as TOML if it is valid TOML, otherwise a string; always a string if
            the setting is one.
        check: Raises an `HfsError` for a configuration that would be refused in use.

    Raises:
        UsageError: The key is malformed, or an alias would lead back to itself.
        ConfigError: The file would not be valid with it, and is left as it was.
        HfsError: What `check` raises.
    """
    parts = split_key(key)
    file = file.resolve()  # A dotfile manager's symlink stays a symlink.
    with changing(file, ConfigError):
        _replace(file, _with_value(file, key, parts, text), check)


def _with_value(file: Path, key: str, parts: list[str], text: str) -> str:
    import tomllib

    import tomlkit

    read_document(file)
    before = file.read_text("utf-8") if file.exists() else ""
    document = tomlkit.parse(before)
    table: MutableMapping[str, Any] = document
    for part in parts[:-1]:
        table = table.setdefault(part, tomlkit.table(is_super_table=part != parts[-2]))
        if not hasattr(table, "setdefault"):
            raise UsageError(f"{part} in {key} is a value, not a table: hfs config list shows it")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # ValueError: also numbers without an end
        value = text
    setting = find_setting(parts)
    # A setting that is a string needs no quotes, whatever it looks like.
    is_text = setting is not None and setting.kind is TEXT
    table[parts[-1]] = text if is_text and not isinstance(value, str) else value
    if parts[0] == "aliases":
        _check_alias(table, parts[-1])
    return _parted(tomlkit.dumps(document), before)


def _parted(text: str, before: str) -> str:
    """Put an empty line before each new table."""
    lines: list[str] = []
    old = set(before.splitlines())
    for line in text.splitlines(keepends=True):
        if line.startswith("[") and line.rstrip("\n") not in old and lines and lines[-1] != "\n":
            lines.append("\n")
        lines.append(line)
    return "".join(lines)


def unset_value(file: Path, key: str) -> None:
    """Remove one value or table; the rest of the file stays as it is.

    Raises:
        UsageError: The key is malformed.
        NotFoundError: The file does not set it.
        ConfigError: The file would not be valid without it, and is left as it was.
    """
    parts = split_key(key)
    file = file.resolve()
    _without_value(file, key, parts)
    with changing(file, ConfigError):
        _replace(file, _without_value(file, key, parts), lambda _: None)


def _without_value(file: Path, key: str, parts: list[str]) -> str:
    import tomlkit

    table: Any = tomlkit.parse(file.read_text("utf-8")) if read_document(file) else {}
    tables = [table]
    for part in parts[:-1]:
        table = table.get(part, {}) if hasattr(table, "get") else {}
        tables.append(table)
    if not hasattr(table, "get") or parts[-1] not in table:
        raise NotFoundError(f"{key} is not set in {file} (hfs config list shows what is)")
    del table[parts[-1]]
    # A table that becomes empty is removed too, unless it holds a comment; and at the end of the
    # file the empty line before it.
    for outer, inner, name in zip(tables[-2::-1], tables[:0:-1], parts[-2::-1], strict=True):
        if inner or tomlkit.dumps(inner).strip():
            break
        del outer[name]
    text = tomlkit.dumps(tables[0])
    return text.rstrip("\n") + "\n" if text.endswith("\n\n") else text


def split_key(key: str) -> list[str]:
    """Split a dotted TOML key into its parts.

    Raises:
        UsageError: It is malformed.
    """
    import tomllib

    help_text = f'{key!r:.80} is not a key: write name, table.name, or table."a.b".name'
    if "\n" in key or len(key) > _LONGEST_KEY:
        raise UsageError(help_text)
    try:
        table = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError as error:
        raise UsageError(help_text) from error
    parts = []
    node: Any = table
    while isinstance(node, dict):
        name, node = next(iter(node.items()))
        parts.append(name)
    return parts


def _check_alias(aliases: Mapping[str, Any], name: str) -> None:
    target = aliases[name]
    # As many steps as there are aliases: an existing circle elsewhere does not make this endless.
    for _ in range(len(aliases)):
        if target == name:
            raise UsageError(f"the alias {name} would lead back to itself: name PROVIDER/MODEL")
        target = aliases.get(target, "")


def _replace(file: Path, text: str, check: Callable[[Config], None]) -> None:
    """Check the new text as a whole configuration, then replace the file in one step."""
    with NewFile(file) as new:
        new.write(text.encode())
        try:
            config = load_config({**os.environ, "HFS_CONFIG": str(new.path), "HFS_PROFILE": ""})
            configured_tools(config)
            check(config)
        except (ConfigError, NotFoundError) as error:
            message = error.message.replace(str(new.path), str(file))
            raise type(error)(f"not set: {message}") from error
        new.take_name(replace=True)


def toml_text(document: Mapping[str, object]) -> str:
    """A new document as TOML; a string of several lines is written as such."""
    import tomlkit

    table = tomlkit.document()
    for key, value in document.items():
        if isinstance(value, str) and "\n" in value:
            table[key] = tomlkit.string(value, multiline=True)
        else:
            table[key] = value
    return tomlkit.dumps(table)
