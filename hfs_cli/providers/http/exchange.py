"""One HTTP request, carried out by a thread of its own.

The thread blocks on the network while the caller waits on a condition. So signals are handled at
once even while a name server is silent, deadlines cover everything, and data that comes faster
than it is used is read in large pieces.

For example, a stream that is abandoned after its first words:

    caller                              thread
    Exchange(…)                         connects, sends          → `_connected`
    head(…)      waits for              the response's head      → `_head`
    read(…)      takes what is there    appends each piece       → `_pieces`, until 1 MB is held
    close()      sets `_closed` and shuts down the socket. If the thread blocks in a read, that
                 ends with an error, which is dropped; if not, `_put` tells it to stop.

All fields are changed under `_change`, and each change wakes the other side.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from hfs_cli.providers.formats.wire import MAX_MESSAGE, Context, presentable

if TYPE_CHECKING:
    import httpcore
    import httpx

# When a reader pauses (a pager, a full pipe), reading from the network stops here.
MAX_HELD_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Head:
    """A response's status, and its headers with their names in lower case."""

    status: int
    headers: Mapping[str, str]


class Tape(Protocol):
    """Something that records an exchange; see `hfs_cli.providers.http.record`."""

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Keep the head of the response."""

    def piece(self, data: bytes) -> None:
        """Keep a piece of the body."""

    def finish(self, error: Exception | None, *, left: bool = False) -> None:
        """Keep how the exchange ended; only the first call counts."""


class Exchange:
    """Sends a request and hands over its response.

    Args:
        client: The client to send with.
        request: The request to send.
        tape: Records the exchange, or None.
    """

    def __init__(
        self, client: httpx.Client, request: httpx.Request, tape: Tape | None = None
    ) -> None:
        self._client = client
        self._tape = tape
        self._request = request
        self._change = threading.Condition()
        self._connected = False
        self._head: Head | None = None
        self._pieces: list[bytes] = []
        self._held = 0
        self._over = False
        self._error: Exception | None = None
        self._closed = False
        self._socket: socket.socket | None = None
        request.extensions["trace"] = self._trace
        threading.Thread(target=self._run, name="hfs-exchange", daemon=True).start()

    # --- the caller's side -----------------------------------------------------------

    def head(self, connect_by: float, answer_by: float) -> Head:
        """Wait for the response's head.

        Args:
            connect_by: When the connection must be established (`time.monotonic`).
            answer_by: When the head must have come.

        Raises:
            ConnectTimeoutError: There is no connection in time.
            TimeoutError: There is no answer in time.
            Exception: The client's own error.
        """
        with self._change:
            if not self._wait(lambda: self._connected or self._over, min(connect_by, answer_by)):
                raise self._given_up(ConnectTimeoutError())
            if not self._wait(lambda: self._head or self._over, answer_by):
                raise self._given_up(TimeoutError())
            if self._head is None:
                raise self._error or ConnectionError("no response")
            return self._head

    def read(self, until: float) -> bytes:
        """Everything that has come since the last call; empty at the end of the body.

        Args:
            until: When something must have come (`time.monotonic`).

        Raises:
            TimeoutError: Nothing has come.
            Exception: The client's own error, after everything before it has been read.
        """
        with self._change:
            if not self._wait(lambda: self._pieces or self._over, until):
                raise TimeoutError
            if not self._pieces and self._error:
                raise self._error
            data = b"".join(self._pieces)
            self._pieces.clear()
            self._held = 0
            self._change.notify()
            return data

    def settle(self, until: float) -> None:
        """Wait for the end of the body, so that the connection can be reused.

        Args:
            until: When to stop waiting (`time.monotonic`).
        """
        with self._change:
            self._wait(lambda: self._over, until)

    def close(self) -> None:
        """End the exchange at any point; a blocked thread is woken."""
        with self._change:
            self._closed = True
            self._change.notify()
            if self._tape and not self._over:
                self._tape.finish(None, left=True)
            self._shut()

    def _given_up(self, error: Exception) -> Exception:
        if self._tape:
            self._tape.finish(error)
        return error

    def _wait(self, ready: Callable[[], object], until: float) -> bool:
        left = until - time.monotonic()
        return bool(self._change.wait_for(ready, min(left, threading.TIMEOUT_MAX)))

    # --- the thread's side -----------------------------------------------------------

    def _run(self) -> None:
        error: Exception | None = None
        try:
            response = self._client.send(self._request, stream=True)
            with contextlib.closing(response):
                if self._begin(response):
                    for piece in response.iter_raw():
                        if not self._put(piece):
                            break
        except Exception as caught:  # noqa: BLE001  any error is handed to the caller
            error = caught
        # The trace refers back to this exchange: without the cycle, memory is freed at once.
        self._request.extensions.pop("trace", None)
        with self._change:
            if self._tape and not self._closed:
                self._tape.finish(error)
            self._error = error
            self._over = True
            self._change.notify()

    def _begin(self, response: httpx.Response) -> bool:
        headers = {name.lower(): value for name, value in response.headers.items()}
        # The trace has not seen the socket of a connection that was kept alive.
        self._hold(response.extensions["network_stream"])
        with self._change:
            if self._tape:
                self._tape.begin(response.status_code, headers)
            self._head = Head(response.status_code, headers)
            self._change.notify()
            return not self._closed

    def _put(self, piece: bytes) -> bool:
        with self._change:
            if self._tape:
                self._tape.piece(piece)
            if not self._pieces:
                self._change.notify()
            self._pieces.append(piece)
            self._held += len(piece)
            while self._held > MAX_HELD_BYTES and not self._closed:
                self._change.wait()
            return not self._closed

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._hold(info["return_value"])
        # Sending begins once the connection is established, including TLS.
        elif event.endswith("send_request_headers.started"):
            with self._change:
                self._connected = True
                self._change.notify()
        # From here on the connection may serve another request, so it must not be shut down.
        elif event.endswith("response_closed.started"):
            with self._change:
                self._socket = None

    def _hold(self, stream: httpcore.NetworkStream) -> None:
        """Remember the socket, so that `close` can wake a blocked read."""
        with self._change:
            self._socket = stream.get_extra_info("socket")
            if self._closed:
                self._shut()

    def _shut(self) -> None:
        if self._socket and not self._over:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


class ConnectTimeoutError(Exception):
    """There was no connection in time."""


# --- what went wrong, in words to search for ------------------------------------------


def reason(error: BaseException, context: Context) -> str:
    """What went wrong, in a few words without addresses or keys."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"certificate refused: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {(cause.reason or 'no agreement').replace('_', ' ').lower()}"
        if isinstance(cause, socket.gaierror):
            return "the name cannot be resolved"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror[0].lower() + cause.strerror[1:]
        if str(cause).startswith("peer closed connection"):  # h11 goes on about chunks
            return "the server closed the connection"
    # httpcore quotes a line that it could not parse, which may repeat a key.
    return presentable(str(error), context.secrets).rstrip(".")[:200] or type(error).__name__


def cause(error: BaseException, context: Context) -> BaseException | None:
    """The error as the cause of ours, which HFS_DEBUG shows; None if it quotes a secret."""
    quoted = " ".join(str(link) for link in _causes(error))[:MAX_MESSAGE]
    return error if presentable(quoted, context.secrets) == quoted else None


# OpenSSL's numbers for a certificate that is of no use yet or any more, and for one of another host
# (X509_verify_cert_error_string(3), OpenSSL 3.5; looked up 2026-11-30).
_NOT_NOW = {9, 10}
_OTHER_HOST = {62, 64}


def next_step(error: BaseException, context: Context, *, at_home: bool) -> str:
    """What to do where no connection came about.

    Args:
        error: What the client raised.
        context: What the message needs to know of the request.
        at_home: Whether the server is on this machine.
    """
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            code = getattr(cause, "verify_code", None)
            if code in _NOT_NOW:
                return "check this machine's clock, or have the certificate renewed"
            if code in _OTHER_HOST:
                return "base_url must have the name that the certificate is for"
            return (
                "if you trust it, name the file of its authority as ca_bundle in "
                f"[providers.{context.provider}]"
            )
        # OpenSSL takes the first bytes of a plain answer for the version of a TLS record.
        if isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
            return "is its address http://?"
    return "does it run?" if at_home else "check the network and base_url"


def is_final(error: BaseException) -> bool:
    """Whether another try would fail the same way: a wrong host name, a wrong certificate."""
    return any(
        isinstance(cause, ssl.SSLError)
        or (isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN)
        for cause in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
