"""Frozen values that every layer speaks: messages, stream events, sessions, outcomes.

Every turn loads this module, and defining a named tuple takes a seventh of the time of a frozen
dataclass. A long reply makes hundreds of thousands of events: these are plain classes with slots,
whose instances are made in half the time of a named tuple.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from hfs_cli.errors import HfsError

Role = Literal["system", "user", "assistant", "tool"]
Status = Literal["complete", "partial"]
Origin = Literal["chat", "fork", "rewind", "undo", "retry", "import"]
FinishReason = Literal[
    "stop", "length", "content_filter", "tool_calls", "paused", "error", "unknown"
]


class Attachment(NamedTuple):
    """A file that travels with a user message.

    Args:
        name: The file's own name, for people; never a path.
        media_type: What its bytes are (``image/png``), recognised by looking at them.
        data: The bytes; empty when `url` is given.
        url: Where the provider itself fetches it, or None.
    """

    name: str
    media_type: str
    data: bytes = b""
    url: str | None = None


class Call(NamedTuple):
    """A call of a tool that a model asked for, with its result.

    Args:
        id: The vendor's id of the call; empty if the vendor gives none.
        name: The tool's name as the model knows it, ``SERVER__TOOL`` for one of a server.
        arguments: JSON text as the model gave it; it need not be an object, nor valid JSON.
        result: What the tool said; None if it was not run, or broke off.
        failed: Whether the result is an error.
        extra: What an imported call held that has no place here, or None. What a vendor wants back
            with a call is in the reply's `state`.
        started_at: When it began to run, UTC; None if it never did.
        ended_at: When its result came, UTC, or None.
    """

    id: str
    name: str
    arguments: str = ""
    result: str | None = None
    failed: bool = False
    extra: Mapping[str, object] | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def label(self) -> str:
        """The tool's name as people write it: ``SERVER:TOOL``."""
        return self.name.replace("__", ":", 1)

    @property
    def interrupted(self) -> bool:
        """Whether it began and left no result, so that nobody knows what it did."""
        return self.started_at is not None and self.result is None


class KeptState(NamedTuple):
    """What a vendor wants back with a reply and only it can read, such as encrypted reasoning.

    Args:
        provider: The provider that made it; no other is sent it.
        items: Objects as the vendor gave them, in order.
    """

    provider: str
    items: tuple[Mapping[str, object], ...]


class ToolSpec(NamedTuple):
    """A tool as it is described to a model.

    Args:
        name: 1 to 64 letters, digits, ``_`` and ``-``, which every vendor takes.
        description: What it does, for the model.
        parameters: A JSON Schema of its arguments.
    """

    name: str
    description: str
    parameters: Mapping[str, object]


class ChatMessage(NamedTuple):
    """One message as it is sent to a provider.

    Args:
        calls: The tools that an assistant's message asked for, each with its result. A wire format
            turns them into the message that asks and those that answer. A call that broke off is
            answered with an error that says so, because no vendor takes a call without a result.
        state: What the vendor gave with it, for when `KeptState.provider` is asked again.
    """

    role: Role
    content: str
    attachments: tuple[Attachment, ...] = ()
    calls: tuple[Call, ...] = ()
    state: KeptState | None = None


class Request(NamedTuple):
    """All that a provider needs for one reply.

    Args:
        model: The vendor's own model id, without the provider's name.
        messages: User and assistant messages, oldest first; the last is the prompt, or the calls
            that the model asked for with their results, or a paused reply for it to continue.
        system: The system prompt, or None.
        options: Sampling options by their common names (``temperature``, ``top_p``,
            ``max_tokens``, ``stop``, ``seed``); other names pass through.
        schema: A JSON Schema that the reply must fit, or None.
        tools: The tools that the model may ask for.
        tool_choice: The name of the one that it must ask for, or None to let it choose.
        provider: The provider that is asked; the `KeptState` of another is left out.
        search: Whether the vendor's own web search may be used.
        code: Whether the vendor may run code that the model writes, on machines of its own.
        cache: None if nothing need be cached; otherwise a text, perhaps empty, that all requests of
            a conversation share: a vendor finds by it what it has read before.
    """

    model: str
    messages: tuple[ChatMessage, ...]
    system: str | None = None
    options: Mapping[str, object] = MappingProxyType({})
    schema: Mapping[str, object] | None = None
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str | None = None
    provider: str = ""
    search: bool = False
    code: bool = False
    cache: str | None = None


# --- stream events: what a provider yields -------------------------------------------


class _Event:
    """An event, equal only to one of the same class with the same values.

    Named tuples would not do: ``Delta("x")`` would equal ``Reasoning("x")``.
    """

    __slots__: tuple[str, ...] = ()

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Event) and (
            (type(self), self._values()) == (type(other), other._values())
        )

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._values()))})"


class Delta(_Event):
    """A piece of the reply's text."""

    __slots__ = __match_args__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text: Final = text


class Reasoning(_Event):
    """A piece of the model's reasoning, apart from the reply."""

    __slots__ = __match_args__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text: Final = text


class ToolCall(_Event):
    """A call of a tool that the model asks for, or a piece of one.

    A piece with a name begins a call, unless the call of this `index` has the same `id`. A piece
    without a name continues the call of its `index`, or the last one that began.

    Args:
        name: The tool's name; empty on the later pieces of a call.
        arguments: JSON text, or a piece of it.
        id: The vendor's id of the call; empty on later pieces, and if the vendor gives none.
        index: Which call of the reply it belongs to, or None if the vendor does not say.
    """

    __slots__ = __match_args__ = ("name", "arguments", "id", "index")

    def __init__(
        self,
        name: str,
        arguments: str = "",
        id: str = "",  # noqa: A002 - the field's own word
        index: int | None = None,
    ) -> None:
        self.name: Final = name
        self.arguments: Final = arguments
        self.id: Final = id
        self.index: Final = index


class State(_Event):
    """What the vendor wants back with this reply when the conversation goes on.

    Args:
        items: Objects as it gave them, in order; those of a later event follow them.
    """

    __slots__ = __match_args__ = ("items",)

    def __init__(self, items: Iterable[Mapping[str, object]]) -> None:
        self.items: Final = tuple(items)


class Fallback(_Event):
    """From here on another model answers than the one that was asked.

    Args:
        model: ``provider/id``; it is kept as the reply's model.
    """

    __slots__ = __match_args__ = ("model",)

    def __init__(self, model: str) -> None:
        self.model: Final = model


class FromDatabase(_Event):
    """What follows is a kept reply: no model is asked, and it costs nothing."""

    __slots__ = __match_args__ = ()


class Finish(_Event):
    """The provider's word that the reply has ended.

    Args:
        reason: The reason in the common vocabulary.
        raw: The vendor's own word for it.
        note: What the user should know about it, in one line; empty if all is well.
        whole: Whether the reply is complete. If the vendor cut it off, it is not, and the note
            continues a sentence that begins with the vendor's name ("stopped the reply, …").
    """

    __slots__ = __match_args__ = ("reason", "raw", "note", "whole")

    def __init__(
        self, reason: FinishReason, raw: str, note: str = "", *, whole: bool = True
    ) -> None:
        self.reason: Final = reason
        self.raw: Final = raw
        self.note: Final = note
        self.whole: Final = whole


class Usage(NamedTuple):
    """Token counts of a turn; None where the provider did not say. An event, and kept.

    Args:
        input_tokens: All tokens of the prompt, cached ones included.
        output_tokens: All tokens of the reply, reasoning included.
        cached_tokens: The part of the input that was read from a cache.
        reasoning_tokens: The part of the output that was reasoning.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


def added(*usages: Usage | None) -> Usage | None:
    """The sum of the token counts of several requests; what no provider counted stays None."""
    counted = [usage for usage in usages if usage is not None]
    if len(counted) < 2:
        return counted[0] if counted else None
    sums = ((n for n in column if n is not None) for column in zip(*counted, strict=True))
    return Usage(*(sum(known) if (known := [*column]) else None for column in sums))


class Citation(NamedTuple):
    """A source that a reply names. An event, and kept.

    Args:
        url: Where it is; empty for a document that was sent along.
        title: Its title; empty if the vendor gave none.
        quote: The source's own words, if the vendor gave them.
        start: Where the passage of the reply that it supports begins, in characters, or None.
        end: Where that passage ends, or None.
    """

    url: str
    title: str = ""
    quote: str = ""
    start: int | None = None
    end: int | None = None


Event = Delta | Reasoning | ToolCall | State | Usage | Finish | Citation | Fallback | FromDatabase


# --- what is kept ---------------------------------------------------------------------


class Session(NamedTuple):
    """One conversation, as lists show it.

    Args:
        id: The number users type.
        uid: A stable identifier that survives export and import (32 hex digits).
        name: Unique among the sessions of its owner.
        model: ``provider/id`` of the last reply, or of the first question if there is none yet.
        messages: How many messages its transcript holds.
        created_at: UTC.
        updated_at: When it was last used, UTC.
        last_status: Status of the last message, or None when there is none.
        parent_id: The session this one was forked from, or None.
        fork_position: How many of the parent's messages it shares.
        origin: How it came to be.
        listed: False for a tail that was set aside and has not been used since, and for a
            session that never had a reply.
        owner: Whose it is, in a database on a server; empty in a file.
    """

    id: int
    uid: str
    name: str
    model: str | None
    messages: int
    created_at: datetime
    updated_at: datetime
    last_status: Status | None = None
    parent_id: int | None = None
    fork_position: int | None = None
    origin: Origin = "chat"
    listed: bool = True
    owner: str = ""

    @property
    def label(self) -> str:
        """How notices name it: ``session 12 · its name``."""
        return f"session {self.id} · {self.name}"

    @property
    def unanswered(self) -> bool:
        """Whether each of its questions was refused, or broke off before the first byte."""
        return not self.listed and self.origin == "chat"


class Message(NamedTuple):
    """One message of a transcript.

    Args:
        id: Its number in the database.
        position: Its place in the transcript, from 1.
        reply_to: For a reply, the id of the user message that it answers; for a later step of a
            turn with tools, the id of the step before it.
        error: Why the message is partial, or None.
        finish_raw: The vendor's own word for the finish reason.
        tool_calls: The tools that the model asked for, with their results.
        citations: The sources that a reply names.
        step: Which request of its turn it answers, from 0.
        state: What the vendor wants back with it, or None.
        extra: What an imported message held that has no place here, or None.
        stands_for: For a summary, how many messages from the beginning of the transcript it
            replaces in what a model is sent. It answers no question.
    """

    id: int
    position: int
    role: Role
    content: str
    created_at: datetime
    status: Status = "complete"
    reasoning: str = ""
    finish_reason: str | None = None
    model: str | None = None
    usage: Usage | None = None
    reply_to: int | None = None
    error: str | None = None
    first_token_s: float | None = None
    total_s: float | None = None
    attachments: tuple[Attachment, ...] = ()
    finish_raw: str | None = None
    tool_calls: tuple[Call, ...] = ()
    citations: tuple[Citation, ...] = ()
    step: int = 0
    state: KeptState | None = None
    extra: Mapping[str, object] | None = None
    stands_for: int | None = None


def answers(
    messages: Iterable[Message], counts: Callable[[Message], bool] = lambda _: True
) -> dict[int, Message]:
    """The reply to each question, by the question's id; of several replies the last.

    Turns that overlapped are interleaved in a transcript, so a reply says what it answers; one that
    came from another program answers the question before it. A later step of a turn answers what
    the step before it answered.

    Args:
        messages: A transcript, oldest first.
        counts: Whether a reply counts; others are ignored.
    """
    replies: dict[int, Message] = {}
    asked: dict[int, int] = {}
    last_question = None
    for message in messages:
        if message.role == "user":
            last_question = message.id
        elif message.role == "assistant" and message.stands_for is None:
            before = message.reply_to or last_question
            if before is not None:
                answered = asked.get(before, before)
                asked[message.id] = answered
                if counts(message):
                    replies[answered] = message
    return replies


class Place(NamedTuple):
    """Where a turn goes; without any of these, a new session with an automatic name.

    Args:
        session_id: The session to continue.
        name: The name of the new session.
        or_existing: With `name`: continue the session of that name if there is one.
        at: With `session_id`: how many of its messages to keep; those after them are set aside as
            a branch. None keeps all.
        answers: With `session_id`: the id of a user message to answer again, instead of keeping a
            new one; the turn's prompt repeats it.
    """

    session_id: int | None = None
    name: str | None = None
    or_existing: bool = False
    at: int | None = None
    answers: int | None = None


class Turn(NamedTuple):
    """All that is asked of a turn, before anything is kept or sent.

    Args:
        prompt: The user message.
        model: ``provider/id``.
        options: Sampling options, as in `Request`.
        schema: A JSON Schema that the reply must fit, or None.
        system: The system prompt; None keeps the session's own.
        no_system: Whether to send no system prompt this time, and store none.
        place: Where it goes.
        tool_choice: The tool that the model must ask for first, or None to let it choose.
        search: Whether the vendor's own web search may be used.
        code: Whether the vendor may run code that the model writes, on machines of its own.
        cache: Whether the vendor is asked to keep the conversation for the next turn.
    """

    prompt: ChatMessage
    model: str
    options: Mapping[str, object] = MappingProxyType({})
    schema: Mapping[str, object] | None = None
    system: str | None = None
    no_system: bool = False
    place: Place = Place()
    tool_choice: str | None = None
    search: bool = False
    code: bool = False
    cache: bool = False


class Opened(NamedTuple):
    """A turn whose user message is kept.

    Args:
        session: The session, or None when nothing is saved.
        user_message_id: The id of the message to be answered, or None when nothing is saved.
        messages: The context: answered turns, oldest first, then the prompt.
        system: The system prompt in force, or None.
    """

    session: Session | None
    user_message_id: int | None
    messages: tuple[ChatMessage, ...]
    system: str | None


class Reply(NamedTuple):
    """An assistant message, as far as it has arrived.

    Args:
        first_token_s: Seconds from the request to the first text or reasoning.
        total_s: Seconds from the request to now.
        error: Why it is partial, or None.
        tool_calls: The tools that the model asked for, with their results.
        note: What the user should know about its end, in one line; usually empty.
        citations: The sources that it names, each once, in order of arrival.
        step: Which request of its turn it answers, from 0.
        state: What the vendor wants back with it, or None.
        cached: Whether it is a kept reply, for which no model was asked.
    """

    text: str
    model: str
    status: Status = "partial"
    reasoning: str = ""
    finish_reason: FinishReason | None = None
    finish_raw: str | None = None
    usage: Usage | None = None
    error: str | None = None
    first_token_s: float | None = None
    total_s: float | None = None
    tool_calls: tuple[Call, ...] = ()
    note: str = ""
    citations: tuple[Citation, ...] = ()
    step: int = 0
    state: KeptState | None = None
    cached: bool = False


class Outcome(NamedTuple):
    """How a turn ended.

    Args:
        session: The session, or None when nothing was saved.
        message_id: The id of the reply, or of the last step that was kept; None if none was.
        reply: The reply as far as it arrived: that of the last step.
        error: What went wrong, or None; the program ends with its exit code.
        before: The steps before the last, each with the calls that it asked for.
        tools_s: Seconds that tools took.
    """

    session: Session | None
    message_id: int | None
    reply: Reply
    error: HfsError | None = None
    before: tuple[Reply, ...] = ()
    tools_s: float = 0.0

    @property
    def steps(self) -> tuple[Reply, ...]:
        """The reply to each request of the turn, in order."""
        return (*self.before, self.reply)

    @property
    def usage(self) -> Usage | None:
        """The token counts of all its requests together."""
        return added(*(step.usage for step in self.steps))
