"""`hfs batch --vendor-batch`: what is handed over, what is fetched, and what is said of it."""

from __future__ import annotations

import json


def results_in(out):
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_results_are_those_of_single_requests_at_half_the_price(many, vendor):
    many.ok(*many.given)
    results = results_in(many.out)
    assert [(r["index"], r["input"], r["reply"]) for r in results] == [
        (n, str(n), f"re {n}") for n in range(10)
    ]
    assert results[0] == {
        "index": 0,
        "input": "0",
        "model": vendor.model,
        "reply": "re 0",
        "parsed": None,
        "status": "complete",
        "finish_reason": "stop",
        "usage": {
            "input_tokens": 30,
            "output_tokens": 20,
            "cached_tokens": None,
            "reasoning_tokens": None,
        },
        "cost": (30 * 10 + 20 * 100) / 1e6 / 2,
        "error": None,
    }
    assert len(vendor.batches) == 1
    assert set(vendor.billed.values()) == {1}
