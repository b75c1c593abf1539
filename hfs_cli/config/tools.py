"""The tables ``[tools.NAME]`` and ``[mcp.NAME]``, read when somebody asks for tools.

A chat without tools reads none of them: they stand in `Config` as the file has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hfs_cli.config.loading import read_tables
from hfs_cli.config.settings import (
    COMMAND,
    SECONDS,
    TEXT,
    VENDOR_TOOLS,
    YES_OR_NO,
    Config,
    Kind,
    Setting,
    declared,
    setting,
)
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
_VARIABLES = Kind("a list of names of variables", _variables)
_PARAMETERS = Kind('a JSON Schema as a table, or a string such as "path, depth int"', _parameters)


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
        "What the model is to give it, as JSON Schema or in the short form of --schema.",
        'parameters = "path, depth int"',
    )
    timeout: float = setting(
        SECONDS,
        30.0,
        "After how many seconds the program is ended.",
        "timeout = 5",
    )
    env: tuple[str, ...] = setting(
        _VARIABLES,
        (),
        "The variables that it gets besides PATH, HOME and the like; no other is passed on.",
        'env = ["EDITOR"]',
    )
    cwd: str | None = setting(
        TEXT,
        None,
        "The directory in which it runs; where hfs was started by default.",
        'cwd = "~/notes"',
    )
    confirm: bool = setting(
        YES_OR_NO,
        False,
        "Whether each call is asked about on a terminal; elsewhere the tool cannot be used then.",
        "confirm = true",
    )
    parallel: bool = setting(
        YES_OR_NO,
        True,
        "Whether it may run while other calls do.",
        "parallel = false",
    )


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
    env: tuple[str, ...] = setting(
        _VARIABLES,
        (),
        "The variables that it gets besides PATH, HOME and the like; no other is passed on.",
        'env = ["GITHUB_TOKEN"]',
    )
    cwd: str | None = setting(
        TEXT,
        None,
        "The directory in which it runs; where hfs was started by default.",
        'cwd = "/srv"',
    )
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
        TEXT,
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
    confirm: bool = setting(
        YES_OR_NO,
        False,
        "Whether each call is asked about on a terminal; elsewhere its tools cannot be used then.",
        "confirm = true",
    )
    parallel: bool = setting(
        YES_OR_NO,
        True,
        "Whether its tools may run while other calls do.",
        "parallel = false",
    )


PROGRAM_SETTINGS: Mapping[str, Setting] = declared(ProgramConfig, "tools.NAME.")
SERVER_SETTINGS: Mapping[str, Setting] = declared(ServerConfig, "mcp.NAME.")


@dataclass(frozen=True, slots=True)
class Configured:
    """The tools of the configuration, each by its name."""

    programs: Mapping[str, ProgramConfig]
    servers: Mapping[str, ServerConfig]

    @property
    def names(self) -> Iterator[str]:
        """All that ``--tool`` takes, but for a server's single tools."""
        yield from self.programs
        yield from self.servers


def configured_tools(config: Config) -> Configured:
    """Read the two kinds of tables; that each is complete is seen when it is used.

    Raises:
        ConfigError: A name, a key or a value cannot be used.
    """
    programs = {
        name: ProgramConfig(name=name, **values)
        for name, values in read_tables(
            {"tools": config.programs}, "tools", PROGRAM_SETTINGS, config.file
        ).items()
    }
    servers = {
        name: ServerConfig(name=name, **values)
        for name, values in read_tables(
            {"mcp": config.servers}, "mcp", SERVER_SETTINGS, config.file
        ).items()
    }
    for name in (*programs, *servers):
        if not NAME.fullmatch(name) or "__" in name:
            raise ConfigError(
                f"{name!r} in {config.file} cannot be the name of a tool: use letters, digits,"
                ' "-" and single "_", at most 64'
            )
        if name in programs and name in servers:
            raise ConfigError(f"[tools.{name}] and [mcp.{name}] in {config.file}: rename one")
        if name in VENDOR_TOOLS:
            raise ConfigError(f"{name} in {config.file} means the provider's own tool: rename it")
    return Configured(programs, servers)
