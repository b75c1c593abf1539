"""The vendors' batch endpoints: what to send to them, and what their answers mean. Pure.

A batch is many requests handed over at once. They are answered within 24 hours and cost half.

OpenAI: a JSONL file is uploaded (``POST /files``, purpose ``batch``), a batch is made of it
(``POST /batches``), and the answers are one or two files. Groq's endpoints are the same, but for
chat completions only. Anthropic: ``POST /messages/batches`` takes all requests in one body.

Read 2026-11-29: openai 3.57 (``types/batch.py``, ``batch_create_params.py``,
``file_create_params.py`` and ``resources/batches.py``), groq 1.7 (the same modules), anthropic 2.14
(``types/messages`` and ``resources/messages/batches.py``);
https://developers.openai.com/api/docs/guides/batch,
https://developers.openai.com/api/reference/resources/batches (the lines of the answers, which no
library has; ``batch_expired`` and ``batch_cancelled`` are error codes) and
https://platform.claude.com/docs/en/build-with-claude/batch-processing.

Not supported: endpoints of another shape (Mistral, Together, Gemini, xAI), not open to everyone
(Cerebras), or with addresses of each customer (Azure).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from hfs_cli.errors import ProviderError
from hfs_cli.moments import from_iso
from hfs_cli.providers.formats.events import word

# An id becomes a part of a URL.
_ID = re.compile(r"[A-Za-z0-9._-]{1,200}")
_TAG = "hfs_part"
_FILE_ROUTE = "/files"
# The error code of a batch that exceeds the tokens an account may have in its queue
# (https://github.com/openai/openai-python/issues/2084, read 2026-11-29).
_QUEUE_IS_FULL = "token_limit_exceeded"
# anthropic 2.14, types/shared/error_object.py; the statuses are those of
# https://platform.claude.com/docs/en/api/errors.
_STATUSES: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}

Phase = Literal["running", "ended", "refused"]


class BatchState(NamedTuple):
    """The state of a batch, as its vendor reports it.

    Args:
        id: The vendor's id for it.
        phase: Whether the answers are still to come, can be fetched, or will never come.
        said: The vendor's own word for the phase.
        total: How many requests it has, or None where the vendor does not know yet.
        done: How many requests are answered; some vendors only say so at the end.
        failed: How many requests failed, expired or were cancelled.
        created_at: Seconds since 1970, or None.
        expires_at: When the vendor will give up, in seconds since 1970, or None.
        answers: The paths of the answers, below the base URL.
        tag: The tag that it was created with; empty where the vendor keeps none.
        why: Why it was refused; usually empty.
        full: Whether it was refused because the account's queue at the vendor is full.
    """

    id: str
    phase: Phase
    said: str
    total: int | None = None
    done: int = 0
    failed: int = 0
    created_at: float | None = None
    expires_at: float | None = None
    answers: tuple[str, ...] = ()
    tag: str = ""
    why: str = ""
    full: bool = False


class BatchAnswer(NamedTuple):
    """The answer to one request.

    Args:
        custom_id: The id that the request was sent with.
        status: The HTTP status that the request alone would have had.
        body: The reply or the error, as JSON.
        never: Why there is no answer: ``expired``, ``cancelled``, or the vendor's words.
    """

    custom_id: str
    status: int
    body: bytes = b""
    never: str = ""


class OpenAIBatches:
    """OpenAI's endpoints, and others of the same shape.

    Args:
        formats: The wire formats whose requests they take.
        most_bytes: The most bytes of all requests of a batch, including the frame around them.
        pages: Whether the list of batches comes in pages.

    Attributes:
        most_requests: The most requests of a batch.
        frame: What goes before the first request, between requests, and after the last.
        uploads: Whether the requests are uploaded as a file first.
        tagged: Whether a batch can be found by its tag.
        path: The path of the batches, below the base URL.
        page: The query that asks for the first page of the list of batches.
    """

    most_requests = 50_000
    frame = (b"", b"\n", b"\n")
    uploads = tagged = True
    path = "/batches"

    def __init__(self, formats: tuple[str, ...], most_bytes: int, *, pages: bool) -> None:
        self.formats = formats
        self.most_bytes = most_bytes
        self.page = "limit=100" if pages else ""

    def request(self, custom_id: str, path: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One request of a batch.

        Args:
            custom_id: Its id in the batch.
            path: Where it would go alone, below the base URL.
            payload: Its body.
        """
        line = {"custom_id": custom_id, "method": "POST", "url": f"/v1{path}"}
        return {**line, "body": _unstreamed(payload)}

    def creation(self, file_id: str, path: str, tag: str) -> dict[str, Any]:
        """The body that creates a batch of an uploaded file."""
        return {
            "input_file_id": file_id,
            "endpoint": f"/v1{path}",
            "completion_window": "24h",
            "metadata": {_TAG: tag},
        }

    def state(self, document: object) -> BatchState:
        """Read the vendor's description of a batch.

        Raises:
            ProviderError: It is not a description of a batch.
        """
        batch = _object(document)
        said = word(batch.get("status") or "")
        phase: Phase = "running"
        if said in {"completed", "expired", "cancelled"}:
            phase = "ended"
        elif said == "failed":
            phase = "refused"
        counts = _mapping(batch.get("request_counts"))
        files = (batch.get("output_file_id"), batch.get("error_file_id"))
        return BatchState(
            id=checked_id(batch.get("id")),
            phase=phase,
            said=said,
            total=_count(counts.get("total")),
            done=_count(counts.get("completed")) or 0,
            failed=_count(counts.get("failed")) or 0,
            created_at=_seconds(batch.get("created_at")),
            expires_at=_seconds(batch.get("expires_at")),
            answers=tuple(f"{_FILE_ROUTE}/{checked_id(file)}/content" for file in files if file),
            tag=word(_mapping(batch.get("metadata")).get(_TAG) or ""),
            why=_faults(_mapping(batch.get("errors")).get("data")),
            full=_QUEUE_IS_FULL in json.dumps(batch.get("errors")),
        )

    def answer(self, line: bytes) -> BatchAnswer:
        """Read one line of the answers.

        Raises:
            ProviderError: It is not an answer.
        """
        found = _object(_parsed(line))
        called = word(found.get("custom_id") or "")
        if error := _mapping(found.get("error")):
            code = word(error.get("code") or "")
            known = {"batch_expired": "expired", "batch_cancelled": "cancelled"}
            said = error.get("message") or code or "it gives no reason"
            return BatchAnswer(called, 0, never=known.get(code) or word(said, 300))
        response = _mapping(found.get("response"))
        status = response.get("status_code")
        if type(status) is not int:
            return BatchAnswer(called, 0, never="it holds neither a reply nor an error")
        return BatchAnswer(called, status, _dumped(response.get("body")))

    def next_page(self, document: Mapping[str, Any], last: str) -> str | None:
        """The query for the page after `document`, or None if that is the last.

        Args:
            document: A page of the list of batches.
            last: The id of the last batch on it.
        """
        return f"{self.page}&after={last}" if self.page and document.get("has_more") else None


class AnthropicBatches:
    """Anthropic's Message Batches, which keep no tag to find a batch by; see `OpenAIBatches`."""

    formats: tuple[str, ...] = ("anthropic",)
    most_requests = 100_000
    most_bytes = 256_000_000
    frame = (b'{"requests":[', b",", b"]}")
    uploads = tagged = False
    path = "/messages/batches"
    page = "limit=100"

    def request(self, custom_id: str, path: str, payload: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """As in `OpenAIBatches`."""
        return {"custom_id": custom_id, "params": _unstreamed(payload)}

    def creation(self, file_id: str, path: str, tag: str) -> None:
        """None: the requests themselves create the batch."""

    def state(self, document: object) -> BatchState:
        """As in `OpenAIBatches`."""
        batch = _object(document)
        said = word(batch.get("processing_status") or "")
        counts = {
            name: _count(value) or 0
            for name, value in _mapping(batch.get("request_counts")).items()
        }
        made = checked_id(batch.get("id"))
        ended = said == "ended"
        return BatchState(
            id=made,
            phase="ended" if ended else "running",
            said=said,
            total=sum(counts.values()) if counts else None,
            done=counts.get("succeeded", 0),
            failed=sum(counts.get(name, 0) for name in ("errored", "expired", "canceled")),
            created_at=_moment(batch.get("created_at")),
            expires_at=_moment(batch.get("expires_at")),
            # Not `results_url`: the key must not go to an address that an answer names.
            answers=(f"{self.path}/{made}/results",) if ended else (),
        )

    def answer(self, line: bytes) -> BatchAnswer:
        """As in `OpenAIBatches`."""
        found = _object(_parsed(line))
        called = word(found.get("custom_id") or "")
        result = _mapping(found.get("result"))
        match result.get("type"):
            case "succeeded":
                return BatchAnswer(called, 200, _dumped(result.get("message")))
            case "errored":
                error = _mapping(result.get("error"))
                kind = _mapping(error.get("error")).get("type")
                return BatchAnswer(called, _STATUSES.get(str(kind), 500), _dumped(error))
            case "canceled":
                return BatchAnswer(called, 0, never="cancelled")
            case "expired":
                return BatchAnswer(called, 0, never="expired")
            case other:
                return BatchAnswer(called, 0, never=f'it says "{word(other or "")}"')

    def next_page(self, document: Mapping[str, Any], last: str) -> str | None:
        """As in `OpenAIBatches`."""
        return f"{self.page}&after_id={last}" if document.get("has_more") else None


# How to speak to the batch endpoints of one vendor.
BatchWire = OpenAIBatches | AnthropicBatches
# By the providers' names. A preset with another base_url is a gateway with the same endpoints.
BATCHES: Mapping[str, BatchWire] = {
    "openai": OpenAIBatches(("responses", "openai"), 200_000_000, pages=True),
    "anthropic": AnthropicBatches(),
    # 100 MB, and a list without parameters, according to its library (groq 1.7).
    "groq": OpenAIBatches(("openai",), 100_000_000, pages=False),
}


def checked_id(value: object) -> str:
    """A vendor's id, checked because it becomes a part of a URL.

    Raises:
        ProviderError: It is not a string that can be a part of a path.
    """
    if isinstance(value, str) and _ID.fullmatch(value) and value.strip("."):
        return value
    raise ProviderError("it named a batch or a file by something that is not an id")


def _unstreamed(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a request without the demand to stream."""
    return {n: value for n, value in payload.items() if n not in {"stream", "stream_options"}}


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProviderError("one of its answers is not JSON") from error


def _object(document: object) -> Mapping[str, Any]:
    if isinstance(document, dict):
        return document
    raise ProviderError("it sent something other than what was asked for")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _dumped(value: object) -> bytes:
    return json.dumps(value).encode()


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 10**9 else None


def _seconds(value: object) -> float | None:
    return float(value) if type(value) in {int, float} and 0 < value < 10**11 else None  # type: ignore[operator,arg-type]


def _moment(value: object) -> float | None:
    try:
        return from_iso(value).timestamp() if isinstance(value, str) else None
    except ValueError:
        return None


def _faults(errors: object) -> str:
    """Why a batch was refused: its first error, with the line, and how many more there are."""
    found = [_mapping(error) for error in errors] if isinstance(errors, Sequence) else []
    if not found:
        return ""
    first = found[0]
    said = word(first.get("message") or first.get("code") or "it gives no reason", 300)
    line = f" (line {first['line']} of what was sent)" if type(first.get("line")) is int else ""
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{said}{line}{more}"
