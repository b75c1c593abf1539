"""Speak with an MCP server over streamable HTTP: no redirects, and no endless answers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client

from hfs_cli.errors import NotRecordedError
from hfs_cli.tools.mcp.target import MAX_MESSAGE_BYTES, Address


class Reached:
    """A server at its address, and why it does not answer where that is known.

    Args:
        address: Where it is.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        # The status of the last answer if that was a refusal, which the package does not report.
        self.refused: int | None = None

    @asynccontextmanager
    async def streams(self) -> AsyncIterator[TransportStreams]:
        """Speak with it.

        Raises:
            HfsError: What the address's headers raise.
        """
        if os.environ.get("HFS_REPLAY"):
            raise NotRecordedError(
                f"{self._address.url} is not asked under HFS_REPLAY: no recording holds what an"
                " MCP server answered"
            )
        headers = await asyncio.to_thread(self._address.headers)
        async with (
            httpx2.AsyncClient(
                headers={**headers, "Accept-Encoding": "identity"},
                timeout=httpx2.Timeout(30.0, read=300.0),
                max_redirects=0,
                event_hooks={"response": [self._answered]},
            ) as client,
            streamable_http_client(
                self._address.url, http_client=client, max_sse_event_size=MAX_MESSAGE_BYTES
            ) as streams,
        ):
            yield streams

    async def _answered(self, response: httpx2.Response) -> None:
        self.refused = response.status_code if response.status_code >= 400 else None
        if response.headers.get("content-encoding", "identity") != "identity":
            raise httpx2.DecodingError("it answered in a compressed form that was not asked for")
        is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
        # Each event of a stream is bounded; their number is not.
        if not is_stream and isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Bounded(response.stream)


class _Bounded(httpx2.AsyncByteStream):
    """A body that fails when it is too long."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self._body:
            size += len(piece)
            if size > MAX_MESSAGE_BYTES:
                raise httpx2.ReadError(f"it sent over {MAX_MESSAGE_BYTES:,} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._body.aclose()
