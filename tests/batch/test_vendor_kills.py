"""A vendor's batch that is killed: whatever it was doing, nothing is billed twice.

``HFS_TEST_BATCH_KILLS=100`` kills more often.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from queue import SimpleQueue

import pytest

from tests.batch.conftest import at_vendor
from tests.conftest import UNMEASURED

KILLS = int(os.environ.get("HFS_TEST_BATCH_KILLS", "20"))


# The first request of a test makes the types that it is held against, which takes seconds.
PATIENCE = 150


def started(many, vendor, at, *, before):
    """Run, and be killed at one of the requests; whether there were as many.

    Args:
        at: At which of them, from 1.
        before: Before the vendor has read it; else when it has done what it was asked.
    """
    usual, asked = vendor.answer, []
    running: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()

    def answer(request):
        asked.append(request)
        if len(asked) != at:
            return usual(request)
        made = b"" if before else usual(request)
        process = running.get(timeout=PATIENCE)
        process.kill()
        process.wait(PATIENCE)
        return made

    vendor.answer = answer
    process = many.start(*many.given, "--resume", env=UNMEASURED)
    running.put(process)
    process.wait(PATIENCE)
    vendor.answer = usual
    return len(asked) >= at


def whole_once(many, vendor, when):
    """All is there and was billed once; what is kept of it goes, for the next time."""
    assert vendor.billed == {str(n): 1 for n in range(10)}, when
    results = [json.loads(line) for line in many.out.read_text().splitlines()]
    assert [r["reply"] for r in results] == [f"re {n}" for n in range(10)]
    for file in many.out.parent.glob("out.jsonl*"):
        file.unlink()
    vendor.batches.clear()
    vendor.billed.clear()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["openai", "anthropic"])
@pytest.mark.parametrize("before", [True, False])
def test_a_kill_at_any_request_bills_nothing_twice(many, server, name, before):
    vendor = at_vendor(name, many, server)
    many.env["TEST_MOST"] = "6"
    at = 1
    while started(many, vendor, at, before=before):
        many.ok(*many.given, "--resume")
        whole_once(many, vendor, f"killed at request {at}")
        at += 1
    # Two parts: each uploaded, made, looked at and fetched.
    assert at > (8 if name == "openai" else 6)


@pytest.mark.timeout(300 + 15 * KILLS)
@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_kills_at_random_moments_bill_nothing_twice(many, server, name):
    vendor = at_vendor(name, many, server)
    vendor.looks = 2
    many.env["TEST_MOST"] = "3"
    kills = 0
    while kills < KILLS // 2:
        code = None
        while code != 0:
            running = many.start(*many.given, "--resume", env=UNMEASURED)
            if kills < KILLS // 2:
                try:
                    running.wait(random.random() * 1.5)
                except subprocess.TimeoutExpired:
                    running.kill()
                    kills += 1
            code = running.wait(PATIENCE)
            assert running.stderr.read() == b""
        whole_once(many, vendor, f"after {kills} kills")
