"""Where this machine's days begin: when its clock was put forward or back. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = timedelta(days=14)
_MICROSECOND = timedelta(microseconds=1)


@cache
def offsets() -> tuple[tuple[int, int], ...]:
    """The moments (microseconds) from which on each offset from UTC (seconds) holds, in order.

    The first is the offset of 1970, which is used for all earlier times as well; they end a year
    from now.
    """
    end = datetime.now(UTC) + timedelta(days=366)
    found = [(0, _offset(_FIRST))]
    moment = _FIRST
    while moment < end:
        later = moment + _STEP
        if (offset := _offset(later)) != found[-1][1]:
            change = _change(moment, later)
            found.append(((change - _FIRST) // _MICROSECOND, offset))
        moment = later
    return tuple(found)


def _offset(moment: datetime) -> int:
    offset = moment.astimezone().utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _change(before: datetime, after: datetime) -> datetime:
    """The first second of the offset that `after` has and `before` has not."""
    new = _offset(after)
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle in {before, after}:
            break
        if _offset(middle) == new:
            after = middle
        else:
            before = middle
    return after
