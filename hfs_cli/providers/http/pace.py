"""How fast concurrent turns may ask one provider."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    """Shared by concurrent turns that ask one provider: decides when the next may ask.

    If the server asks one of them to wait, all of them wait.

    Args:
        width: How many turns run at once, and so how many connections are kept.
        per_minute: The most requests a minute, including retries; None for any number.
        told: Called, in any thread, when requests are held back for longer than they were: with
            the seconds, and why.
    """

    def __init__(
        self,
        width: int,
        per_minute: float | None = None,
        told: Callable[[float, str], None] = lambda _, __: None,
    ) -> None:
        self.width = width
        self._told = told
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

    def hold(self, seconds: float, why: str = "") -> None:
        """Hold all requests back for some seconds."""
        until = time.monotonic() + seconds
        with self._lock:
            is_longer = until > self._held_until
            self._held_until = max(self._held_until, until)
        if is_longer:
            self._told(seconds, why)
