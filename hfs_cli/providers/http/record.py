"""Record an exchange in a file, which appears, complete, when the exchange is over."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfs_cli.errors import HfsError, OutputError
from hfs_cli.files import NewFile
from hfs_cli.moments import iso
from hfs_cli.providers.formats.wire import SHORTEST_SECRET, Context
from hfs_cli.providers.http.exchange import ConnectTimeoutError, reason
from hfs_cli.providers.http.recordings import VERSION, file_stem, kept_headers, sent
from hfs_cli.sanitize import sanitize_json

if TYPE_CHECKING:
    import httpx

    from hfs_cli.providers.http.receive import Inflater

_REQUEST_HEADERS = frozenset(
    {"accept", "accept-encoding", "anthropic-version", "content-type", "user-agent"}
)
# The headers that hfs reads; others may identify the account.
_RESPONSE_HEADERS = frozenset({"content-type", "retry-after", "retry-after-ms", "location"})
# Errors write a key like this too, so that they read the same from a recording.
_KEY = b"[key]"
# What could not be recorded and has not been reported.
_FAILURES: list[str] = []


class Recorder:
    """Writes one exchange into a file.

    The file is private. It grows under a temporary name as the response comes, so that memory use
    stays flat, and gets its own name in the end. It holds the bytes that were sent, but
    uncompressed, and without the request's keys, wherever a server repeats them.

    A failing disk does not harm the reply; `raise_failure` reports it later.

    Args:
        directory: The directory of recordings, which exists.
        request: The request about to be sent.
        context: The provider, the model and the secrets.
    """

    def __init__(self, directory: Path, request: httpx.Request, context: Context) -> None:
        # A compressed body would not be readable in the file.
        request.headers["Accept-Encoding"] = "identity"
        secrets = [secret for secret in context.secrets if len(secret) >= SHORTEST_SECRET]
        self._directory = directory
        self._asked = sent(request, secrets)
        self._model = f"{context.provider}/{context.model}" if context.model else ""
        self._headers = kept_headers(request.headers, _REQUEST_HEADERS)
        self._secrets = [secret.encode() for secret in secrets]
        self._context = context
        self._at, self._began = datetime.now(UTC), time.monotonic()
        self._lock = threading.Lock()
        self._inflater: Inflater | None = None
        self._held = b""
        self._pieces = 0
        self._is_over = False
        self._has_response = False
        self._failure: dict[str, str] | None = None
        self._file: NewFile | None = None
        try:
            self._file = NewFile(directory / "recording.json")
        except OSError as error:
            self._give_up(error)

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Keep the head of the response."""
        from hfs_cli.providers.http.receive import Inflater

        kept = {name: value for name, value in headers.items() if name in _RESPONSE_HEADERS}
        with self._lock:
            if self._is_over:
                return
            try:
                self._inflater = Inflater(headers.get("content-encoding", ""))
            except HfsError as error:
                self._failure = {"kind": "broke off", "reason": error.message}
            self._has_response = True
            self._write(f'{self._opening()}  "response": {{\n    "status": {status},\n')
            self._write(f'    "headers": {_indented(kept, 4)},\n    "pieces": [')

    def piece(self, data: bytes) -> None:
        """Keep a piece of the body, before anyone else reads it."""
        with self._lock:
            if self._is_over or self._failure or self._inflater is None:
                return
            try:
                self._held += self._inflater.feed(data)
            except HfsError as error:
                self._failure = {"kind": "broke off", "reason": error.message}
                return
            for secret in self._secrets:
                self._held = self._held.replace(secret, _KEY)
            # The beginning of a key, perhaps, waits for the rest.
            waits = max((_overlap(self._held, secret) for secret in self._secrets), default=0)
            ready = self._held[: len(self._held) - waits]
            self._held = self._held[len(ready) :]
            self._write_piece(ready)

    def finish(self, error: Exception | None, *, left: bool = False) -> None:
        """Complete the file and give it its name; only the first call counts.

        Args:
            error: What broke the exchange off, or None.
            left: Whether hfs stopped reading before the end.
        """
        ended: str | dict[str, str] = "left" if left else "whole"
        if error is not None:
            ended = {"kind": _kind(error), "reason": reason(error, self._context)}
        with self._lock:
            if self._is_over:
                return
            self._is_over = True
            if self._file is None:
                return
            try:
                with self._file:
                    # Without a response or an error there is nothing to keep.
                    if self._has_response or not isinstance(ended, str):
                        self._close(self._failure or ended)
                        self._take_name(self._file)
            except OSError as refused:
                self._give_up(refused)

    def _close(self, ended: str | dict[str, str]) -> None:
        if self._has_response:
            self._write_piece(self._held)
            end = "\n    ]" if self._pieces else "]"
            self._write(f"{end}\n  }},\n")
        else:
            self._write(f'{self._opening()}  "response": null,\n')
        self._write(f'  "ended": {_indented(ended, 2)}\n}}\n')

    def _take_name(self, file: NewFile) -> None:
        """Take the first free name: the second recording of a request has the number 2."""
        stem = file_stem(self._asked, self._model)
        number = 1
        while True:
            try:
                file.take_name(replace=False, name=f"{stem}-{number}.json")
            except FileExistsError:
                number += 1
            else:
                return

    def _opening(self) -> str:
        request = {
            "method": self._asked.method,
            "url": self._asked.url,
            "headers": self._headers,
            "body": self._asked.body,
        }
        return (
            f'{{\n  "hfs_recording": {VERSION},\n  "model": {_indented(self._model, 2)},\n'
            f'  "recorded_at": "{iso(self._at)}",\n  "request": {_indented(request, 2)},\n'
        )

    def _write_piece(self, data: bytes) -> None:
        if not data:
            return
        piece: dict[str, object] = {"at": round(time.monotonic() - self._began, 3)}
        try:
            piece["text"] = data.decode()
        except UnicodeDecodeError:
            from base64 import b64encode

            piece["base64"] = b64encode(data).decode()
        comma = "," if self._pieces else ""
        self._pieces += 1
        line = sanitize_json(json.dumps(piece, ensure_ascii=False))
        self._write(f"{comma}\n      {line}")

    def _write(self, text: str) -> None:
        if self._file is not None:
            try:
                self._file.write(text.encode("utf-8", "surrogatepass"))
            except OSError as error:
                self._file.close()
                self._file = None
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self._file = None
        _FAILURES.append(f"cannot record in {self._directory}: {error.strerror or error}")


def _kind(error: Exception) -> str:
    """The name by which `hfs_cli.providers.http.replay` finds the error to raise again."""
    import httpx

    match error:
        case ConnectTimeoutError() | httpx.ConnectTimeout():
            return "connect timeout"
        case TimeoutError() | httpx.TimeoutException():
            return "timeout"
        case httpx.ConnectError() | httpx.ProxyError():
            return "connect"
    return "broke off"


def raise_failure() -> None:
    """Report, once, that something could not be recorded.

    Raises:
        OutputError: The disk is full or broken.
    """
    if _FAILURES:
        message = _FAILURES[0]
        _FAILURES.clear()
        raise OutputError(message)


def _overlap(data: bytes, secret: bytes) -> int:
    """How many bytes at the end of the data may be the beginning of the secret."""
    most = min(len(secret) - 1, len(data))
    return next((size for size in range(most, 0, -1) if data.endswith(secret[:size])), 0)


def _indented(value: Any, indent: int) -> str:  # noqa: ANN401  (any JSON)
    text = sanitize_json(json.dumps(value, ensure_ascii=False, indent=2))
    return text.replace("\n", "\n" + " " * indent)
