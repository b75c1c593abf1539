import time
from datetime import UTC, datetime, timedelta

import pytest

from hfs_cli import moments
from hfs_cli.errors import UsageError
from tests.scripted_server import openai_sse

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def zone(monkeypatch):
    """Set the time zone of this process."""

    def put(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield put
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (59, "now"),
        (-59, "now"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86_400, "1 d ago"),
        (29 * 86_400, "29 d ago"),
        (30 * 86_400, "2026-10-23"),
        (-86_400, "2026-11-23"),
    ],
)
def test_an_age_is_one_short_word_and_a_date_when_that_says_more(seconds, words):
    now = NOON.timestamp()
    assert moments.age(now - seconds, now) == words


def test_an_age_that_no_clock_can_show_is_a_question_mark():
    assert moments.age(-(2.0**62)) == "?"


@pytest.mark.parametrize(
    ("seconds", "words"), [(60, "1 min"), (61, "2 min"), (7140, "119 min"), (7500, "2 h 5 min")]
)
def test_a_wait_is_rounded_up_to_minutes(seconds, words):
    assert moments.duration(seconds) == words


def test_iso_always_has_the_same_length():
    assert moments.iso(NOON) == "2026-11-22T12:00:00.000000Z"
    there = NOON.astimezone(datetime.fromisoformat("2026-01-01T00:00+05:45").tzinfo)
    assert moments.iso(there) == "2026-11-22T12:00:00.000000Z"


@pytest.mark.parametrize(
    "text", ["2026-11-22T12:00:00Z", "2026-11-22T12:00", "2026-11-22T17:45+05:45"]
)
def test_iso_is_read_as_utc_unless_it_says_otherwise(text, zone):
    zone("Asia/Kathmandu")
    assert moments.from_iso(text) == NOON


@pytest.mark.parametrize("text", ["", "soon", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"])
def test_what_no_calendar_holds_is_one_kind_of_error(text):
    with pytest.raises(ValueError, match=r"."):
        moments.from_iso(text)


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), 1e300, -1e300])
def test_a_wild_unix_time_is_not_a_moment(seconds):
    assert moments.from_seconds(seconds) is None


@pytest.mark.parametrize(("text", "hours"), [("90m", 1.5), ("12h", 12), ("30d", 720), ("2w", 336)])
def test_an_age_is_read(text, hours):
    before = datetime.now(UTC)
    read = moments.parse_age(text) + timedelta(hours=hours)
    assert before <= read <= datetime.now(UTC)


@pytest.mark.parametrize("text", ["", "5x", "d", "-1d", "1.5h", "9999999d", "٣d"])
def test_what_is_not_an_age_is_refused_with_the_forms_that_are(text):
    with pytest.raises(UsageError, match="is not an age: use 90m, 12h, 30d or 2w"):
        moments.parse_age(text)


def test_an_age_from_before_the_calendar_is_refused():
    with pytest.raises(UsageError, match="999999w ago is before the calendar begins"):
        moments.parse_age("999999w")


def test_a_date_is_meant_in_the_zone_of_who_typed_it(zone):
    zone("Asia/Kathmandu")
    assert moments.parse_since("2026-11-22") == datetime(2026, 11, 21, 18, 15, tzinfo=UTC)
    assert moments.parse_since("2026-11-22T12:00Z") == NOON


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_are_dates(text, zone):
    zone("America/New_York")
    assert moments.parse_since(text) is not None


def test_a_zone_that_no_clock_has_is_read_as_utc(zone):
    zone("UTC+25")
    assert moments.local(NOON) == NOON
    assert moments.local(NOON).utcoffset() == timedelta(0)


def test_midnight_is_right_on_the_day_that_the_clocks_change(zone):
    zone("Europe/Berlin")
    evening = datetime(2026, 10, 25, 20, 0, tzinfo=UTC)  # an hour more since 01:00 UTC
    assert moments.midnight(evening) == datetime(2026, 10, 24, 22, 0, tzinfo=UTC)


def test_a_turn_is_named_in_a_zone_that_no_clock_has(chat, server):
    server.reply(openai_sse("hello"))
    assert chat("chat", "hi", env={"TZ": "UTC+25"}).returncode == 0
