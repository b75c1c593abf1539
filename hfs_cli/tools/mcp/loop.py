"""A thread with an event loop, and how other threads wait for what runs in it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
CLOSE_S = 3.0


class Loop:
    """A thread with an event loop for all servers of a turn, started when first needed."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start a coroutine in the loop; from any thread."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="hfs-mcp", daemon=True
                )
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call_soon(self, work: Callable[[], object]) -> None:
        """Call a function in the loop's thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(work)

    def close(self) -> None:
        """Stop it if it was started; what still runs in it is dropped."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(CLOSE_S)
            if not self._thread.is_alive():
                loop.close()


def wait_for(
    work: concurrent.futures.Future[T],
    seconds: float,
    stopped: Callable[[], bool],
    *,
    cancel: bool = True,
) -> T:
    """The outcome of what runs in the loop.

    Args:
        seconds: How long to wait.
        stopped: Asked every few hundredths of a second whether to give up.
        cancel: End what nobody waits for any more.

    Raises:
        TimeoutError: It takes longer, or is not wanted any more.
        BaseException: What it raises itself.
    """
    deadline = time.monotonic() + seconds
    while not work.done():
        if stopped() or time.monotonic() >= deadline:
            if cancel:
                work.cancel()
            raise TimeoutError
        concurrent.futures.wait([work], 0.05)
    return work.result()
