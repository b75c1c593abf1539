"""Decode one reply: bytes in, events out, and how it ended. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from hfs_cli.errors import HfsError, IncompleteReplyError, ProviderError
from hfs_cli.messages import Delta, Event, Finish, Reasoning, State
from hfs_cli.providers.formats.events import PAUSED, Batch, malformed
from hfs_cli.providers.formats.sse import SseDecoder

if TYPE_CHECKING:
    from hfs_cli.providers.formats.wire import Events, Framer

# After other endings, the state that the vendor wants back may be incomplete.
_STATE_IS_COMPLETE = frozenset({"stop", "tool_calls", "paused"})
_THINK = "<think>"
_END_OF_THINK = "</think>"


class ReplyDecoder:
    """Decodes one reply.

    A failure does not raise: it is kept in `fault`, so that the caller first hands on the events
    that came before it.

    Args:
        framer: Cuts the body into events.
        events: Decodes the events.
        think_tags: Whether the text may begin with reasoning between ``<think>`` tags.

    Attributes:
        fault: What went wrong, or None.
        expects_sse: Whether the format sends an event stream, and not lines of JSON.
        odd_counts: Whether the vendor sent token counts that are not numbers.
    """

    def __init__(self, framer: Framer, events: Events, *, think_tags: bool = False) -> None:
        self._framer = framer
        self._events = events
        self._thinking = ThinkTags() if think_tags else None
        self.fault: HfsError | None = None
        self.expects_sse = isinstance(framer, SseDecoder)
        self.odd_counts = False

    @property
    def ended(self) -> Literal["no", "finished", "terminated"]:
        """Whether the finish reason has come, or the terminator that follows it."""
        if self._events.terminated:
            return "terminated"
        return "finished" if self._events.finish else "no"

    def feed(self, chunk: bytes) -> list[Event]:
        """Decode the next bytes; returns the events that they complete."""
        try:
            return self._decoded(self._framer.feed(chunk))
        except IncompleteReplyError as error:
            self.fault = error
            return []

    def whole(self, body: str) -> list[Event]:
        """Decode a reply that came as one JSON document, not as a stream."""
        return self._decoded([body])

    def rest(self) -> list[Event]:
        """Decode what the framer still holds at the end of the body.

        A last event that only lacks its blank line counts. One that was cut cannot be decoded and
        is dropped, as if the body had ended before it.
        """
        events = self._decoded(self._framer.end())
        if isinstance(self.fault, IncompleteReplyError):
            self.fault = None
        return events

    def end(self) -> list[Event]:
        """Return the last events after the body has ended, and set `fault` if the reply was cut.

        Raises:
            IncompleteReplyError: Neither a finish reason nor a terminator came.
        """
        held = self._thinking.rest() if self._thinking else []
        finish = self._events.finish
        if finish is None:
            if not self._events.terminated:
                raise IncompleteReplyError(
                    "the reply ended without a finish reason: it is incomplete"
                )
            finish = Finish("stop", "")
        state = self._events.state() if finish.reason in _STATE_IS_COMPLETE else None
        if finish.reason == "paused" and state is None:
            finish = PAUSED.finish(finish.raw)
        if not finish.whole:
            self.fault = VendorCutError(f"{finish.note} ({finish.raw})")
        return [*held, *([State((state,))] if state else ()), finish]

    def _decoded(self, texts: Iterable[str]) -> list[Event]:
        batch, events = Batch(), self._events
        try:
            for text in texts:
                if events.terminated:
                    break
                if text and not text.isspace():  # an empty event keeps a connection open
                    events.decode(text, batch)
        except (ProviderError, IncompleteReplyError) as error:
            self.fault = error
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            self.fault = malformed(f"an event has an unknown shape ({error!r})", error)
        self.odd_counts = self.odd_counts or batch.odd_counts
        return self._thinking.split(batch.take()) if self._thinking else batch.take()


class VendorCutError(ProviderError):
    """The vendor's finish reason says that the reply is incomplete.

    The message is the rest of a sentence that begins with the vendor's name.
    """


class ThinkTags:
    """Separates reasoning from a text that begins with it, between ``<think>`` tags.

    Small servers pass on exactly what the model wrote. Pieces may cut the tags anywhere: "<thi",
    "nk>So", "</thi", "nk>", "42" are the reasoning "So" and the text "42". A text that does not
    begin with the tag stays as it is, even if the tag comes later.
    """

    def __init__(self) -> None:
        self._held = ""
        self._state: Literal["begin", "thought", "gap", "text"] = "begin"

    def split(self, events: Iterable[Event]) -> list[Event]:
        """Turn tagged text into reasoning; text that may become a tag is held back."""
        found: list[Event] = []
        for event in events:
            if isinstance(event, Delta):
                found += self._pieces(event.text)
            else:
                found.append(event)
        return found

    def rest(self) -> list[Event]:
        """Return what was held back, once nothing follows."""
        held, self._held = self._held, ""
        if not held:
            return []
        return [Reasoning(held) if self._state == "thought" else Delta(held)]

    def _pieces(self, text: str) -> list[Event]:
        if self._state == "text":
            return [Delta(text)]
        text = self._held + text
        self._held = ""
        if self._state == "begin":
            start = text.lstrip()
            if len(start) < len(_THINK) and _THINK.startswith(start):
                self._held = text
                return []
            self._state = "thought" if start.startswith(_THINK) else "text"
            return self._pieces(start.removeprefix(_THINK) if self._state == "thought" else text)
        if self._state == "thought":
            thought, end, text = text.partition(_END_OF_THINK)
            if not end:
                # The last "<" may begin the end tag.
                cut = max(thought.rfind("<"), 0)
                if _END_OF_THINK.startswith(thought[cut:]):
                    thought, self._held = thought[:cut], thought[cut:]
            else:
                self._state = "gap"
            found: list[Event] = [Reasoning(thought)] if thought else []
            return found + (self._pieces(text) if text else [])
        # The blank lines between reasoning and text belong to neither.
        text = text.lstrip()
        if text:
            self._state = "text"
        return [Delta(text)] if text else []
