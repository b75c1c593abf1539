"""Read the body of a successful response as a reply, and tell how it ended."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

from hfs_cli.errors import HfsError, IncompleteReplyError, ProviderError
from hfs_cli.messages import Delta, Event, Finish, Reasoning
from hfs_cli.providers.formats.refusals import Context, shown, vendor_message
from hfs_cli.providers.formats.wire import ReplyDecoder
from hfs_cli.providers.http.client import load_httpx
from hfs_cli.providers.http.exchange import Exchange, Head, reason

MAX_JSON_BYTES = 16 * 1024 * 1024
ACCEPTED = "gzip, deflate"
MAX_INFLATED_BYTES = 16 * 1024 * 1024


def read_reply(
    exchange: Exchange, head: Head, decoder: ReplyDecoder, deadline: float, context: Context
) -> Iterator[list[Event]]:
    """Yield a reply's events, one batch for each read.

    Args:
        exchange: Where the body comes from.
        head: The response's head, its status a success.
        decoder: Reads the body.
        deadline: When the reply must be over (`time.monotonic`).
        context: What error messages name.

    Raises:
        ProviderError: The body is no reply, or an error came before any text.
        IncompleteReplyError: The reply broke off, stalled or was malformed.
    """
    body = _decoded(exchange, head, deadline, context, lambda: decoder.ended != "no")
    media_type = head.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "text/html":
        said = shown(vendor_message(next(body, b"")), context.secrets)
        raise ProviderError(
            f"{context.provider} sent a web page instead of a reply — check base_url: {said}"
        )
    if media_type == "application/json":
        yield _whole(b"".join(_bounded(body)), decoder, context)
    else:
        yield from _streamed(body, decoder, context)
        yield decoder.end()


def read_whole(exchange: Exchange, head: Head, deadline: float, context: Context) -> bytes:
    """The body of an answer that is no reply, such as a list of models.

    Raises:
        IncompleteReplyError: It broke off, stalled or is too large.
    """
    return b"".join(_bounded(_decoded(exchange, head, deadline, context, lambda: False)))


def _streamed(
    body: Iterator[bytes], decoder: ReplyDecoder, context: Context
) -> Iterator[list[Event]]:
    begun = False
    for data in body:
        if events := decoder.feed(data):
            begun = begun or any(isinstance(event, Delta | Reasoning) for event in events)
            yield events
        if decoder.fault:
            raise _told(decoder.fault, context, begun=begun)
        if decoder.ended == "terminated":
            return
    if events := decoder.rest():
        yield events
    if decoder.fault:
        raise _told(decoder.fault, context, begun=begun)


def _whole(data: bytes, decoder: ReplyDecoder, context: Context) -> list[Event]:
    """The events of a reply in one JSON document; anything else in one is a failure."""
    events = decoder.whole(data.decode("utf-8", "replace"))
    if isinstance(decoder.fault, ProviderError):
        raise _told(decoder.fault, context, begun=False)
    if decoder.fault or not (events or decoder.ended != "no"):
        said = shown(vendor_message(data), context.secrets)
        raise ProviderError(f"{context.provider} sent no reply but this: {said}")
    # The document was whole, so the reply is, whether or not it says why it ended.
    return events + (decoder.end() if decoder.ended != "no" else [Finish("stop", "")])


def _decoded(
    exchange: Exchange,
    head: Head,
    deadline: float,
    context: Context,
    is_finished: Callable[[], bool],
) -> Iterator[bytes]:
    """The body, decompressed; a break after the finish reason is no loss."""
    httpx = load_httpx()
    inflater = Inflater(head.headers.get("content-encoding", ""))
    try:
        while data := exchange.read(deadline):
            yield inflater.feed(data)
    except TimeoutError as error:
        failure = f"the reply took longer than --timeout allows ({context.provider})"
        raise IncompleteReplyError(failure) from error
    except httpx.TimeoutException as error:
        failure, cause = f"the reply stalled: {context.provider} sent nothing more", error
    except (httpx.HTTPError, OSError) as error:
        failure, cause = f"the reply broke off: {reason(error)}", error
    else:
        return
    if not is_finished():
        raise IncompleteReplyError(failure) from cause


def _bounded(body: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for data in body:
        size += len(data)
        if size > MAX_JSON_BYTES:
            raise IncompleteReplyError(f"the reply is over {MAX_JSON_BYTES} bytes: given up")
        yield data


def _told(fault: HfsError, context: Context, *, begun: bool) -> HfsError:
    """A fault of the stream with the provider's name, and without secrets."""
    message = shown(fault.message, context.secrets)
    if not isinstance(fault, ProviderError):
        return type(fault)(message)
    told = f"{context.provider} ({context.model}) reported an error: {message}"
    return IncompleteReplyError(told) if begun else ProviderError(told)


class Inflater:
    """Decodes a compressed body piece by piece.

    Args:
        encoding: The response's ``Content-Encoding``, perhaps empty.

    Raises:
        ProviderError: It is one that was not asked for.
    """

    def __init__(self, encoding: str) -> None:
        encoding = encoding.strip().lower()
        self._inflate: zlib._Decompress | None = None
        if encoding in {"gzip", "x-gzip", "deflate"}:
            # 32 + 15: gzip or zlib, told apart by their first bytes.
            self._inflate = zlib.decompressobj(wbits=47)
        elif encoding not in {"", "identity"}:
            raise ProviderError(
                f"it sent a body encoded as {encoding[:40]}, which was not asked for"
            )

    def feed(self, data: bytes) -> bytes:
        """The decoded bytes.

        Raises:
            IncompleteReplyError: They cannot be decoded, or are far more than were sent.
        """
        if self._inflate is None:
            return data
        try:
            out = self._inflate.decompress(data, MAX_INFLATED_BYTES)
        except zlib.error as error:
            raise IncompleteReplyError(f"the reply's compression is broken: {error}") from error
        if self._inflate.unconsumed_tail:
            raise IncompleteReplyError("the reply inflates to far more than was sent: given up")
        return out
