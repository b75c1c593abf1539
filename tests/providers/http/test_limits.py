"""When a request is sent again: the waits, without waiting them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_cli.providers.http.send import RetryPolicy, asked_wait

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def test_waits_double_up_to_the_longest():
    waits = [RetryPolicy().backoff(attempt, 0.5) for attempt in range(8)]
    assert waits == [0.5, 1, 2, 4, 8, 8, 8, 8]


@given(st.integers(0, 1000), st.floats(0, 1))
def test_no_wait_of_our_own_is_over_ten_seconds(attempt, chance):
    assert 0.375 <= RetryPolicy().backoff(attempt, chance) <= 8 * 1.25


def test_many_clients_do_not_come_back_at_once():
    waits = {RetryPolicy().backoff(3, chance / 10) for chance in range(11)}
    assert (min(waits), max(waits), len(waits)) == (3.0, 5.0, 11)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7),
        ({"retry-after": "Wed, 25 Nov 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Wed, 25 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "Wed, 25 Nov 2026 12:00:30 -0000"}, 30),
        ({"retry-after": "Wed, 25 Nov 99999 12:00:30 GMT"}, None),
        ({}, None),
    ],
)
def test_what_a_server_asks_for(headers, seconds):
    assert asked_wait(headers, NOW) == seconds


@given(st.text(max_size=40))
def test_a_header_of_any_text_is_a_time_or_nothing(text):
    wait = asked_wait({"retry-after": text}, NOW)
    assert wait is None or wait >= 0
