"""Moments as people write and read them: ages, dates, and how long ago something was."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from hfs_cli.errors import UsageError

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def ago(seconds: float) -> str | None:
    """Words for a time that is past by `seconds`.

    Returns:
        ``now``, ``5 min ago``, ``2 h ago`` or ``3 d ago``; None when a date says it better:
        a month or more ago, or ahead (a clock was set back).
    """
    if -_MINUTE < seconds < _MINUTE:
        return "now"
    for unit, limit, word in ((_MINUTE, _HOUR, "min"), (_HOUR, _DAY, "h"), (_DAY, 30 * _DAY, "d")):
        if 0 < seconds < limit:
            return f"{int(seconds // unit)} {word} ago"
    return None


def moment_ago(text: str, also: str = "") -> datetime:
    """When it was ``30d``, ``12h``, ``90m`` or ``2w`` ago, UTC.

    Args:
        text: The age.
        also: What else the caller takes, for the error.

    Raises:
        UsageError: It is no age, or one from before the calendar.
    """
    match = re.fullmatch(r"(\d{1,6})([mhdw])", text)
    if match is None:
        raise UsageError(f"{text!r} is no age: write 90m, 12h, 30d or 2w{also}")
    try:
        return datetime.now(UTC) - timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError as error:
        raise UsageError(f"{text} ago is before the calendar begins") from error


def since_moment(text: str | None) -> datetime | None:
    """Read ``--since``: an age (30d, 12h) or a date (2026-11-22, UTC).

    Raises:
        UsageError: It is neither.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return moment_ago(text, also=", or a date such as 2026-11-22")
    return moment if moment.tzinfo else moment.astimezone()
