"""What a streamed token costs. Run with ``-s`` to see the figures."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from hfs_cli.messages import Delta, Request
from hfs_cli.providers.formats import ReplyDecoder
from hfs_cli.providers.registry import FORMATS
from tests.scripted_server import openai_chunk, sse

TOKENS = 200_000
MOST_US = 10.0  # CPU time a token, the whole way from bytes to events
READ = 65_536


def body(tokens: int) -> bytes:
    chunk = openai_chunk({"content": " token"}) | {"system_fingerprint": "fp_0123456789"}
    return sse(chunk, done=False)[0] * tokens + b"".join(sse(openai_chunk(finish="stop")))


def decoded(data: bytes, size: int) -> tuple[int, float]:
    """The characters of the text, and the seconds of CPU time it took."""
    decoder = ReplyDecoder(FORMATS["openai"].framer(), FORMATS["openai"].decoder(Request("m", ())))
    began, characters = time.process_time(), 0
    for at in range(0, len(data), size):
        for event in decoder.feed(data[at : at + size]):
            if isinstance(event, Delta):
                characters += len(event.text)
    assert decoder.ended == "terminated"
    return characters, time.process_time() - began


@pytest.mark.parametrize("size", [READ, 300], ids=["fast", "token by token"])
def test_a_token_costs_less_than_ten_microseconds(size):
    data = body(TOKENS)
    characters, seconds = decoded(data, size)
    print(f"\n{seconds / TOKENS * 1e6:.2f} µs a token in reads of {size} bytes")
    assert characters == TOKENS * len(" token")
    assert seconds / TOKENS * 1e6 < MOST_US


def test_memory_stays_flat():
    data = body(20_000)
    tracemalloc.start()
    decoded(data, READ)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"\npeak {peak / 1e6:.2f} MB over {len(data) / 1e6:.1f} MB of body")
    assert peak < 2_000_000
