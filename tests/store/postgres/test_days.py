"""When the clock of this machine is put forward or back, as a server is told of it."""

from __future__ import annotations

import time
from bisect import bisect_right
from datetime import UTC, datetime

import pytest

from hfs_cli.store.postgres.days import offsets


@pytest.fixture
def zone(monkeypatch):
    """Live in another time zone until the test ends."""

    def live(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()
        offsets.cache_clear()

    yield live
    monkeypatch.undo()
    time.tzset()
    offsets.cache_clear()


def offset_at(moment: datetime) -> int:
    starts = [start for start, _ in offsets()]
    place = bisect_right(starts, int(moment.timestamp() * 1_000_000)) - 1
    return offsets()[place][1]


# A rule as POSIX has it needs no file of zones: an hour more from the last Sunday of March, 02:00,
# to the last of October, 03:00.
CENTRAL_EUROPE = "CET-1CEST,M3.5.0,M10.5.0/3"


@pytest.mark.parametrize(
    ("moment", "offset"),
    [
        (datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), 3600),
        (datetime(2026, 3, 29, 1, 0, 0, tzinfo=UTC), 7200),
        (datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC), 7200),
        (datetime(2026, 10, 25, 1, 0, 0, tzinfo=UTC), 3600),
    ],
)
def test_a_change_is_known_to_the_second(zone, moment, offset):
    zone(CENTRAL_EUROPE)
    assert offset_at(moment) == offset


def test_where_no_clock_is_changed_one_offset_holds(zone):
    zone("XST-5:30")
    assert offsets() == ((0, 19800),)
