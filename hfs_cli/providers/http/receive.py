"""Read the body of a successful response, as a reply or as plain data."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from hfs_cli.errors import HfsError, IncompleteReplyError, ProviderError, TooLongError
from hfs_cli.messages import Delta, Event, Finish, Reasoning, ToolCall
from hfs_cli.providers.formats.decode import ReplyDecoder, VendorCutError
from hfs_cli.providers.formats.wire import Context, presentable
from hfs_cli.providers.http.client import load_httpx
from hfs_cli.providers.http.exchange import Exchange, Head, cause, reason

MAX_JSON_BYTES = 16 * 1024 * 1024
ACCEPTED = "gzip"
MAX_INFLATED_BYTES = 16 * 1024 * 1024
_LIKE_EVENTS = re.compile(rb"\s*(?:data|event|id|retry)?:")
_GZIP = 31  # zlib's wbits for a gzip header and the largest window


class Answer(NamedTuple):
    """A successful response whose body has not been read.

    Args:
        exchange: Where the body comes from.
        head: The response's head.
        deadline: When the whole body must have come (`time.monotonic`).
        context: What error messages need to know.
        idle: How long nothing may come, in seconds.
    """

    exchange: Exchange
    head: Head
    deadline: float
    context: Context
    idle: float


def read_reply(answer: Answer, decoder: ReplyDecoder) -> Iterator[list[Event]]:
    """Yield the events of a reply, one list for each read.

    Args:
        answer: The response.
        decoder: Decodes the body.

    Raises:
        ProviderError: The body is not a reply, or an error came before any text.
        IncompleteReplyError: The reply broke off, stalled or was malformed.
    """
    context = answer.context
    body = _decoded(answer, lambda: decoder.ended != "no")
    first = next(body, b"")
    media_type = answer.head.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "text/html":
        said = _vendors_words(first, context)
        raise ProviderError(
            f"{context.provider} sent a web page instead of a reply: {said}", "check base_url"
        )
    # Content types lie: some event streams are labelled JSON, and some JSON an event stream.
    if _LIKE_EVENTS.match(first):
        is_document = False
    elif media_type == "text/event-stream" and decoder.expects_sse:
        is_document = first.lstrip()[:1] == b"{"
    else:
        is_document = media_type == "application/json"
    whole = chain((first,), body)
    parts = _whole(whole, decoder, context) if is_document else _streamed(whole, decoder)
    yield from _checked(parts, decoder, context)


def read_document(data: bytes, decoder: ReplyDecoder, context: Context) -> Iterator[list[Event]]:
    """Yield the events of a complete reply that came as a part of a larger answer.

    Args:
        data: The reply, as JSON.
        decoder: Decodes it.
        context: What error messages need to know.

    Raises:
        ProviderError: It is not a reply, or reports an error.
        IncompleteReplyError: It is cut, or malformed.
    """
    yield from _checked(_whole((data,), decoder, context), decoder, context)


def _checked(
    parts: Iterable[list[Event]], decoder: ReplyDecoder, context: Context
) -> Iterator[list[Event]]:
    """Yield the events without secrets, and raise the decoder's fault after them."""
    has_text = False
    for events in parts:
        has_text = has_text or any(isinstance(event, Delta | Reasoning) for event in events)
        if events:
            yield [_without_secrets(event, context.secrets) for event in events]
    if decoder.fault:
        raise _ended_early(decoder.fault, context, has_text=has_text) from None


def read_whole(answer: Answer) -> bytes:
    """The body of an answer other than a reply, such as a list of models.

    Raises:
        IncompleteReplyError: The body broke off, stalled or is too large.
    """
    return b"".join(_bounded(_decoded(answer, lambda: False)))


def read_lines(answer: Answer) -> Iterator[bytes]:
    """The lines of an answer of any length, without line feeds; empty lines are skipped.

    Raises:
        IncompleteReplyError: The body broke off or stalled, or a line is too large.
    """
    rest: list[bytes] = []
    size = 0
    for data in _decoded(answer, lambda: False):
        first, *others = data.split(b"\n")
        rest.append(first)
        size += len(first)
        if others:
            yield from filter(None, (b"".join(rest), *others[:-1]))
            rest, size = [others[-1]], len(others[-1])
        if size > MAX_JSON_BYTES:
            raise IncompleteReplyError(f"a result is over {MAX_JSON_BYTES} bytes: given up")
    if last := b"".join(rest):
        yield last


def _streamed(body: Iterable[bytes], decoder: ReplyDecoder) -> Iterator[list[Event]]:
    for data in body:
        yield decoder.feed(data)
        if decoder.fault or decoder.ended == "terminated":
            break
    else:
        yield decoder.rest()
    if not decoder.fault:
        yield decoder.end()


def _whole(body: Iterable[bytes], decoder: ReplyDecoder, context: Context) -> Iterator[list[Event]]:
    """The events of a reply that is one JSON document.

    Raises:
        ProviderError: The document is not a reply.
    """
    data = b"".join(_bounded(body))
    events = decoder.whole(data.decode("utf-8", "replace"))
    said_nothing = not events and decoder.ended == "no"
    if not isinstance(decoder.fault, ProviderError) and (decoder.fault or said_nothing):
        raise ProviderError(
            f"{context.provider} sent this instead of a reply: {_vendors_words(data, context)}"
        )
    yield events
    if not decoder.fault:
        # The document is complete, so the reply is, even without a finish reason.
        yield decoder.end() if decoder.ended != "no" else [Finish("stop", "")]


def _decoded(answer: Answer, is_finished: Callable[[], bool]) -> Iterator[bytes]:
    """The body, decompressed; a connection that breaks after the finish is no failure."""
    httpx = load_httpx()
    exchange, head, deadline, context, idle = answer
    inflater = Inflater(head.headers.get("content-encoding", ""))
    try:
        while data := exchange.read(deadline):
            yield inflater.feed(data)
    except TimeoutError as error:
        failure = f"the reply took longer than --timeout allows ({context.provider})"
        raise IncompleteReplyError(failure) from error
    except httpx.TimeoutException as error:
        if not is_finished():
            failure = f"the reply stalled: {context.provider} sent nothing for {idle:g} s"
            raise IncompleteReplyError(failure, "allow more with --idle-timeout") from error
    except (httpx.HTTPError, OSError) as error:
        if not is_finished():
            failure = f"the reply broke off: {reason(error, context)}"
            raise IncompleteReplyError(failure) from cause(error, context)


def _bounded(body: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for data in body:
        size += len(data)
        if size > MAX_JSON_BYTES:
            raise IncompleteReplyError(f"the reply is over {MAX_JSON_BYTES} bytes: given up")
        yield data


def _vendors_words(body: bytes, context: Context) -> str:
    from hfs_cli.providers.formats.vendor_words import vendor_message

    return presentable(vendor_message(body), context.secrets)


def _without_secrets(event: Event, secrets: tuple[str, ...]) -> Event:
    """The event; a key that the vendor repeats in its own words is removed."""
    match event:
        case ToolCall(name, arguments, id_, index):
            return ToolCall(presentable(name, secrets), arguments, id_, index)
        case Finish(reason, raw, note, whole):
            return Finish(
                reason, presentable(raw, secrets), presentable(note, secrets), whole=whole
            )
    return event


def _ended_early(fault: HfsError, context: Context, *, has_text: bool) -> HfsError:
    """The error for a fault in a reply, with the provider's name and without secrets."""
    message = presentable(fault.message, context.secrets)
    if not isinstance(fault, ProviderError):
        return type(fault)(message)
    what = message if isinstance(fault, VendorCutError) else f"reported an error: {message}"
    message = f"{context.provider} ({context.model}) {what}"
    if has_text:
        return IncompleteReplyError(message)
    if isinstance(fault, TooLongError):
        from hfs_cli.providers.formats.refusals import LEAVE_OUT

        return TooLongError(message, LEAVE_OUT)
    return ProviderError(message)


class Inflater:
    """Decodes a compressed body piece by piece.

    A body may hold several gzip members, one after the other (RFC 1952, 2.2). The output of one
    piece is limited: zlib stops at the limit, and input that it leaves ("unconsumed") is the sign
    of a bomb. For example, 1 MB of compressed zeros, the most that is read at once, would inflate
    to 1 GB; here it fails at 16 MB.

    Args:
        encoding: The response's ``Content-Encoding``, or empty.

    Raises:
        ProviderError: The encoding was not asked for.
    """

    def __init__(self, encoding: str) -> None:
        encoding = encoding.strip().lower()
        self._inflate: zlib._Decompress | None = None
        if encoding in {"gzip", "x-gzip"}:
            self._inflate = zlib.decompressobj(wbits=_GZIP)
        elif encoding not in {"", "identity"}:
            raise ProviderError(
                "it sent a body in an encoding that was not asked for: check base_url, or what"
                " stands between"
            )

    def feed(self, data: bytes) -> bytes:
        """The decoded bytes.

        Raises:
            IncompleteReplyError: The bytes cannot be decoded, or inflate too much.
        """
        if self._inflate is None:
            return data
        out = b""
        try:
            while data:
                if self._inflate.eof:
                    self._inflate = zlib.decompressobj(wbits=_GZIP)
                out += self._inflate.decompress(data, MAX_INFLATED_BYTES - len(out) + 1)
                if len(out) > MAX_INFLATED_BYTES or self._inflate.unconsumed_tail:
                    raise IncompleteReplyError(
                        "the reply inflates to far more than was sent: given up"
                    )
                data = self._inflate.unused_data
        except zlib.error as error:
            raise IncompleteReplyError(f"the reply's compression is broken: {error}") from error
        return out
