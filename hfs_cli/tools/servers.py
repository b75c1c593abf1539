"""A configured MCP server: its tools, from its last list where nothing has changed."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hfs_cli.config.tools import ServerConfig
from hfs_cli.errors import ConfigError, CredentialsError, HfsError
from hfs_cli.files import read_file, write_file
from hfs_cli.places import cache_directory
from hfs_cli.tools.programs import environment, find_program, refuse_keys, working_directory
from hfs_cli.tools.tool import Result
from hfs_cli.wording import plural

if TYPE_CHECKING:
    from hfs_cli.tools.mcp.connection import Connection
    from hfs_cli.tools.mcp.loop import Loop
    from hfs_cli.tools.mcp.target import Address, Launch

_MAX_CACHE_BYTES = 20_000_000
# Seconds after which a list that no call has tested is asked for again.
_CACHE_S = 7 * 24 * 3600.0


class Listing(NamedTuple):
    """The tools of a server as it last listed them.

    Args:
        server: The server's own name and version; empty where it does not say.
        tools: Each tool's name, description and JSON Schema.
    """

    server: str
    tools: tuple[tuple[str, str, Mapping[str, Any]], ...]

    @property
    def names(self) -> list[str]:
        """What its tools are called."""
        return [name for name, _, _ in self.tools]


class Server:
    """A server, started or reached only when it has to be asked.

    Args:
        config: Its table.
        file: Where it stands, for errors.
        hidden: The variables that hold providers' keys; no server gets one.

    Raises:
        ConfigError: Something is missing or cannot be used.
    """

    def __init__(self, config: ServerConfig, file: Path, hidden: Collection[str]) -> None:
        self.config = config
        self._where = f"[mcp.{config.name}] of {file}"
        if (config.command is None) == (config.url is None):
            raise ConfigError(f"{self._where} needs a command, or a url: exactly one of them")
        if config.command is not None:
            self._words = (find_program(config.command, self._where), *config.args)
            self._env = environment(config.env, hidden, self._where)
            self._cwd = working_directory(config.cwd, self._where)
        else:
            self._words = ()
            _check_address(config, self._where, hidden)
        self._connection: Connection | None = None
        self._loop: Loop | None = None
        self._lock = threading.Lock()
        self._listed: Listing | None = None
        # Whether this run has asked for the list, and whether the server has said since that the
        # list has changed.
        self._fresh = False
        self._stale = threading.Event()

    @property
    def name(self) -> str:
        """What users call it."""
        return self.config.name

    def remembered(self) -> Listing | None:
        """Its tools if they are known without asking it, or None."""
        with self._lock:
            if self._listed is None:
                self._listed = self._read()
            return self._listed

    def listing(
        self, stopped: Callable[[], bool] = lambda: False, *, fresh: bool = False
    ) -> Listing:
        """Its tools; the server is asked only if they are not known.

        Args:
            stopped: Asked every few hundredths of a second whether to give up.
            fresh: Ask it, whatever is known.

        Raises:
            HfsError: It does not start, is not reached, or cannot list them.
        """
        known = self.remembered()
        if known is not None and (self._fresh or not fresh):
            return known
        connection = self._connected()
        server = connection.start(self.config.timeout, stopped)
        found = Listing(server, tuple(connection.list_tools(self.config.timeout, stopped)))
        with self._lock:
            self._listed, self._fresh = found, True
            self._write(found)
        return found

    def call(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        seconds: float | None,
        stopped: Callable[[], bool],
    ) -> Result:
        """Call one of its tools; what goes wrong is the result."""
        try:
            connection = self._connected()
            server = connection.start(self.config.timeout, stopped)
            if self._listed is not None and self._listed.server != server:
                self._stale.set()  # another version than the one that listed them
            if missing := self._missing(tool, stopped):
                return Result(missing, failed=True)
            limit = self.config.timeout if seconds is None else seconds
            result = connection.call(tool, arguments, limit, stopped)
            if result.failed and not self._fresh:
                # The model may have chosen from an outdated list.
                self._stale.set()
                if missing := self._missing(tool, stopped):
                    return Result(missing, failed=True)
        except HfsError as error:
            return Result(error.message, failed=True)
        return result

    def _missing(self, tool: str, stopped: Callable[[], bool]) -> str:
        """Why a tool no longer exists, after another look at a list that may have changed."""
        if not self._stale.is_set():
            return ""
        self._stale.clear()
        self._fresh = False
        names = self.listing(stopped, fresh=True).names
        if tool in names:
            return ""
        return (
            f"{self.name} does not offer {tool} any more: its list has changed to"
            f" {plural(len(names), 'tool')}"
        )

    def close(self) -> None:
        """End its process or connection. From any thread; may be called again."""
        with self._lock:
            connection, self._connection = self._connection, None
            loop, self._loop = self._loop, None
        if connection is not None:
            connection.close()
        if loop is not None:
            loop.close()

    def _connected(self) -> Connection:
        require_mcp()
        from hfs_cli.tools.mcp.connection import Connection
        from hfs_cli.tools.mcp.loop import Loop

        with self._lock:
            if self._connection is None:
                self._loop = Loop()
                self._connection = Connection(
                    self.name, self._target(), self._loop, self._stale.set
                )
            return self._connection

    def _target(self) -> Launch | Address:
        from hfs_cli.tools.mcp.target import Address, Launch

        if self.config.url is None:
            return Launch(self._words, self._env, self._cwd)
        return Address(self.config.url, lambda: _headers(self.config, self._where))

    # --- the kept list ----------------------------------------------------------------

    def _path(self) -> Path:
        return Path(cache_directory()) / f"mcp-{self.name}.json"

    def _identity(self) -> str:
        """A digest of what made the list: the command as written, and the files it names."""
        files = []
        for word in self._words:
            with suppress(OSError, ValueError):
                status = os.stat(word)  # noqa: PTH116  any word; most are not files
                if stat.S_ISREG(status.st_mode):
                    files.append([word, status.st_mtime_ns, status.st_size])
        config = self.config
        parts = [self._words, config.env, config.cwd, config.url, files]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def _read(self) -> Listing | None:
        try:
            data = read_file(self._path(), _MAX_CACHE_BYTES, absent=b"{}")
            kept = json.loads(data)
            if kept["identity"] != self._identity() or not 0 <= time.time() - kept["at"] < _CACHE_S:
                return None
            tools = tuple((str(t[0]), str(t[1]), dict(t[2])) for t in kept["tools"])
            return Listing(str(kept["server"]), tools)
        except (HfsError, ValueError, KeyError, TypeError, LookupError, RecursionError):
            return None  # it can be asked for again

    def _write(self, listing: Listing) -> None:
        kept = {
            "identity": self._identity(),
            "at": time.time(),
            "server": listing.server,
            "tools": listing.tools,
        }
        with suppress(OSError, ValueError):
            write_file(self._path(), json.dumps(kept).encode(), replace=True)


def require_mcp() -> None:
    """Check that the package is installed.

    Raises:
        ConfigError: It is not; with the command that installs it.
    """
    from importlib.util import find_spec

    if find_spec("mcp") is None or find_spec("mcp_types") is None:
        from hfs_cli.extras import how_to_add

        raise ConfigError(f"MCP servers need another package: {how_to_add('mcp')}")


def _check_address(config: ServerConfig, where: str, hidden: Collection[str]) -> None:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(config.url or "")
        host, password, _ = parts.hostname, parts.password, parts.port
    except ValueError:
        host = password = None
    if not host or parts.scheme not in {"http", "https"} or password is not None:
        raise ConfigError(f"url ({where}) must be http:// or https:// without a password")
    if config.api_key_env:
        refuse_keys((config.api_key_env,), hidden, where)
    if config.api_key_env and not os.environ.get(config.api_key_env):
        raise CredentialsError(f"no key for the MCP server {config.name}: set {config.api_key_env}")


def _headers(config: ServerConfig, where: str) -> dict[str, str]:
    """The headers of each request to a server."""
    headers = {}
    if config.api_key_env:
        headers["Authorization"] = f"Bearer {os.environ.get(config.api_key_env, '')}"
    if config.headers_cmd:
        from hfs_cli.config.keys import command_output

        text = command_output(config.headers_cmd, f"headers_cmd ({where})")
        for line in text.splitlines():
            name, colon, value = line.partition(":")
            if not colon or not name.strip() or not value.strip().isprintable():
                raise CredentialsError(f"headers_cmd ({where}) must print NAME: VALUE, one a line")
            headers[name.strip()] = value.strip()
    if not all((name + value).isascii() for name, value in headers.items()):
        raise CredentialsError(f"a header of the MCP server {config.name} is not ASCII")
    return headers


@dataclass(frozen=True, slots=True)
class ServerTool:
    """One tool of a server."""

    server: Server
    name: str
    description: str
    parameters: Mapping[str, Any]

    @property
    def label(self) -> str:
        """``SERVER:TOOL``."""
        return f"{self.server.name}:{self.name}"

    @property
    def confirm(self) -> bool:
        """As configured for the server."""
        return self.server.config.confirm

    @property
    def parallel(self) -> bool:
        """As configured for the server."""
        return self.server.config.parallel

    def call(
        self, arguments: Mapping[str, Any], seconds: float | None, stopped: Callable[[], bool]
    ) -> Result:
        """Call it; the server is started for it if it does not run yet."""
        return self.server.call(self.name, arguments, seconds, stopped)


def tools_of(server: Server, listing: Listing) -> Sequence[ServerTool]:
    """The tools of a list."""
    return [
        ServerTool(server, name, description, {"type": "object", "properties": {}, **parameters})
        for name, description, parameters in listing.tools
    ]
