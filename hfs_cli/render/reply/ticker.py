"""Call something a few times a second until told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Ticker:
    """A daemon thread that calls `tick` every `interval` seconds.

    Args:
        tick: What to call; it takes its own locks.
        interval: Seconds between two calls.
    """

    def __init__(self, tick: Callable[[], None], interval: float) -> None:
        self._tick = tick
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin; the first call comes after one interval."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for a call that is under way."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            self._tick()
