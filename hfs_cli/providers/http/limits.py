"""How long a turn may wait, and when a request is sent again. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hfs_cli.providers.http.pace import Pace

_AGAIN = frozenset({408, 409, 429})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how fast. All times are seconds.

    Args:
        retries: The most tries after the first.
        first: The wait before the first of them; it doubles each time.
        most: The longest wait of our own.
        most_asked: The longest wait that a server may ask for.
    """

    retries: int = 2
    first: float = 0.5
    most: float = 8.0
    most_asked: float = 120.0

    def backoff(self, attempt: int, chance: float) -> float:
        """The wait after a failed attempt.

        Args:
            attempt: 0 for the first.
            chance: A random number from 0 to 1, which spreads many clients out.
        """
        wait: float = min(self.most, self.first * 2**attempt)
        return wait * (0.75 + chance / 2)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a turn may wait, in seconds.

    Args:
        connect: For a connection, all tries together.
        idle: Without a byte.
        total: From the first try to the last byte; None is for ever.
        retry: When and how fast to try again.
        pace: What this turn shares with others that ask the same provider, or None.
    """

    connect: float = 5.0
    idle: float = 120.0
    total: float | None = None
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    pace: Pace | None = None


def is_worth_retrying(status: int) -> bool:
    """Whether a status may be gone on the next try."""
    return status in _AGAIN or status >= 500


def asked_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long the server asks to wait, in seconds, or None when it says nothing usable.

    ``Retry-After`` is a number of seconds or a date (RFC 9110, 10.2.3); ``retry-after-ms``
    is what some vendors send beside it.

    Args:
        headers: The response's headers, their names in lower case.
        now: The present, with its time zone.
    """
    if (wait := _number(headers.get("retry-after-ms"))) is not None:
        return wait / 1000
    text = headers.get("retry-after")
    if (wait := _number(text)) is not None:
        return wait
    try:
        date = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
