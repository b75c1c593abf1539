"""The tables ``[tools.NAME]`` and ``[mcp.NAME]``, parsed only when tools are used.

`Config` holds them as the file has them, so that a chat without tools parses none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfs_cli.config.kinds import COMMAND, SECONDS, TEXT, VARIABLE, YES_OR_NO, Kind
from hfs_cli.config.loading import read_tables
from hfs_cli.config.settings import VENDOR_TOOLS, Config, Setting, declared, setting
from hfs_cli.errors import ConfigError

# What every vendor takes as the name of a tool; the name of a server precedes those of its tools.
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _words(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise TypeError
    return tuple(value)


def _command(value: object) -> tuple[str, ...]:
    words = _words(value)
    if not words or not words[0]:
        raise ValueError
    return words


def _variables(value: object) -> tuple[str, ...]:
    names = _words(value)
    if not all(re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) for name in names):
        raise ValueError
    return names


def _parameters(value: object) -> Mapping[str, Any] | str:
    if not isinstance(value, dict | str):
        raise TypeError
    return value


_COMMAND = Kind("a list of strings, the program first", _command)
_WORDS = Kind("a list of strings", _words)
_VARIABLES = Kind("a list of variable names", _variables)
_PARAMETERS = Kind('a JSON Schema as a table, or a string such as "path, depth int"', _parameters)

# What both tables have, as `setting` takes it.
_ENV = (
    _VARIABLES,
    (),
    "The variables that it gets besides PATH, HOME and the like; no other is passed on.",
    'env = ["GITHUB_TOKEN"]',
)
_CWD = (
    TEXT,
    None,
    "The directory in which it runs; by default that in which hfs was started.",
    'cwd = "~/notes"',
)
_CONFIRM = (
    YES_OR_NO,
    False,
    "Whether to ask on the terminal before each call; elsewhere it cannot be used then.",
    "confirm = true",
)
_PARALLEL = (
    YES_OR_NO,
    True,
    "Whether calls of it may run while others do.",
    "parallel = false",
)


@dataclass(frozen=True, slots=True)
class ProgramConfig:
    """One ``[tools.NAME]`` table: a program."""

    name: str
    command: tuple[str, ...] = setting(
        _COMMAND,
        (),
        "The program and its arguments, run without a shell; the model's come on standard input.",
        'command = ["wc", "-l"]',
    )
    description: str | None = setting(
        TEXT,
        None,
        "What the tool does and when to use it: all that the model knows of it.",
        'description = "Count the lines of a text."',
    )
    parameters: Mapping[str, Any] | str = setting(
        _PARAMETERS,
        {},
        "The arguments that the model gives it, as JSON Schema or in the short form of --schema.",
        'parameters = "path, depth int"',
    )
    timeout: float = setting(
        SECONDS,
        30.0,
        "After how many seconds the program is ended.",
        "timeout = 5",
    )
    env: tuple[str, ...] = setting(*_ENV)
    cwd: str | None = setting(*_CWD)
    confirm: bool = setting(*_CONFIRM)
    parallel: bool = setting(*_PARALLEL)


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """One ``[mcp.NAME]`` table: an MCP server, which is started or reached over HTTP."""

    name: str
    command: str | None = setting(
        TEXT,
        None,
        "The program of an MCP server that speaks on standard input and output.",
        'command = "npx"',
    )
    args: tuple[str, ...] = setting(
        _WORDS,
        (),
        "The program's arguments.",
        'args = ["-y", "@modelcontextprotocol/server-filesystem", "/srv/notes"]',
    )
    env: tuple[str, ...] = setting(*_ENV)
    cwd: str | None = setting(*_CWD)
    url: str | None = setting(
        TEXT,
        None,
        "The address of an MCP server that speaks streamable HTTP.",
        'url = "https://mcp.example.com/mcp"',
    )
    headers_cmd: str | tuple[str, ...] | None = setting(
        COMMAND,
        None,
        "A command that prints headers for each request, one a line; it is run without a shell.",
        'headers_cmd = ["pass", "show", "mcp-headers"]',
    )
    api_key_env: str | None = setting(
        VARIABLE,
        None,
        "The environment variable that holds the server's bearer token.",
        'api_key_env = "MCP_TOKEN"',
    )
    timeout: float = setting(
        SECONDS,
        30.0,
        "After how many seconds a call of one of its tools, or its start, is given up.",
        "timeout = 60",
    )
    confirm: bool = setting(*_CONFIRM)
    parallel: bool = setting(*_PARALLEL)


PROGRAM_SETTINGS: Mapping[str, Setting] = declared(ProgramConfig, "tools.NAME.")
SERVER_SETTINGS: Mapping[str, Setting] = declared(ServerConfig, "mcp.NAME.")


@dataclass(frozen=True, slots=True)
class Configured:
    """The tools of the configuration, by their names.

    Args:
        file: The configuration file.
        tool_timeout: After how many seconds any of them is ended, or None.
    """

    programs: Mapping[str, ProgramConfig]
    servers: Mapping[str, ServerConfig]
    file: Path
    tool_timeout: float | None


def configured_tools(config: Config) -> Configured:
    """Parse both kinds of tables; whether each is complete is checked when it is used.

    Raises:
        ConfigError: A name, a key or a value cannot be used.
    """
    document = {"tools": config.programs, "mcp": config.servers}
    programs = {
        name: ProgramConfig(name=name, **values)
        for name, values in read_tables(document, "tools", PROGRAM_SETTINGS, config.file).items()
    }
    servers = {
        name: ServerConfig(name=name, **values)
        for name, values in read_tables(document, "mcp", SERVER_SETTINGS, config.file).items()
    }
    for name in (*programs, *servers):
        if not NAME.fullmatch(name) or "__" in name:
            raise ConfigError(
                f"{name!r} in {config.file} cannot be the name of a tool: use letters, digits,"
                ' "-" and single "_", at most 64'
            )
        if name in programs and name in servers:
            raise ConfigError(
                f"[tools.{name}] and [mcp.{name}] in {config.file} share a name: rename one"
            )
        if name in VENDOR_TOOLS:
            raise ConfigError(f"{name} in {config.file} means the provider's own tool: rename it")
    return Configured(programs, servers, config.file, config.tool_timeout)
