"""Put a reply together from its events, in bounded memory."""

import time
from collections.abc import Iterator, Mapping, Sequence
from threading import Lock

from hfs_cli.errors import IncompleteReplyError
from hfs_cli.messages import (
    Call,
    ChatMessage,
    Citation,
    Delta,
    Event,
    Fallback,
    Finish,
    FromDatabase,
    KeptState,
    Reasoning,
    Reply,
    State,
    ToolCall,
    Usage,
    added,
)

# Many small strings take ten times the memory of their text: they are joined at this number.
_COMPACT_AT = 4096
# No model writes this much: such a stream has run away.
MAX_REPLY_CHARS = 100_000_000
_MOST_CALLS = 100
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
            # The joined text replaces its pieces: a long reply is in memory once.
            self._pieces[self._taken_pieces :] = [new]
            self._settle()
            return new

    def __str__(self) -> str:
        with self._lock:
            self._pieces = ["".join(self._pieces)]
            self._settle()
            return self._pieces[0]

    def so_far(self) -> str:
        """All of it, without taking anything from what `take` will return."""
        with self._lock:
            return "".join(self._pieces)

    def _settle(self) -> None:
        self._taken_pieces = len(self._pieces)
        self._recent = 0
        self.taken = self.size


class _Calls:
    """The calls that a reply asks for, put together from their pieces."""

    def __init__(self) -> None:
        self._started: list[tuple[ToolCall, list[str]]] = []
        self._at: dict[int, int] = {}
        self.size = 0

    def add(self, piece: ToolCall) -> None:
        """Begin a call with each name, except where a piece repeats the name of its call."""
        place = len(self._started) - 1 if piece.index is None else self._at.get(piece.index, -1)
        again = place >= 0 and piece.id != "" and piece.id == self._started[place][0].id
        if piece.name and not again:
            if piece.index is not None:
                self._at[piece.index] = len(self._started)
            self._started.append((piece, [piece.arguments]))
        elif place >= 0:
            self._started[place][1].append(piece.arguments)
        self.size += len(piece.name) + len(piece.id) + len(piece.arguments)

    def __iter__(self) -> Iterator[Call]:
        for first, arguments in self._started[:_MOST_CALLS]:
            yield Call(first.id, first.name, "".join(arguments))


class Collector:
    """The reply so far.

    Args:
        model: ``provider/id``, kept with the reply.
        step: Which request of its turn it answers.
    """

    def __init__(self, model: str, step: int = 0) -> None:
        self._model = model
        self._step = step
        self._text = _Text()
        self._reasoning = _Text()
        self._usage: Usage | None = None
        self._spent: Usage | None = None
        self._finish: Finish | None = None
        self._calls = _Calls()
        self._state: list[Mapping[str, object]] = []
        self._sealed = 0
        self._sources: dict[tuple[str, str], Citation] = {}
        self._cached = False
        self._began = time.monotonic()
        self._first: float | None = None

    @property
    def size(self) -> int:
        """Characters of text and reasoning so far."""
        return self._text.size + self._reasoning.size

    @property
    def untaken(self) -> int:
        """Characters that no `piece` has returned yet."""
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
        if self.size + self._calls.size + self._sealed > MAX_REPLY_CHARS:
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
            case ToolCall():
                self._calls.add(event)
            case State(items):
                self._state += items
                self._sealed += len(repr(items))
            case Citation(url=url, title=title):
                # Several passages may rest on one source.
                if len(self._sources) < _MOST_SOURCES:
                    self._sources.setdefault((url, "" if url else title), event)
            case Usage():
                self._usage = event
            case Finish():
                self._finish = event
            case Fallback(model):
                self._model = model
            case FromDatabase():
                self._cached = True

    @property
    def paused(self) -> bool:
        """Whether the vendor stopped in the middle, and goes on when it is asked again."""
        return self._finish is not None and self._finish.reason == "paused"

    def go_on(self) -> ChatMessage:
        """The reply so far, for the vendor to continue; what comes next is added to it."""
        self._spent, self._usage = added(self._spent, self._usage), None
        self._finish = None
        return ChatMessage("assistant", self._text.so_far(), state=self._kept_state())

    def piece(self) -> Reply:
        """The reply as it stands, except that its text is only what came since the last call."""
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
            usage=added(self._spent, self._usage),
            first_token_s=self._first,
            total_s=time.monotonic() - self._began,
            tool_calls=tuple(self._calls),
            citations=tuple(self._sources.values()),
            step=self._step,
            state=self._kept_state(),
            cached=self._cached,
        )

    def _kept_state(self) -> KeptState | None:
        if not self._state:
            return None
        return KeptState(self._model.partition("/")[0], tuple(self._state))
