"""Recordings of exchanges: the format of the files, and which one fits a request.

A recording is a JSON document:

    {"hfs_recording": 1, "model": "openai/gpt-6-luna", "recorded_at": "2026-11-29T06:20:00.1Z",
     "request": {"method": "POST", "url": "…", "headers": {…}, "body": {…}},
     "response": {"status": 200, "headers": {…}, "pieces": [{"at": 0.41, "text": "data: …"}, …]},
     "ended": "whole"}

The response holds every byte that came, in the original pieces, with the seconds since the request;
a piece that is not UTF-8 has ``base64`` instead of ``text``. `ended` is ``whole``, ``left`` (hfs
stopped reading), or the ``{"kind", "reason"}`` of an error, with which `response` may be null.

A recording fits a request of the same method, path, parameters and body. The host, the order of
keys and spaces do not matter. The values of parameters are left out of the file, except those that
say nothing about their owner.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from hfs_cli.errors import ConfigError
from hfs_cli.files import read_file, refusing
from hfs_cli.hide import HIDDEN, hide
from hfs_cli.sanitize import sanitize_line

if TYPE_CHECKING:
    import httpx

VERSION = 1
MAX_RECORDING_BYTES = 512_000_000
# Parameters whose values are kept: those of the formats and of cloud API versions.
_PLAIN_PARAMETERS = {"alt", "api-version"}
# It identifies the session for the vendor's cache, and differs in each session.
_NOT_COMPARED = ("prompt_cache_key",)
_OF_CONNECTION = {"host", "connection", "content-length"}
_LONGEST_SHOWN = 60
_MOST_WORDS = 1000
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it is stored and compared: without keys.

    Args:
        method: The HTTP method.
        url: The URL without its secrets.
        body: The JSON that was sent, or None.
    """

    method: str
    url: str
    body: Any

    @property
    def path(self) -> str:
        """The URL without scheme and host."""
        parts = urlsplit(self.url)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    @property
    def fingerprint(self) -> str:
        """12 hexadecimal digits that equal requests have in common."""
        text = f"{self.method} {self.path}\n{json.dumps(self._compared(), sort_keys=True)}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def words(self) -> list[str]:
        """Its words, the path first; of a long request only the first and last."""
        words = re.findall(r"\w+", json.dumps(self._compared(), sort_keys=True))
        half = _MOST_WORDS // 2
        return [self.method, self.path, *words[:half], *words[half:][-half:]]

    def difference(self, other: Sent) -> str:
        """The first difference of another request from this one, for an error message."""
        if (self.method, self.path) != (other.method, other.path):
            return f"it asks {sanitize_line(other.path)} and not {sanitize_line(self.path)}"
        return _first_difference(other._compared(), self._compared(), "")

    def _compared(self) -> Any:  # noqa: ANN401  (any JSON)
        if not isinstance(self.body, dict):
            return self.body
        return {key: value for key, value in self.body.items() if key not in _NOT_COMPARED}


def sent(request: httpx.Request, secrets: Sequence[str] = ()) -> Sent:
    """A request without its secrets.

    Args:
        request: The request.
        secrets: Strings to remove, besides the keys of the environment and all that looks like one.
    """
    url = str(request.url.copy_with(query=None, userinfo=b""))
    query = "&".join(
        f"{name}={value if name in _PLAIN_PARAMETERS else HIDDEN}"
        for name, value in sorted(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        if name != "key"
    )
    data = request.content
    try:
        body = json.loads(data) if data else None
    except ValueError:
        body = data.decode("utf-8", "replace")
    url = f"{url}?{query}" if query else url
    return Sent(request.method, url, _without(body, tuple(secrets)))


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded exchange, without its response.

    Args:
        file: Its file.
        recorded_at: When the request was sent, UTC, ISO 8601.
        model: ``provider/id``, or empty.
        request: The request.
    """

    file: Path
    recorded_at: str
    model: str
    request: Sent


def read_recording(file: Path) -> tuple[Recording, dict[str, Any]]:
    """Read a recording; returns the document in its file as well.

    Raises:
        ConfigError: The file cannot be read, or is not a recording.
    """
    try:
        document = json.loads(read_file(file, MAX_RECORDING_BYTES, failure=ConfigError))
        if document["hfs_recording"] != VERSION:
            raise ConfigError(f"{file} was recorded by a newer hfs: upgrade hfs, or record again")
        request = document["request"]
        asked = Sent(str(request["method"]), str(request["url"]), request["body"])
        found = Recording(file, str(document["recorded_at"]), str(document["model"]), asked)
        if not isinstance(document["response"], dict | None):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(f"{file} is not a recording of hfs: move it away, or record again") from (
            error
        )
    return found, document


def read_recordings(directory: Path) -> list[Recording]:
    """Read all recordings in a directory, oldest first.

    Raises:
        ConfigError: The directory cannot be read, or holds a JSON file that is not a recording.
    """
    with refusing(ConfigError, f"HFS_REPLAY: cannot read {directory}"):
        files = sorted(file for file in directory.iterdir() if file.suffix == ".json")
    found = [read_recording(file)[0] for file in files]
    return sorted(found, key=lambda recording: recording.recorded_at)


def not_recorded(asked: Sent, recordings: Sequence[Recording], directory: Path) -> str:
    """The error message for a request without a recording: the nearest one, and how it differs."""
    if not recordings:
        return f"{directory} holds no recordings: make some with HFS_RECORD={directory}"
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(asked.words)

    def near(recording: Recording, *, exact: bool) -> tuple[bool, float]:
        matcher.set_seq1(recording.request.words)
        ratio = matcher.ratio() if exact else matcher.quick_ratio()
        return recording.request.path == asked.path, ratio

    # Exact comparison is slow, so it is limited to those with most words in common.
    few = sorted(recordings, key=lambda one: near(one, exact=False), reverse=True)[:5]
    nearest = max(few, key=lambda one: near(one, exact=True))
    what = asked.difference(nearest.request)
    return (
        f"no recording in {directory} fits {asked.method} {sanitize_line(asked.path)}: the nearest"
        f" is {nearest.file.name}, but {what} — record it with HFS_RECORD={directory}"
    )


def file_stem(recorded: Sent, model: str) -> str:
    """How the names of a request's files begin: with the model or the path, and a hash."""
    of_path = urlsplit(recorded.url).path.rstrip("/").rpartition("/")[2]
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", model.rpartition("/")[2] or of_path).strip("-.")
    return f"{name[:60] or 'exchange'}-{recorded.fingerprint}"


def _without(value: Any, secrets: tuple[str, ...]) -> Any:  # noqa: ANN401  (any JSON)
    """A JSON value with the credentials in its strings replaced."""
    match value:
        case str():
            for secret in secrets:
                value = value.replace(secret, HIDDEN)
            return hide(value, os.environ)
        case list():
            return [_without(item, secrets) for item in value]
        case dict():
            return {key: _without(item, secrets) for key, item in value.items()}
    return value


def _first_difference(recorded: Any, asked: Any, where: str) -> str:  # noqa: ANN401
    """The first difference between two bodies, with its place, as ``messages[1].content``."""
    match recorded, asked:
        case dict(), dict():
            keys = (*asked, *recorded)
            key = next(k for k in keys if recorded.get(k, _ABSENT) != asked.get(k, _ABSENT))
            place = f"{where}.{key}" if where else str(key)
            if key in recorded and key in asked:
                return _first_difference(recorded[key], asked[key], place)
            return f"it has {'no ' if key in asked else ''}{sanitize_line(place)}"
        case list(), list() if recorded[: len(asked)] != asked[: len(recorded)]:
            pairs = enumerate(zip(recorded, asked, strict=False))
            number, (one, other) = next(found for found in pairs if found[1][0] != found[1][1])
            return _first_difference(one, other, f"{where}[{number}]")
        case list(), list():
            return f"{sanitize_line(where)} has {len(recorded)} items and not {len(asked)}"
    one, other = _brief(recorded, asked), _brief(asked, recorded)
    return f"{sanitize_line(where) or 'the body'} is {one} and not {other}"


def _brief(value: Any, other: Any) -> str:  # noqa: ANN401  (any JSON)
    """A value as JSON, shortened around the first difference from another."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > _LONGEST_SHOWN:
        there = json.dumps(other, ensure_ascii=False)
        same = next(
            (n for n, pair in enumerate(zip(text, there, strict=False)) if len({*pair}) > 1), 0
        )
        begin = max(0, same - _LONGEST_SHOWN // 2)
        cut = text[begin : begin + _LONGEST_SHOWN]
        text = f"{'…' if begin else ''}{cut}{'…' if begin + _LONGEST_SHOWN < len(text) else ''}"
    return sanitize_line(text)


def recorded_models(directory: Path) -> Iterator[str]:
    """The models of the recordings in a directory, each once."""
    yield from dict.fromkeys(one.model for one in read_recordings(directory) if one.model)


def kept_headers(headers: Mapping[str, str], plain: frozenset[str]) -> dict[str, str]:
    """Headers to keep in a file: only those in `plain` keep their values."""
    named = {name.lower(): value for name, value in headers.items()}
    return {
        name: value if name in plain else HIDDEN
        for name, value in named.items()
        if name not in _OF_CONNECTION
    }
