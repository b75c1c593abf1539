"""A real HTTP server on loopback that answers as it is told, byte for byte.

    with ScriptedServer() as server:
        server.reply(openai_sse("Hello"))                    # 200, text/event-stream, chunked
        server.reply(status=429, headers={"Retry-After": "1"}, body=b"slow down")
        server.reply([*openai_sse("Hel", finish=None, done=False), CUT])
        ...
        assert server.requests[0].json["model"] == "m"

Each connection has a thread. A body is bytes, or steps sent one after the other: bytes (each
its own HTTP chunk and its own write), `Pause`, `Await`, `STALL`, `CUT`, or a callable
without arguments that returns bytes (or None) when its turn comes.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

Framing = Literal["chunked", "length", "close"]


@dataclass(frozen=True)
class Pause:
    """Wait before the next step."""

    seconds: float


@dataclass(frozen=True)
class Await:
    """Wait for a test's event before the next step."""

    event: threading.Event


class _Mark:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


CUT = _Mark("CUT")  # reset the connection (RST)
STALL = _Mark("STALL")  # send nothing more until the client leaves
Step = bytes | Pause | Await | _Mark | Callable[[], bytes | None]


@dataclass(frozen=True)
class Reply:
    """What one request is answered with."""

    steps: Sequence[Step]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    framing: Framing = "chunked"
    raw: bool = False


@dataclass(frozen=True)
class Received:
    """One request exactly as it came."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    raw: bytes
    at: float

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its case."""
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


class ScriptedServer:
    """Answers each request with the next scripted reply, then with the standing one.

    Args:
        tls: Speak TLS with this context.
        port: The port to listen on; any free one by default.
        name: The host's name in the server's URL.
    """

    def __init__(
        self, tls: ssl.SSLContext | None = None, port: int = 0, name: str = "127.0.0.1"
    ) -> None:
        self.requests: list[Received] = []
        self.client_left = threading.Event()
        self.stopping = threading.Event()
        self._arrival = threading.Condition()
        self._replies: deque[Reply] = deque()
        self._standing: Callable[[Received], Reply] | None = None
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self._name = name
        self._threads: list[threading.Thread] = []
        self._connections: set[socket.socket] = set()
        self._start(self._accept)

    # --- scripting -------------------------------------------------------------------

    def reply(
        self,
        body: bytes | str | dict[str, Any] | list[Any] | Iterable[Step] = b"",
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        framing: Framing | None = None,
    ) -> ScriptedServer:
        """Queue one reply; replies go out in the order they were queued."""
        self._replies.append(make_reply(body, status=status, headers=headers, framing=framing))
        return self

    def raw(self, *steps: Step) -> ScriptedServer:
        """Queue a reply with no status line or framing but what the steps hold."""
        self._replies.append(Reply(steps, raw=True))
        return self

    def always(
        self, body: Any = b"", *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> ScriptedServer:
        """Answer every request that finds the queue empty; `body` may take the request."""

        def answer(request: Received) -> Reply:
            made = body(request) if callable(body) else body
            if isinstance(made, Reply):
                return made
            return make_reply(made, status=status, headers=headers)

        self._standing = answer
        return self

    # --- watching --------------------------------------------------------------------

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self._tls else 'http'}://{self._name}:{self.port}"

    @property
    def url(self) -> str:
        """The base URL of an OpenAI-format provider."""
        return f"{self.origin}/v1"

    def wait_for_requests(self, count: int, seconds: float = 120) -> None:
        """Return when that many requests have come in whole."""
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self.requests) >= count, seconds):
                raise AssertionError(f"{len(self.requests)} of {count} requests came")

    # --- serving ---------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, drop every connection and wait for the threads."""
        self.stopping.set()
        for connection in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.add(connection)
            self._start(self._serve, connection)

    def _serve(self, plain: socket.socket) -> None:
        connection = plain
        try:
            if self._tls:
                connection = self._tls.wrap_socket(plain, server_side=True)
            while request := _read_request(connection):
                with self._arrival:
                    self.requests.append(request)
                    reply = self._next(request)
                    self._arrival.notify_all()
                if not self._send(connection, reply):
                    return
        except OSError:
            self.client_left.set()
        finally:
            self._connections.discard(plain)
            connection.close()

    def _next(self, request: Received) -> Reply:
        if self._replies:
            return self._replies.popleft()
        if self._standing:
            return self._standing(request)
        return make_reply(b"no reply is scripted for this request", status=500)

    def _send(self, connection: socket.socket, reply: Reply) -> bool:
        """Send one reply; True when the connection can serve another request."""
        chunked = reply.framing == "chunked" and not reply.raw
        if not reply.raw:
            connection.sendall(_head(reply))
        for step in reply.steps:
            match step:
                case bytes():
                    connection.sendall(_chunk(step) if chunked else step)
                case Pause(seconds):
                    self.stopping.wait(seconds)
                case Await(event):
                    while not (event.wait(0.05) or self.stopping.is_set()):
                        pass
                case _Mark(name="CUT"):
                    _reset(connection)
                    return False
                case _Mark():
                    self._stall(connection)
                    return False
                case _:
                    if data := step():
                        connection.sendall(_chunk(data) if chunked else data)
        if chunked:
            connection.sendall(b"0\r\n\r\n")
        return not reply.raw and reply.framing != "close"

    def _stall(self, connection: socket.socket) -> None:
        while not self.stopping.is_set():
            if select.select([connection], [], [], 0.05)[0] and not connection.recv(4096):
                self.client_left.set()
                return


def make_reply(
    body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None, framing: Any = None
) -> Reply:
    """A reply from a body: text and objects get their content type and length."""
    headers = dict(headers or {})
    if isinstance(body, dict):
        headers.setdefault("Content-Type", "application/json")
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    if isinstance(body, bytes):
        return Reply([body], status, headers, framing or "length")
    headers.setdefault("Content-Type", "text/event-stream")
    return Reply(list(body), status, headers, framing or "chunked")


def _head(reply: Reply) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} Scripted", "Server: scripted"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    if reply.framing == "chunked":
        lines.append("Transfer-Encoding: chunked")
    elif reply.framing == "length":
        lines.append(f"Content-Length: {sum(len(s) for s in reply.steps if isinstance(s, bytes))}")
    else:
        lines.append("Connection: close")
    return "\r\n".join((*lines, "", "")).encode("latin-1")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _read_request(connection: socket.socket) -> Received | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = tuple((k, v.strip()) for k, _, v in (line.partition(":") for line in lines))
    length = int(next((v for k, v in headers if k.lower() == "content-length"), "0"))
    pieces, have = [body], len(body)
    while have < length:
        piece = connection.recv(1 << 20)
        if not piece:
            return None
        pieces.append(piece)
        have += len(piece)
    body = b"".join(pieces)
    return Received(method, target, headers, body, head + b"\r\n\r\n" + body, time.monotonic())


# --- bodies in the vendors' formats ---------------------------------------------------


def sse(*payloads: Any, done: bool = True) -> list[Any]:
    """One server-sent event for each payload: an object (sent as JSON) or text."""
    texts = [p if isinstance(p, str) else json.dumps(p, ensure_ascii=False) for p in payloads]
    events = [f"data: {text}\n\n".encode() for text in texts]
    return [*events, b"data: [DONE]\n\n"] if done else events


def openai_chunk(delta: Mapping[str, Any] | None = None, finish: str | None = None) -> Any:
    """One chunk object of a streamed chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": dict(delta or {}), "finish_reason": finish}],
    }


def openai_sse(
    text: str | Iterable[str],
    *,
    finish: str | None = "stop",
    usage: tuple[int, int] | None = (3, 2),
    reasoning: str | None = None,
    done: bool = True,
) -> list[Any]:
    """A streamed chat completion, one event for each piece of the text.

    Args:
        text: The reply, or its pieces.
        finish: The finish reason; None sends none.
        usage: Input and output tokens; None sends no usage.
        reasoning: Text for ``reasoning_content`` before the reply.
        done: Whether ``[DONE]`` ends it.
    """
    chunks = [openai_chunk({"role": "assistant", "content": ""})]
    if reasoning:
        chunks.append(openai_chunk({"reasoning_content": reasoning}))
    pieces = [text] if isinstance(text, str) else text
    chunks += [openai_chunk({"content": piece}) for piece in pieces]
    if finish:
        chunks.append(openai_chunk(finish=finish))
    if usage:
        counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
        chunks.append({"choices": [], "usage": counts | {"total_tokens": sum(usage)}})
    return sse(*chunks, done=done)
