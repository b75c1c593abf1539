"""What all decoders build on: checked events, endings, and the JSON of one event. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from hfs_cli.errors import IncompleteReplyError, ProviderError, TooLongError
from hfs_cli.messages import (
    Citation,
    Delta,
    Event,
    Finish,
    FinishReason,
    Reasoning,
    ToolCall,
    Usage,
)
from hfs_cli.sanitize import sanitize_line

_scan = json.JSONDecoder().raw_decode
# No reply has this many tokens. A larger number is not a count, and the sum of many counts below
# it fits into any database.
MOST_TOKENS = 10**12
MAX_WORD = 100
# The most characters to keep for a vendor with one reply; pages that it searched take up most.
MOST_STATE = 8_000_000
MAX_QUOTE = 2000
_NOT_TEXT = "something else where text should be"


class Batch:
    """The events of one network read; consecutive pieces of text are joined.

    What a vendor sends is checked here: text must be text, and counts must be counts.

    Attributes:
        odd_counts: Whether a token count was dropped because it is not a number.
    """

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._pieces: list[str] = []
        self._kind: type[Delta | Reasoning] = Delta
        self.odd_counts = False

    def text(self, piece: str) -> None:
        """Add a piece of the reply.

        Raises:
            TypeError: It is not text.
        """
        if not isinstance(piece, str):
            raise TypeError(_NOT_TEXT)
        if self._kind is not Delta:
            self._flush(Delta)
        self._pieces.append(piece)

    def reasoning(self, piece: str) -> None:
        """Add a piece of the reasoning.

        Raises:
            TypeError: It is not text.
        """
        if not isinstance(piece, str):
            raise TypeError(_NOT_TEXT)
        if self._kind is not Reasoning:
            self._flush(Reasoning)
        self._pieces.append(piece)

    def call(
        self,
        name: object,
        arguments: str = "",
        *,
        id: str = "",  # noqa: A002 - the field's own word
        index: int | None = None,
    ) -> None:
        """Add a tool call or a piece of one; see `ToolCall`.

        Raises:
            TypeError: The arguments are not text.
        """
        self._flush(self._kind)
        self._events.append(ToolCall(word(name) if name else "", "" + arguments, id, index))

    def usage(
        self, prompt: object, output: object, cached: object = None, reasoning: object = None
    ) -> None:
        """Add token counts: input, output, cached input, reasoning; None for those not given."""
        self._flush(self._kind)
        self._events.append(Usage(*map(self.count, (prompt, output, cached, reasoning))))

    def cite(self, sources: object) -> None:
        """Add the sources that the reply names; anything else is ignored.

        Args:
            sources: The vendor's list of URLs or of objects. An object has a ``url``, ``uri`` or
                ``source``, a ``title``, ``document_title`` or ``filename``, and perhaps
                ``cited_text``, ``start_index`` and ``end_index``; it may be nested in another.
        """
        for source in sources if isinstance(sources, list) else ():
            found = {"url": source} if isinstance(source, str) else source
            for key in ("url_citation", "web"):  # OpenAI's chat completions, Gemini
                if isinstance(found, dict) and isinstance(found.get(key), dict):
                    found = found[key]
            if isinstance(found, dict) and (citation := _citation(found)):
                self._flush(self._kind)
                self._events.append(citation)

    def count(self, value: object) -> int | None:
        """A number of tokens, or None where the vendor sent none or something else."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS:
            return value
        self.odd_counts = self.odd_counts or value is not None
        return None

    def fields(self, value: object) -> Mapping[str, Any]:
        """An object that holds counts; empty where the vendor sent something else."""
        if isinstance(value, dict):
            return value
        self.odd_counts = self.odd_counts or value is not None
        return {}

    def take(self) -> list[Event]:
        """Return the events so far and empty the batch."""
        self._flush(self._kind)
        events, self._events = self._events, []
        return events

    def _flush(self, kind: type[Delta | Reasoning]) -> None:
        """Make an event of the joined text; further text will be of `kind`."""
        text = "".join(self._pieces)
        self._pieces.clear()
        if text:
            self._events.append(self._kind(text))
        self._kind = kind


def word(value: object, most: int = MAX_WORD) -> str:
    """A vendor's word (a finish reason, a tool's name) as text that can be stored.

    Lone surrogates, which JSON can express and UTF-8 cannot, become U+FFFD.

    Args:
        value: The word; anything but a string is written as JSON.
        most: How many characters to keep.
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
    """What a vendor's finish reason means.

    Args:
        reason: The reason in the common vocabulary.
        note: What happened and, after a colon, what the user can do; see `Finish.note`.
        whole: Whether the reply is complete.
    """

    reason: FinishReason
    note: str = ""
    whole: bool = True

    def finish(self, raw: object, explanation: object = None) -> Finish:
        """The event for this ending.

        Args:
            raw: The vendor's finish reason.
            explanation: What the vendor says about it, or None.
        """
        quoted = ""
        if explanation:
            quoted = f' (it says: "{sanitize_line(" ".join(word(explanation).split()))}")'
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
# The same, where the next request can continue the reply.
RESUMABLE = PAUSED._replace(reason="paused", whole=True)


def finish_of(raw: object, endings: Mapping[str, Ending], explanation: object = None) -> Finish:
    """The event for a vendor's finish reason; an unknown reason is reported, not guessed.

    Args:
        raw: The vendor's finish reason.
        endings: What each finish reason of the format means.
        explanation: What the vendor says about it, or None.
    """
    named = word(raw)
    unknown = f'hfs does not know why the reply ended ("{named}"): check whether it is complete'
    return endings.get(named, Ending("unknown", unknown)).finish(raw, explanation)


def reported(error: object) -> ProviderError:
    """The failure to raise for an error that a vendor reports in the middle of a reply.

    Args:
        error: What the vendor sent, in any shape.
    """
    from hfs_cli.providers.formats.vendor_words import says_too_long, vendor_message

    said = vendor_message(error)
    if says_too_long(said):
        return TooLongError(said)
    return ProviderError(said)


def malformed(what: str, cause: BaseException | None = None) -> IncompleteReplyError:
    """The failure to raise for a reply that makes no sense."""
    error = IncompleteReplyError(f"the reply is malformed: {what}")
    error.__cause__ = cause
    return error


def parse(data: str) -> dict[str, Any]:
    """Parse one event as a JSON object.

    Raises:
        IncompleteReplyError: It is not a JSON object.
    """
    try:
        # This runs once for each token, so it skips what json.loads does around the parsing. Text
        # before or after the object, such as spaces, needs json.loads.
        value, end = _scan(data) if data[0] == "{" else (None, 0)
        if end != len(data):
            value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise malformed(f"an event is not JSON ({str(error)[:100]})", error) from error
    if not isinstance(value, dict):
        raise malformed("an event is not a JSON object")
    return value
