"""Answer from recordings: a transport for httpx without a network."""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from hfs_cli.errors import ConfigError, NotRecordedError
from hfs_cli.files import changing, read_file, write_file
from hfs_cli.places import data_directory
from hfs_cli.providers.http.recordings import (
    Recording,
    Sent,
    not_recorded,
    read_recording,
    read_recordings,
    sent,
)

_MAX_POSITIONS = 1000
_FAILURES: dict[str, type[httpx.TransportError]] = {
    "connect": httpx.ConnectError,
    "connect timeout": httpx.ConnectTimeout,
    "timeout": httpx.ReadTimeout,
}


class ReplayTransport(httpx.BaseTransport):
    """Answers each request with the recording that fits it.

    Args:
        directory: The directory of recordings.

    Raises:
        ConfigError: The recordings cannot be read.
    """

    def __init__(self, directory: Path) -> None:
        self._library = _library(directory)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The recorded response.

        Raises:
            NotRecordedError: No recording fits.
            httpx.TransportError: The recorded exchange failed.
            ConfigError: The recording cannot be read.
        """
        if trace := request.extensions.get("trace"):
            trace("http11.send_request_headers.started", {})
        found = self._library.take(sent(request))
        _, document = read_recording(found.file)
        response, ended = document["response"], document["ended"]
        try:
            failure = None
            if isinstance(ended, dict):
                kind = _FAILURES.get(ended["kind"], httpx.RemoteProtocolError)
                failure = kind(ended["reason"])
            if response is None:
                raise failure or httpx.RemoteProtocolError("no response was recorded")
            if not 100 <= response["status"] <= 599:
                raise ValueError
            return httpx.Response(
                response["status"],
                headers=response["headers"],
                stream=_Body([_bytes(piece) for piece in response["pieces"]], failure),
                extensions={"network_stream": _NoStream()},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"{found.file} is not a recording of hfs: move it away, or record again"
            ) from error


class _Body(httpx.SyncByteStream):
    def __init__(self, pieces: list[bytes], failure: httpx.TransportError | None) -> None:
        self._pieces = pieces
        self._failure = failure

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces
        if self._failure:
            raise self._failure


class _NoStream:
    """Stands in for the connection, which an exchange asks for its socket."""

    def get_extra_info(self, _: str) -> None:
        """There is no socket."""


class _Library:
    """The recordings of a directory, and which one of the same request comes next.

    A request that was recorded more than once is answered in the recorded order, even across
    processes: the position is kept in the data directory. After the last recording comes the first
    again, so that a script can be repeated.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._recordings = read_recordings(directory)
        self._by_request: dict[str, list[Recording]] = {}
        for recording in self._recordings:
            alike = self._by_request.setdefault(recording.request.fingerprint, [])
            alike.append(recording)
        self._lock = threading.Lock()

    def take(self, asked: Sent) -> Recording:
        """The recording whose turn it is.

        Raises:
            NotRecordedError: None fits.
            ConfigError: The data directory cannot be written.
        """
        alike = self._by_request.get(asked.fingerprint)
        if not alike:
            raise NotRecordedError(not_recorded(asked, self._recordings, self._directory))
        if len(alike) == 1:
            return alike[0]
        import os

        file = Path(data_directory(os.environ), "replayed.json")
        # New recordings of the request begin with the first.
        key = f"{self._directory.resolve()} {asked.fingerprint} {alike[0].recorded_at}"
        with self._lock, changing(file, ConfigError):
            positions = _positions(file)
            number = positions.pop(key, 0)
            positions[key] = number + 1
            newest = dict(list(positions.items())[-_MAX_POSITIONS:])
            write_file(file, json.dumps(newest, indent=1).encode(), replace=True)
        return alike[number % len(alike)]


@cache
def _library(directory: Path) -> _Library:
    return _Library(directory)


def _positions(file: Path) -> dict[str, int]:
    try:
        kept = json.loads(read_file(file, 10_000_000, absent=b"{}", failure=ConfigError))
        return {str(key): int(value) for key, value in kept.items()}
    except (ValueError, TypeError, AttributeError):
        return {}  # all requests begin with their first recording


def _bytes(piece: dict[str, Any]) -> bytes:
    if "base64" in piece:
        return b64decode(piece["base64"])
    text: str = piece["text"]
    return text.encode("utf-8", "surrogatepass")
