"""How fast many turns at once may ask one provider."""

from __future__ import annotations

import threading
import time


class Pace:
    """What turns at once share that ask one provider: its connections, and when to ask next.

    A server that asks one of them to wait means all of them.

    Args:
        width: How many turns there are at once, which is how many connections are kept.
        per_minute: The most requests a minute, tries again included; None for any number.
    """

    def __init__(self, width: int, per_minute: float | None = None) -> None:
        self.width = width
        self._interval = 60 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._held_until = 0.0
        self._lock = threading.Lock()

    def wait(self) -> float:
        """Wait until the next request may be sent; returns the seconds waited."""
        began = time.monotonic()
        while True:
            with self._lock:
                now = time.monotonic()
                free_at = max(self._next, self._held_until)
                if now >= free_at:
                    self._next = now + self._interval
                    return now - began
            time.sleep(free_at - now)

    def hold(self, seconds: float) -> None:
        """Let no request out for so long."""
        with self._lock:
            self._held_until = max(self._held_until, time.monotonic() + seconds)
