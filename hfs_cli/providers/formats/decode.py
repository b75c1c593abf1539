"""From a vendor's events to ours: what enters is checked here, and how a reply ended is said.

Pure: text in, events out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, Protocol

from hfs_cli.errors import HfsError, IncompleteReplyError, ProviderError, TooLongError
from hfs_cli.messages import (
    Citation,
    Delta,
    Event,
    Finish,
    FinishReason,
    Reasoning,
    State,
    ToolCall,
    Usage,
)
from hfs_cli.providers.formats.sse import SseDecoder
from hfs_cli.sanitize import sanitize_line

_scan = json.JSONDecoder().raw_decode


# More tokens than any reply has: a number above it is not a count, and sums of many stay far
# from what a database can hold.
MOST_TOKENS = 10**12
MAX_WORD = 100
# What is kept for a vendor is worth a reply's size and no more; searched pages are the most of it.
MOST_STATE = 8_000_000
_NOT_TEXT = "something else where text should be"
MAX_QUOTE = 2000


class Batch:
    """The events of one network read, with neighbouring pieces of text joined.

    What a vendor sends is checked here, where it enters: text is text, counts are counts.

    Attributes:
        odd: Whether a count was dropped because it is not one.
    """

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._pieces: list[str] = []
        self._kind: type[Delta | Reasoning] = Delta
        self.odd = False

    def text(self, piece: str) -> None:
        """Add a piece of the reply.

        Raises:
            TypeError: It is not text.
        """
        if not isinstance(piece, str):
            raise TypeError(_NOT_TEXT)
        if self._kind is not Delta:
            self._turn_to(Delta)
        self._pieces.append(piece)

    def reasoning(self, piece: str) -> None:
        """Add a piece of the reasoning.

        Raises:
            TypeError: It is not text.
        """
        if not isinstance(piece, str):
            raise TypeError(_NOT_TEXT)
        if self._kind is not Reasoning:
            self._turn_to(Reasoning)
        self._pieces.append(piece)

    def call(
        self,
        name: object,
        arguments: str = "",
        *,
        id: str = "",  # noqa: A002 - the field's own word
        index: int | None = None,
    ) -> None:
        """Add a tool call, or a piece of one; see `ToolCall`.

        Raises:
            TypeError: Its arguments are not text.
        """
        self._turn_to(self._kind)
        self._events.append(ToolCall(word(name) if name else "", "" + arguments, id, index))

    def usage(self, given: object, made: object, cached: object, thought: object) -> None:
        """Add the counts of input, output, cached and reasoning tokens; None is not said."""
        self._turn_to(self._kind)
        self._events.append(Usage(*map(self.count, (given, made, cached, thought))))

    def cite(self, sources: object) -> None:
        """Add the sources that the reply names; anything else is passed over.

        Args:
            sources: The vendor's list of objects, with any of ``url``, ``uri`` or ``source``,
                ``title``, ``document_title`` or ``filename``, ``cited_text``, ``start_index`` and
                ``end_index``, perhaps within one another; or of bare URLs.
        """
        for source in sources if isinstance(sources, list) else ():
            found = {"url": source} if isinstance(source, str) else source
            for key in ("url_citation", "web"):  # OpenAI's chat completions, Gemini
                if isinstance(found, dict) and isinstance(found.get(key), dict):
                    found = found[key]
            if isinstance(found, dict) and (citation := _citation(found)):
                self._turn_to(self._kind)
                self._events.append(citation)

    def count(self, value: object) -> int | None:
        """A number of tokens, or None where the vendor said none, or sent something else."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS:
            return value
        self.odd = self.odd or value is not None
        return None

    def fields(self, value: object) -> Mapping[str, Any]:
        """An object that holds counts; anything else is empty."""
        if isinstance(value, dict):
            return value
        self.odd = self.odd or value is not None
        return {}

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


def word(value: object, most: int = MAX_WORD) -> str:
    """A vendor's word (a finish reason, a tool's name) as text that can be kept, not too long.

    A lone surrogate, which JSON can hold and no encoding can, becomes U+FFFD.
    """
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:most].encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _citation(source: Mapping[str, Any]) -> Citation | None:
    def first(*names: str) -> str:
        values = (source.get(name) for name in names)
        return next((word(v, MAX_QUOTE) for v in values if isinstance(v, str) and v), "")

    def place(name: str) -> int | None:
        value = source.get(name)
        return value if type(value) is int and 0 <= value <= MOST_TOKENS else None

    url, title = first("url", "uri", "source"), first("title", "document_title", "filename")
    if not (url or title):
        return None
    return Citation(url, title, first("cited_text"), place("start_index"), place("end_index"))


class Ending(NamedTuple):
    """What a vendor's reason for the end of a reply means.

    Args:
        reason: It in the common vocabulary.
        note: What happened and, after a colon, what the user can do; see `Finish.note`.
        whole: Whether the reply is all that was to come.
    """

    reason: FinishReason
    note: str = ""
    whole: bool = True

    def finish(self, raw: object, said: object = None) -> Finish:
        """The event.

        Args:
            raw: The vendor's own word.
            said: What the vendor says about it, or None.
        """
        quoted = f' (it says: "{sanitize_line(" ".join(word(said).split()))}")' if said else ""
        what, colon, advice = self.note.partition(": ")
        return Finish(self.reason, word(raw), f"{what}{quoted}{colon}{advice}", whole=self.whole)


STOPPED = Ending("stop")
CALLED = Ending("tool_calls")
LIMITED = Ending(
    "length", "the reply ends at the token limit: raise --max-tokens, or ask for the rest"
)
CONTEXT_FULL = Ending(
    "length",
    "the model's context is full: leave out what is oldest (--context trim), or shorten the prompt",
)
FILTERED = Ending(
    "content_filter",
    "stopped the reply with its content filter: ask in other words, or choose another model; "
    "later turns leave this one out",
    whole=False,
)
DECLINED = Ending(
    "content_filter",
    "the model declined to answer: ask in other words; later turns leave this one out",
)
REFUSED = Ending(
    "content_filter",
    "refused to go on: ask in other words, or choose another model; later turns leave this one out",
    whole=False,
)
FAILED = Ending("error", "broke the reply off: try again", whole=False)
PAUSED = Ending(
    "error", 'paused the reply before its end: go on with hfs chat -c "Go on"', whole=False
)
# The same, where the next request can go on with what the vendor gave.
RESUMABLE = PAUSED._replace(reason="paused", whole=True)


def finish_of(raw: object, endings: Mapping[str, Ending], said: object = None) -> Finish:
    """A vendor's finish reason as the event; one that no table has is reported, not guessed.

    Args:
        raw: The vendor's own word.
        endings: What the format's words mean.
        said: What the vendor says about it, or None.
    """
    named = word(raw)
    unknown = f'hfs does not know why the reply ended ("{named}"): see whether it is whole'
    return endings.get(named, Ending("unknown", unknown)).finish(raw, said)


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


# Endings after which a vendor's state is whole.
_GOES_ON = frozenset({"stop", "tool_calls", "paused"})
_THINK = "<think>"
_END_OF_THINK = "</think>"


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

    def kept(self) -> Mapping[str, Any] | None:
        """What the vendor wants back with the reply, now that it has ended; see `State`."""
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


class ReplyDecoder:
    """Decodes one reply; what goes wrong is kept until the events before it are handed on.

    Args:
        framer: Cuts the body into events.
        events: Reads the events.
        think_tags: Whether thoughts may stand in the text, between tags.

    Attributes:
        fault: What went wrong, or None.
        framer_of_events: Whether the body is an event stream, and not lines of JSON.
        odd_counts: Whether the vendor sent token counts that are not numbers.
    """

    def __init__(self, framer: Framer, events: EventDecoder, *, think_tags: bool = False) -> None:
        self._framer = framer
        self._events = events
        self._thinking = ThinkTags() if think_tags else None
        self.fault: HfsError | None = None
        self.framer_of_events = isinstance(framer, SseDecoder)
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
        """The last event, now that the body has ended; a reply that was cut has a fault then.

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
        state = self._events.kept() if finish.reason in _GOES_ON else None
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
        self.odd_counts = self.odd_counts or batch.odd
        return self._thinking.split(batch.take()) if self._thinking else batch.take()


class VendorCutError(ProviderError):
    """The vendor's finish reason says that the reply is incomplete.

    The message is the rest of a sentence that begins with the vendor's name.
    """


def reported(error: object) -> ProviderError:
    """The failure for an error that a vendor reports in the middle of a reply.

    Args:
        error: What it sent, of any shape.
    """
    from hfs_cli.providers.formats.vendor_words import says_too_long, vendor_message

    said = vendor_message(error)
    if says_too_long(said):
        return TooLongError(said)
    return ProviderError(said)


def malformed(what: str, cause: BaseException | None = None) -> IncompleteReplyError:
    """The error for a reply that stopped making sense."""
    error = IncompleteReplyError(f"the reply is malformed: {what}")
    error.__cause__ = cause
    return error


def parse(data: str) -> dict[str, Any]:
    """Read one event's JSON object.

    Raises:
        IncompleteReplyError: It is not one.
    """
    try:
        # As json.loads, without its detours: this runs once for each token. They are taken
        # where the text does not begin or end with its object.
        value, end = _scan(data) if data[0] == "{" else (None, 0)
        if end != len(data):
            value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise malformed(f"an event is not JSON ({str(error)[:100]})", error) from error
    if not isinstance(value, dict):
        raise malformed("an event is not a JSON object")
    return value
