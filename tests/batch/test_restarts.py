"""Batches that are killed, and replies that fail: what was kept is not sent twice, none is missing.

``HFS_TEST_BATCH_KILLS=100`` kills more often.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import time

import pytest

from tests.conftest import UNMEASURED
from tests.scripted_server import CUT, STALL, Pause, make_reply, openai_sse

KILLS = int(os.environ.get("HFS_TEST_BATCH_KILLS", "20"))
PROMPTS = 500
WIDTH = 8


def prompt_of(request):
    return int(request.json["messages"][-1]["content"])


def answer(request):
    # Each takes another time, so that many come before their turn.
    return [Pause(random.random() * 0.03), *openai_sse(f"re {prompt_of(request)}")]


def kept(*files):
    """The indices of all results that are there, each as often as it is."""
    found = []
    for file in files:
        data = file.read_bytes() if file.exists() else b""
        assert data.endswith(b"\n") or not data, "a line was cut"
        records = [json.loads(line) for line in data.splitlines()]
        found += [record["index"] for record in records if "index" in record]
    return found


def test_results_that_wait_for_their_turn_are_there_after_kill_9(chat, server, tmp_path):
    server.always(lambda request: [STALL] if prompt_of(request) == 0 else answer(request))
    given, out = tmp_path / "in.txt", tmp_path / "out.jsonl"
    given.write_text("\n".join(map(str, range(WIDTH))))
    batch = ("batch", str(given), "-O", str(out), "--resume", "--concurrency", str(WIDTH))
    running = chat.start(*batch, env=UNMEASURED)
    beside = tmp_path / "out.jsonl.batch"
    while len(kept(beside)) < WIDTH - 1:
        assert running.poll() is None
        time.sleep(0.02)
    running.kill()
    running.wait()
    assert kept(out) == []
    server.requests.clear()
    server.always(answer)
    chat.ok(*batch)
    assert [prompt_of(request) for request in server.requests] == [0]
    assert kept(out) == list(range(WIDTH))


@pytest.mark.timeout(120 + 15 * KILLS)
def test_kill_9_at_random_moments_loses_nothing_and_sends_nothing_twice(chat, server, tmp_path):
    server.always(answer)
    given = tmp_path / "in.txt"
    given.write_text("\n".join(map(str, range(PROMPTS))))
    kills = batches = runs = 0
    while kills < KILLS:
        batches += 1
        server.requests.clear()
        out = tmp_path / f"out-{batches}.jsonl"
        beside = tmp_path / f"out-{batches}.jsonl.batch"
        code = None
        while code != 0:
            before = set(kept(out, beside))
            runs += 1
            # What a killed run has sent may be read when the next one has begun: the keys differ.
            key = f"sk-canary-{runs}"
            running = chat.start(
                *("batch", str(given), "-O", str(out), "--resume", "--concurrency", str(WIDTH)),
                env=UNMEASURED | {"TEST_KEY": key},
            )
            if kills < KILLS:
                try:
                    running.wait(random.random() * 1.2)
                except subprocess.TimeoutExpired:
                    running.kill()
                    kills += 1
            code = running.wait(120)
            assert running.stderr.read() == b""
            sent = [
                prompt_of(request)
                for request in list(server.requests)
                if request.header("authorization") == f"Bearer {key}"
            ]
            assert not before & set(sent), "what was kept was sent again"
            assert len(sent) == len(set(sent)), "one was sent twice in one run"
        results = [json.loads(line) for line in out.read_text().splitlines()]
        assert [result["index"] for result in results] == list(range(PROMPTS))
        assert all(result["reply"] == f"re {result['index']}" for result in results)
        assert PROMPTS <= len(server.requests) <= PROMPTS + kills * WIDTH
        assert kept(beside) == []


FAULTS = 20  # one prompt in so many


def fault_of(number):
    """One in twenty fails, in four ways."""
    return number // FAULTS % 4 if number % FAULTS == 7 else None


@pytest.mark.timeout(300)
def test_a_thousand_with_faults_among_them(chat, server, tmp_path):
    def faulty(request):
        number = prompt_of(request)
        match fault_of(number):
            case 0:
                return make_reply(b"slow down", status=429)
            case 1:
                return make_reply(b"oh", status=500)
            case 2:
                return [*openai_sse("Hel", finish=None, done=False), CUT]
            case 3:
                return [*openai_sse("Hel", finish=None, done=False), STALL]
        return openai_sse(f"re {number}")

    server.always(faulty)
    given, out = tmp_path / "in.txt", tmp_path / "out.jsonl"
    given.write_text("\n".join(map(str, range(1000))))
    command = ("batch", str(given), "-O", str(out), "--concurrency", "16", "--idle-timeout", "3")
    done = chat(*command)
    results = [json.loads(line) for line in out.read_text().splitlines()]
    failed = [n for n in range(1000) if fault_of(n) is not None]
    assert done.returncode == 7
    assert [r["index"] for r in results] == list(range(1000))
    assert [r["index"] for r in results if r["error"]] == failed
    assert {r["error"]["exit_code"] for r in results if r["error"]} == {5, 7}
    named = ", ".join(map(str, failed[:20]))
    said = done.stderr.decode()
    assert f"50 of 1000 results failed (index {named} and 30 more)" in said
    server.always(lambda request: openai_sse(f"re {prompt_of(request)}"))
    server.requests.clear()
    assert chat(*command, "--resume", "--retry-failed").returncode == 0
    assert sorted(map(prompt_of, server.requests)) == failed
    results = [json.loads(line) for line in out.read_text().splitlines()]
    assert [r["reply"] for r in results] == [f"re {n}" for n in range(1000)]
    assert not any(r["error"] for r in results)
