"""A connection to one MCP server, as the rest of hfs sees it: calls that wait for answers.

The protocol and its versions are the package's. Sampling, elicitation and roots are refused by
leaving out what would answer them, and are not offered when the connection is made.

Protocol: https://modelcontextprotocol.io/specification/2025-11-25 and 2026-07-28, by mcp 2.3
(2026-10), as of 2026-11-29.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import httpx2
import mcp
from mcp_types import (
    CallToolResult,
    EmbeddedResource,
    Implementation,
    ResourceLink,
    TextContent,
    TextResourceContents,
    ToolListChangedNotification,
)

from hfs_cli import __version__
from hfs_cli.errors import ConfigError, CredentialsError, HfsError, NetworkError
from hfs_cli.tools.mcp.http import Reached
from hfs_cli.tools.mcp.loop import CLOSE_S, Loop, wait_for
from hfs_cli.tools.mcp.stdio import Launched
from hfs_cli.tools.mcp.target import Address, Launch
from hfs_cli.tools.tool import Result, result_text

_MAX_PAGES = 100
_MAX_TOOLS = 5000

# What the package and its libraries log is for their developers; it must not reach the user.
for _name in ("mcp", "httpx2", "httpcore2", "asyncio"):
    logging.getLogger(_name).propagate = False
    logging.getLogger(_name).addHandler(logging.NullHandler())


class Offered(NamedTuple):
    """A tool as its server describes it."""

    name: str
    description: str
    parameters: Mapping[str, Any]


class Connection:
    """A server that is started or reached when it is first needed.

    All methods may be called from any thread, several at once.

    Args:
        name: What users call the server.
        target: How it is reached.
        loop: Where the talking is done.
        changed: Told when the server says that its list of tools has changed.
    """

    def __init__(
        self, name: str, target: Launch | Address, loop: Loop, changed: Callable[[], None]
    ) -> None:
        self._name = name
        self._loop = loop
        self._changed = changed
        self._launched = Launched(target) if isinstance(target, Launch) else None
        self._reached = Reached(target) if isinstance(target, Address) else None
        self._lock = threading.Lock()
        self._serving: concurrent.futures.Future[None] | None = None
        self._ready: concurrent.futures.Future[mcp.Client] = concurrent.futures.Future()
        self._closing: asyncio.Event | None = None

    def start(self, seconds: float, stopped: Callable[[], bool]) -> str:
        """Start it, or wait until it has started; return its own name and version.

        Raises:
            HfsError: It does not start, is not reached, or does not speak the protocol.
        """
        info = self._client(seconds, stopped).server_info
        return f"{info.name} {info.version}" if info else ""

    def list_tools(self, seconds: float, stopped: Callable[[], bool]) -> list[Offered]:
        """All its tools, page by page.

        Raises:
            HfsError: It cannot be asked, or gives lists without an end.
        """
        client = self._client(seconds, stopped)
        try:
            return wait_for(self._loop.submit(self._list(client)), seconds, stopped)
        except TimeoutError:
            raise self._failure(f"did not list its tools within {seconds:g} s") from None
        except Exception as error:
            raise self._failed(error) from error

    def call(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        seconds: float,
        stopped: Callable[[], bool],
    ) -> Result:
        """Call one of its tools; a failure of the call is its result.

        Raises:
            HfsError: The server does not start.
        """
        client = self._client(seconds, stopped)
        asked = self._loop.submit(client.call_tool(tool, dict(arguments)))
        try:
            return _as_result(wait_for(asked, seconds, stopped))
        except TimeoutError:
            return Result(f"{self._name}:{tool} took over {seconds:g} s", failed=True)
        except Exception as error:  # noqa: BLE001  the package's, pydantic's, httpx2's, anyio's
            return Result(self._failed(error).message, failed=True)

    def close(self) -> None:
        """End the connection and the server's process; waits for a moment at most."""
        with self._lock:
            serving, self._serving = self._serving, None
        if serving is not None:
            if self._closing is not None:
                self._loop.call_soon(self._closing.set)
            else:
                serving.cancel()
            concurrent.futures.wait([serving], CLOSE_S)
        if self._launched is not None:
            self._launched.end()

    def _client(self, seconds: float, stopped: Callable[[], bool]) -> mcp.Client:
        with self._lock:
            if self._serving is None and not self._ready.done():
                self._serving = self._loop.submit(self._serve())
                self._serving.add_done_callback(self._served)
        try:
            return wait_for(self._ready, seconds, stopped, cancel=False)
        except TimeoutError:
            raise self._failure(f"did not start within {seconds:g} s") from None

    def _served(self, serving: concurrent.futures.Future[None]) -> None:
        """Note that the connection is over, so that nobody waits for its start any more."""
        error = None if serving.cancelled() else serving.exception()
        with suppress(concurrent.futures.InvalidStateError):
            self._ready.set_exception(self._failed(error))

    # --- in the loop's thread --------------------------------------------------------

    async def _serve(self) -> None:
        """Hold the connection open from start to end."""

        async def heard(message: object) -> None:
            if isinstance(message, ToolListChangedNotification):
                self._changed()

        self._closing = asyncio.Event()
        peer = self._launched or self._reached
        assert peer is not None
        async with mcp.Client(
            peer.streams(),
            client_info=Implementation(name="hfs", version=__version__),
            message_handler=heard,
            cache=None,
        ) as client:
            # Results are text for a model. To hold them against the server's own schemas would
            # run its regular expressions in a thread that no signal reaches.
            client.session.validate_tool_result = _as_it_is  # type: ignore[method-assign]
            self._ready.set_result(client)
            await self._closing.wait()

    async def _list(self, client: mcp.Client) -> list[Offered]:
        tools: list[Offered] = []
        cursor = None
        for _ in range(_MAX_PAGES):
            page = await client.list_tools(cursor=cursor)
            tools += [Offered(t.name, t.description or "", t.input_schema) for t in page.tools]
            if len(tools) > _MAX_TOOLS:
                break
            cursor = page.next_cursor
            if not cursor:
                return tools
        raise self._failure(f"offers over {_MAX_TOOLS:,} tools, or a list without an end")

    # --- errors ----------------------------------------------------------------------

    def _failure(self, what: str) -> HfsError:
        """An error about the server, with its last words on standard error."""
        said = result_text(self._launched.errors).split("\n") if self._launched else []
        last = next((line for line in reversed(said) if line.strip()), "")
        kind = ConfigError if self._launched else NetworkError
        after = f"; it said last: {last.strip()}" if last else ""
        return kind(f"the MCP server {self._name} {what}{after}")

    def _failed(self, error: BaseException | None) -> HfsError:
        """The error for what became of the connection, or of a request on it."""
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if self._launched is not None and self._launched.fault:
            return self._failure(self._launched.fault)
        match error:
            case HfsError():
                return error
            case mcp.MCPError() if self._reached and self._reached.refused in {401, 403}:
                return CredentialsError(
                    f"the MCP server {self._name} refused the key ({self._reached.refused}):"
                    f" see headers_cmd and api_key_env of [mcp.{self._name}]"
                )
            case mcp.MCPError() if self._reached and self._reached.refused:
                what = f"answered with HTTP status {self._reached.refused}: {error.message}"
            case mcp.MCPError():
                what = f"answered with an error: {error.message}"
            case httpx2.TransportError():
                what = f"cannot be reached: {error}"
            case None:
                what = "was stopped"
            case _:
                said = getattr(error, "strerror", None) or str(error) or type(error).__name__
                what = f"cannot be used: {said.splitlines()[0][:300]}"
        return self._failure(what)


async def _as_it_is(name: str, result: object) -> None:
    """Take a result without checking it."""


def _as_result(result: CallToolResult) -> Result:
    """The answer of a tool, as text for a model."""
    parts = []
    for block in result.content:
        match block:
            case TextContent(text=text):
                parts.append(text)
            case EmbeddedResource(resource=TextResourceContents(text=text)):
                parts.append(text)
            case ResourceLink(uri=uri, name=name):
                parts.append(f"[{name}: {uri}]")
            case _:
                kind = getattr(block, "mime_type", None) or block.type
                parts.append(f"[{kind}: only text is passed on]")
    if not parts and result.structured_content is not None:
        parts.append(json.dumps(result.structured_content, ensure_ascii=False))
    text = "\n".join(parts)
    return Result(result_text(text.encode("utf-8", "surrogatepass")), failed=bool(result.is_error))
