"""What a streamed token costs: ``python -m tests.benchmarks.decoding``."""

from __future__ import annotations

import time

from hfs_cli.messages import Delta, Request
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.formats.decode import ReplyDecoder
from tests.scripted_server import openai_chunk, sse

TOKENS = 200_000
READ = 65_536


def body(tokens: int) -> bytes:
    chunk = openai_chunk({"content": " token"}) | {"system_fingerprint": "fp_0123456789"}
    return sse(chunk, done=False)[0] * tokens + b"".join(sse(openai_chunk(finish="stop")))


def decoded(data: bytes, size: int) -> tuple[int, float]:
    """The characters of the text, and the seconds of CPU time it took."""
    wire = load_format("openai")
    decoder = ReplyDecoder(wire.framer(), wire.decoder(Request("m", ())))
    began, characters = time.process_time(), 0
    for at in range(0, len(data), size):
        for event in decoder.feed(data[at : at + size]):
            if isinstance(event, Delta):
                characters += len(event.text)
    assert decoder.ended == "terminated"
    return characters, time.process_time() - began


def main() -> None:
    """Print the CPU time of a token, the whole way from bytes to events."""
    data = body(TOKENS)
    for size in (READ, 300):
        _, seconds = decoded(data, size)
        print(f"{seconds / TOKENS * 1e6:.2f} µs a token in reads of {size} bytes")


if __name__ == "__main__":
    main()
