"""What a wire format is: a pure payload builder, a pure event decoder, and where they go."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from hfs_cli.errors import HfsError, IncompleteReplyError, ProviderError
from hfs_cli.messages import ChatMessage, Delta, Event, Finish, FinishReason, Reasoning, Request

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Media:
    """What a format carries besides text.

    Args:
        types: Media types.
        urls: The kinds (``image``, ``pdf``, ``audio``) that the vendor fetches by itself.
        most_bytes: The most that all attachments of a request may have, as they are sent.
        most_image_bytes: The most that one image may have, or None.
    """

    types: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()
    most_bytes: int = 50 * MEGABYTE
    most_image_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Quirks:
    """Where a vendor departs from the format it speaks.

    Args:
        max_tokens: Its name for the limit on output tokens.
        stream_usage: Whether it must be (and may be) asked for usage in a stream.
        key_header: The header that takes the bare key in place of the format's own.
        models_url: Where its list of models is, if not at the format's place.
    """

    max_tokens: str = "max_tokens"
    stream_usage: bool = True
    key_header: str | None = None
    models_url: str | None = None


_scan = json.JSONDecoder().raw_decode


class Batch:
    """The events of one network read, with neighbouring pieces of text joined."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._pieces: list[str] = []
        self._kind: type[Delta | Reasoning] = Delta

    def text(self, piece: str) -> None:
        """Add a piece of the reply."""
        if self._kind is not Delta:
            self._turn_to(Delta)
        self._pieces.append(piece)

    def reasoning(self, piece: str) -> None:
        """Add a piece of the reasoning."""
        if self._kind is not Reasoning:
            self._turn_to(Reasoning)
        self._pieces.append(piece)

    def add(self, event: Event) -> None:
        """Add any other event."""
        self._turn_to(self._kind)
        self._events.append(event)

    def take(self) -> list[Event]:
        """The events so far; the batch is empty afterwards."""
        self._turn_to(self._kind)
        events, self._events = self._events, []
        return events

    def _turn_to(self, kind: type[Delta | Reasoning]) -> None:
        text = "".join(self._pieces)
        self._pieces.clear()
        if text:
            self._events.append(self._kind(text))
        self._kind = kind


class EventDecoder(Protocol):
    """Turns a vendor's events, given as text, into ours.

    Attributes:
        finish: Why the reply ended, once the vendor has said so.
        terminated: Whether the vendor's mark of the end has come; nothing follows it.
    """

    finish: Finish | None
    terminated: bool

    def decode(self, data: str, batch: Batch) -> None:
        """Add what one event says to the batch.

        Raises:
            ProviderError: It reports an error.
            IncompleteReplyError: It is malformed.
        """
        ...


class Framer(Protocol):
    """Cuts a body into events."""

    def feed(self, chunk: bytes) -> list[str]:
        """The events that are whole now.

        Raises:
            IncompleteReplyError: One is larger than the limit.
        """
        ...

    def end(self) -> list[str]:
        """The events that the end of the body completes."""
        ...


@dataclass(frozen=True, slots=True)
class WireFormat:
    """One row of the registry.

    Args:
        name: What ``type`` says in the configuration.
        media: The attachments it carries.
        path: Where a request goes, below the base URL.
        headers: The headers that carry a key, given the key.
        payload: The body of a request.
        framer: Makes the decoder of a streamed body.
        decoder: Makes the decoder of its events.
        models_path: Where its list of models is, below the base URL.
        model_ids: The ids in that list.
        fixed_headers: Headers of every request.
    """

    name: str
    path: Callable[[Request], str]
    headers: Callable[[str], Mapping[str, str]]
    payload: Callable[[Request, Quirks], dict[str, Any]]
    framer: Callable[[], Framer]
    decoder: Callable[[Request], EventDecoder]
    models_path: str
    model_ids: Callable[[dict[str, Any]], list[str]]
    media: Media
    fixed_headers: Mapping[str, str] = field(default_factory=dict)


class ReplyDecoder:
    """Decodes one reply; what goes wrong is kept until the events before it are handed on.

    Args:
        framer: Cuts the body into events.
        events: Reads the events.

    Attributes:
        fault: What went wrong, or None.
    """

    def __init__(self, framer: Framer, events: EventDecoder) -> None:
        self._framer = framer
        self._events = events
        self.fault: HfsError | None = None

    @property
    def ended(self) -> Literal["no", "finished", "terminated"]:
        """How far the end has come: a finish reason, or the terminator after it."""
        if self._events.terminated:
            return "terminated"
        return "finished" if self._events.finish else "no"

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that the next bytes complete."""
        try:
            return self._decoded(self._framer.feed(chunk))
        except IncompleteReplyError as error:
            self.fault = error
            return []

    def whole(self, body: str) -> list[Event]:
        """The events of a reply that came as one JSON document, not as a stream."""
        return self._decoded([body])

    def rest(self) -> list[Event]:
        """The events that the end of the body completes."""
        return self._decoded(self._framer.end())

    def end(self) -> list[Event]:
        """The body has ended.

        Raises:
            IncompleteReplyError: Neither a finish reason nor a terminator came.
        """
        if self._events.finish:
            return [self._events.finish]
        if self._events.terminated:
            return [Finish("stop", "")]
        raise IncompleteReplyError("the reply ended without a finish reason: it is incomplete")

    def _decoded(self, texts: Iterable[str]) -> list[Event]:
        batch = Batch()
        try:
            for text in texts:
                if self._events.terminated:
                    break
                self._events.decode(text, batch)
        except (ProviderError, IncompleteReplyError) as error:
            self.fault = error
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            self.fault = malformed(f"an event has an unknown shape ({error!r})", error)
        try:
            return batch.take()
        except TypeError as error:
            self.fault = malformed("a piece of text is not a string", error)
            return []


def malformed(what: str, cause: BaseException | None = None) -> IncompleteReplyError:
    """The error for a reply that stopped making sense."""
    error = IncompleteReplyError(f"the reply is malformed: {what}")
    error.__cause__ = cause
    return error


def parse(data: str) -> dict[str, Any]:
    """Read one event's JSON object.

    Raises:
        IncompleteReplyError: It is none.
    """
    try:
        # As json.loads, without its detours: this runs once for each token.
        value, end = _scan(data)
        if end != len(data):
            value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise malformed(f"an event is not JSON ({str(error)[:100]})", error) from error
    if not isinstance(value, dict):
        raise malformed("an event is not a JSON object")
    return value


def finish_of(raw: str, reasons: Mapping[str, FinishReason]) -> Finish:
    """A vendor's finish reason in the common vocabulary; an unknown one counts as a stop."""
    return Finish(reasons.get(raw, "stop"), raw)


def alternating(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The history as vendors with strict rules want it: roles in turn, nothing empty.

    Neighbours of one role are joined by a blank line.
    """
    joined: list[ChatMessage] = []
    for message in messages:
        if not (message.content.strip() or message.attachments):
            continue
        if joined and joined[-1].role == message.role:
            joined.append(_joined(joined.pop(), message))
        else:
            joined.append(message)
    return joined


def _joined(first: ChatMessage, second: ChatMessage) -> ChatMessage:
    text = "\n\n".join(part for part in (first.content, second.content) if part)
    return ChatMessage(first.role, text, first.attachments + second.attachments)


def with_options(
    payload: dict[str, Any], options: Mapping[str, object], names: Mapping[str, str]
) -> dict[str, Any]:
    """Add options under the vendor's names; one that is None takes its key out."""
    merged = payload | {names.get(name, name): value for name, value in options.items()}
    return {name: value for name, value in merged.items() if value is not None}
