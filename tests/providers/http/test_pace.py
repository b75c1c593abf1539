"""Turns at once that share a provider: one is asked to wait, and all of them do."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from hfs_cli.config.keys import KeySource
from hfs_cli.errors import IncompleteReplyError
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.http.pace import Pace
from hfs_cli.providers.http.provider import HttpProvider
from hfs_cli.providers.http.send import Limits, RetryPolicy
from hfs_cli.providers.presets import ProviderSettings
from tests.providers.asking import ASK
from tests.scripted_server import STALL, openai_sse


def paced(server, pace, total=None):
    settings = ProviderSettings("test", "openai", server.url, KeySource("test", None, None))
    limits = Limits(total=total, retry=RetryPolicy(retries=2), pace=pace)
    return HttpProvider(settings, load_format("openai"), lambda: None, limits, lambda _: None)


def test_a_wait_that_one_is_asked_for_is_kept_by_all(server):
    server.reply(b"slow down", status=429, headers={"Retry-After": "1"})
    server.always(openai_sse("yes"))
    provider = paced(server, Pace(4))
    first = threading.Thread(target=lambda: list(provider.stream(ASK)))
    first.start()
    server.wait_for_requests(1)
    while not provider._limits.pace._held_until:
        time.sleep(0.01)
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda _: list(provider.stream(ASK)), range(4)))
    first.join()
    provider.close()
    refused, *others = (request.at for request in server.requests)
    assert len(others) == 5
    assert min(others) - refused >= 0.99


def test_so_many_a_minute_are_let_out_one_after_the_other(server):
    server.always(openai_sse("yes"))
    provider = paced(server, Pace(4, per_minute=120))
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda _: list(provider.stream(ASK)), range(4)))
    provider.close()
    came = sorted(request.at for request in server.requests)
    assert came[-1] - came[0] >= 1


def test_waiting_for_others_is_not_of_a_turns_own_time(server):
    server.always([STALL])
    pace = Pace(1)
    provider = paced(server, pace, total=0.4)
    began = time.monotonic()
    pace.hold(0.5)
    with pytest.raises(IncompleteReplyError, match="longer than --timeout allows"):
        list(provider.stream(ASK))
    provider.close()
    assert time.monotonic() - began >= 0.9


def test_a_wait_is_told_of_when_it_is_longer_than_what_is_left_of_another():
    told = []
    pace = Pace(1, told=lambda seconds, why: told.append((seconds, why)))
    pace.hold(3600, "slow down")
    pace.hold(60, "shorter than what is left")
    assert told == [(3600, "slow down")]
