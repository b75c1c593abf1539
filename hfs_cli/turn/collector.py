"""Put a reply together from its events, in bounded memory."""

import time
from collections.abc import Sequence
from threading import Lock

from hfs_cli.errors import IncompleteReplyError
from hfs_cli.messages import Citation, Delta, Event, Finish, Reasoning, Reply, ToolCall, Usage

# Many small strings cost ten times their text; they are joined before they are that many.
_COMPACT_AT = 4096
# No model writes this much: a stream that does has run away.
MAX_REPLY_CHARS = 100_000_000
_MOST_TOOLS = 100
_MOST_SOURCES = 200


class _Text:
    """A growing text: one thread appends, another may read it to save it."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._recent = 0
        self._taken_pieces = 0
        self._lock = Lock()
        self.size = 0
        self.taken = 0

    def add(self, piece: str) -> None:
        with self._lock:
            self._pieces.append(piece)
            self._recent += 1
            self.size += len(piece)
            if self._recent >= _COMPACT_AT:
                self._pieces[-self._recent :] = ["".join(self._pieces[-self._recent :])]
                self._recent = 0

    def take(self) -> str:
        """What was added since the last time."""
        with self._lock:
            new = "".join(self._pieces[self._taken_pieces :])
            # The pieces give way to what they made: a long reply is in memory once.
            self._pieces[self._taken_pieces :] = [new]
            self._settle()
            return new

    def __str__(self) -> str:
        with self._lock:
            self._pieces = ["".join(self._pieces)]
            self._settle()
            return self._pieces[0]

    def _settle(self) -> None:
        self._taken_pieces = len(self._pieces)
        self._recent = 0
        self.taken = self.size


class Collector:
    """The reply so far.

    Args:
        model: ``provider/id``, kept with the reply.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._text = _Text()
        self._reasoning = _Text()
        self._usage: Usage | None = None
        self._finish: Finish | None = None
        self._tools: list[str] = []
        self._sources: dict[tuple[str, str], Citation] = {}
        self._began = time.monotonic()
        self._first: float | None = None

    @property
    def size(self) -> int:
        """Characters of text and reasoning so far."""
        return self._text.size + self._reasoning.size

    @property
    def untaken(self) -> int:
        """Characters that no `piece` has carried yet."""
        return self.size - self._text.taken - self._reasoning.taken

    @property
    def started(self) -> bool:
        """Whether any text or reasoning has come."""
        return self.size > 0

    def add(self, batch: Sequence[Event]) -> tuple[str, str]:
        """Take in the events of one network read.

        Returns:
            The text and the reasoning that they carried.

        Raises:
            IncompleteReplyError: The reply has passed all bounds.
        """
        if self.size > MAX_REPLY_CHARS:
            raise IncompleteReplyError(f"the reply passed {MAX_REPLY_CHARS:,} characters")
        text: list[str] = []
        reasoning: list[str] = []
        for event in batch:
            match event:
                case Delta(piece):
                    text.append(piece)
                case Reasoning(piece):
                    reasoning.append(piece)
                case _:
                    self._note(event)
        joined = "".join(text), "".join(reasoning)
        if self._first is None and any(joined):
            self._first = time.monotonic() - self._began
        for store, piece in zip((self._text, self._reasoning), joined, strict=True):
            if piece:
                store.add(piece)
        return joined

    def _note(self, event: Event) -> None:
        match event:
            case ToolCall(name=name):
                if name and len(self._tools) < _MOST_TOOLS:
                    self._tools.append(name)
            case Citation(url=url, title=title):
                # A source that is named for several passages is one source.
                if len(self._sources) < _MOST_SOURCES:
                    self._sources.setdefault((url, "" if url else title), event)
            case Usage():
                self._usage = event
            case Finish():
                self._finish = event

    def piece(self) -> Reply:
        """The reply as it stands, with only what came since the last time as its text."""
        return self._reply(self._text.take(), self._reasoning.take())

    def reply(self, error: str | None = None, *, complete: bool = False) -> Reply:
        """The reply as it stands.

        Args:
            error: Why it ends here, if it was cut short.
            complete: Whether the provider has sent all of it.
        """
        whole = self._reply(str(self._text), str(self._reasoning))
        return whole._replace(status="complete" if complete else "partial", error=error)

    def _reply(self, text: str, reasoning: str) -> Reply:
        return Reply(
            text=text,
            model=self._model,
            status="partial",
            reasoning=reasoning,
            finish_reason=self._finish.reason if self._finish else None,
            finish_raw=self._finish.raw if self._finish else None,
            note=self._finish.note if self._finish else "",
            usage=self._usage,
            first_token_s=self._first,
            total_s=time.monotonic() - self._began,
            tool_calls=tuple(self._tools),
            citations=tuple(self._sources.values()),
        )
