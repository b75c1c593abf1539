"""Times and ages: reading and showing them, and the time zone of each.

Times are kept and sent in UTC; people type and read their local time. Each press of Tab loads this
module, so `datetime` and `re` are imported inside the functions that need them.
"""

from __future__ import annotations

import time

from hfs_cli.errors import UsageError

TYPE_CHECKING = False  # typing's own costs 5 ms
if TYPE_CHECKING:
    from datetime import datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_UNITS = {"m": _MINUTE, "h": _HOUR, "d": _DAY, "w": 7 * _DAY}
# What the platform raises for a time that it cannot show, and `datetime` for an offset (TZ=UTC+25)
# or a year out of its range.
_NO_SUCH_TIME = (OverflowError, OSError, ValueError)


# --- shown ----------------------------------------------------------------------------


def age(then: float, now: float | None = None) -> str:
    """How long ago something was, in a few characters.

    Args:
        then: Seconds since 1970, UTC.
        now: The present time, likewise; the clock's by default.

    Returns:
        ``now``, ``5 min ago``, ``2 h ago`` or ``3 d ago``; the local date (``2026-11-22``) if it is
        a month or more ago, or in the future (a clock was set back).
    """
    seconds = (time.time() if now is None else now) - then
    if -_MINUTE < seconds < _MINUTE:
        return "now"
    for unit, limit, word in ((_MINUTE, _HOUR, "min"), (_HOUR, _DAY, "h"), (_DAY, 30 * _DAY, "d")):
        if 0 < seconds < limit:
            return f"{int(seconds // unit)} {word} ago"
    try:
        return time.strftime("%Y-%m-%d", time.localtime(then))
    except _NO_SUCH_TIME:
        return "?"


def duration(seconds: float) -> str:
    """A time of a minute or more, rounded up: ``3 min``, ``2 h 5 min``."""
    minutes = -int(-seconds // _MINUTE)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def local(moment: datetime) -> datetime:
    """A time in the user's own time zone, or in UTC if the platform cannot convert it.

    Args:
        moment: The time; without a time zone it is local already.
    """
    from datetime import UTC

    try:
        return moment.astimezone()
    except _NO_SUCH_TIME:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def iso(moment: datetime) -> str:
    """A time as every JSON has it: ISO 8601, UTC, ``2026-11-22T18:05:00.000000Z``."""
    from datetime import UTC

    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


# --- read -----------------------------------------------------------------------------


def midnight(now: datetime) -> datetime:
    """When the day began, in the user's time zone.

    This is not `now` with its hours set to zero: on the day that daylight saving time ends,
    midnight had another offset than the evening.
    """
    return local(local(now).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None))


def from_iso(text: str) -> datetime:
    """Read a time in ISO 8601, as UTC; without a time zone it is UTC already.

    Raises:
        ValueError: It is malformed, or its time zone moves it out of the calendar.
    """
    from datetime import UTC, datetime

    moment = datetime.fromisoformat(text)
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def from_seconds(seconds: float | None) -> datetime | None:
    """A Unix time in UTC; None for None, and for a time out of the calendar."""
    from datetime import UTC, datetime

    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except _NO_SUCH_TIME:
        return None


def parse_age(text: str, also: str = "") -> datetime:
    """The time that is ``30d``, ``12h``, ``90m`` or ``2w`` ago, in UTC.

    Args:
        text: The age.
        also: What else the caller accepts, for the error.

    Raises:
        UsageError: It is not an age, or goes back before the year 1.
    """
    import re
    from datetime import UTC, datetime, timedelta

    match = re.fullmatch(r"(\d{1,6})([mhdw])", text, re.ASCII)
    if match is None:
        raise UsageError(f"{text!r} is not an age: use 90m, 12h, 30d or 2w{also}")
    try:
        return datetime.now(UTC) - timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    except OverflowError as error:
        raise UsageError(f"{text} ago is before the calendar begins: use a shorter age") from error


def parse_since(text: str | None) -> datetime | None:
    """Read ``--since`` and the like: an age (30d, 12h), or a date or time, local by default.

    Raises:
        UsageError: It is neither.
    """
    if text is None:
        return None
    from datetime import datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return parse_age(text, also=", or a date such as 2026-11-22")
    return moment if moment.tzinfo else local(moment)
