"""Start an MCP server and speak with it over its standard input and output.

The package's own transport reads a line of any length, passes other variables on, and leaves
standard error to the terminal.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
from anyio.abc import Process
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from hfs_cli.processes import ERRORS_KEPT, RUN_VARIABLE, Guard, ask_to_end, end_all_of
from hfs_cli.tools.mcp.target import MAX_MESSAGE_BYTES, Launch

# Seconds that a server has to end after its input has ended, and again after it was asked to:
# a user who has pressed Ctrl-C waits for it.
_ENDED_S = 0.3
_ASKED_S = 0.2


class Launched:
    """A server's process, its messages, and what is known of its end.

    Args:
        launch: How it is started.
    """

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._mark = os.urandom(8).hex()
        self._process: Process | None = None
        self._ending = False
        self.errors = b""
        self.fault = ""

    @asynccontextmanager
    async def streams(self) -> AsyncIterator[TransportStreams]:
        """Start the server, and end it with all its processes.

        Raises:
            OSError: It cannot be run.
        """
        with Guard(self._mark) as guard:
            self._process = process = await anyio.open_process(
                list(self._launch.words),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**self._launch.env, RUN_VARIABLE: self._mark},
                cwd=self._launch.cwd,
                start_new_session=True,
            )
            guard.watch(process.pid)
            incoming, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
            write, outgoing = anyio.create_memory_object_stream[SessionMessage](0)
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._hear, process, incoming)
                    tasks.start_soon(_tell, process, outgoing)
                    tasks.start_soon(self._hear_errors, process)
                    try:
                        yield read, write
                    finally:
                        self._ending = True
                        with anyio.CancelScope(shield=True):
                            await _wind_down(process)
                        tasks.cancel_scope.cancel()
            finally:
                for stream in (incoming, read, write, outgoing):
                    stream.close()
                self.end()
                with anyio.move_on_after(_ASKED_S, shield=True):
                    # The loop keeps a pipe open until it has read its end.
                    assert process.stdout is not None
                    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                        async for _ in process.stdout:
                            pass
                    await process.wait()

    def end(self) -> None:
        """End the process and all that it has started at once; from any thread."""
        if self._process is not None:
            end_all_of(self._process.pid, self._mark)

    async def _hear(
        self, process: Process, incoming: MemoryObjectSendStream[SessionMessage | Exception]
    ) -> None:
        """Read the server's messages, one a line; other lines are skipped.

        Servers print a word of their own there now and then, which the specification forbids.
        """
        assert process.stdout is not None
        held = bytearray()
        async with incoming:
            async for piece in process.stdout:
                *lines, last = piece.split(b"\n")
                if lines:
                    lines[0] = bytes(held) + lines[0]
                    held.clear()
                held += last
                if len(held) > MAX_MESSAGE_BYTES:
                    self.fault = f"sent a message of over {MAX_MESSAGE_BYTES:,} bytes"
                    return
                for line in lines:
                    try:
                        message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                    except ValueError:
                        continue
                    try:
                        await incoming.send(SessionMessage(message))
                    except (anyio.ClosedResourceError, anyio.BrokenResourceError):
                        return
            if not self._ending:
                await _ended(process, _ENDED_S)
                self.fault = f"ended with exit status {process.returncode}"

    async def _hear_errors(self, process: Process) -> None:
        assert process.stderr is not None
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for piece in process.stderr:
                self.errors = (self.errors + piece)[-ERRORS_KEPT:]


async def _tell(process: Process, outgoing: MemoryObjectReceiveStream[SessionMessage]) -> None:
    """Write messages to the server, one a line, until it stops reading."""
    assert process.stdin is not None
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        async for message in outgoing:
            text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            await process.stdin.send(text.encode() + b"\n")


async def _wind_down(process: Process) -> None:
    """End a server as the specification says: close its input, then ask it to end."""
    if process.stdin is not None:
        with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            await process.stdin.aclose()
    await _ended(process, _ENDED_S)
    if process.returncode is None:
        ask_to_end(process.pid)
        await _ended(process, _ASKED_S)


async def _ended(process: Process, seconds: float) -> None:
    """Wait a moment for the end of a process."""
    with anyio.move_on_after(seconds):
        # wait() would wait for the pipes too, which a child may hold open.
        while process.returncode is None:  # noqa: ASYNC110
            await anyio.sleep(0.01)
