"""An OpenAI-compatible server on loopback in a process of its own, fast and without limits.

Prints its port, then for each request the moment at which it had come (CLOCK_MONOTONIC,
seconds). The model's name says what the reply is.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator

TOKENS = 200_000
LARGE_BYTES = 50_000_000
_BATCH = 1000


def _event(text: str | None, finish: str | None = None) -> bytes:
    chunk = {
        "id": "chatcmpl-0123456789abcdef",
        "object": "chat.completion.chunk",
        "created": 1_763_800_000,
        "model": "m",
        "choices": [
            {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish}
        ],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _events(piece: str, count: int) -> Iterator[list[bytes]]:
    """A reply of so many pieces, in batches, so that this process stays small."""
    event = _event(piece)
    for sent in range(0, count, _BATCH):
        yield [event] * min(_BATCH, count - sent)
    yield [_event(None, "stop"), b"data: [DONE]\n\n"]


_REPLIES = {
    "small": ("A write-ahead log. ", 20, True),
    "chunked": (" word", TOKENS, True),
    "closed": (" word", TOKENS, False),
    "large": ("x" * 4999 + "\n", LARGE_BYTES // 5000, True),
}


def _answer(connection: socket.socket) -> None:
    with connection:
        body = _read_request(connection)
        print(time.monotonic(), flush=True)
        piece, count, chunked = _REPLIES[json.loads(body)["model"]]
        framing = b"Transfer-Encoding: chunked" if chunked else b"Connection: close"
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + framing + b"\r\n\r\n"
        )
        for batch in _events(piece, count):
            framed = [b"%x\r\n%s\r\n" % (len(e), e) for e in batch] if chunked else batch
            connection.sendall(b"".join(framed))
        if chunked:
            connection.sendall(b"0\r\n\r\n")


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.lower().splitlines()
        if line.startswith(b"content-length:")
    )
    while len(body) < length:
        body += connection.recv(65536)
    return body


def main() -> None:
    """Serve until standard input ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=_accept, args=(listener,), daemon=True).start()
    sys.stdin.read()


def _accept(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
