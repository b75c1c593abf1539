"""Keep a conversation within its model's context: count it, and shorten what is oldest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hfs_cli import notices
from hfs_cli.compose.tokens import estimated_tokens, tokens_of
from hfs_cli.errors import (
    CredentialsError,
    HfsError,
    NetworkError,
    NotFoundError,
    TooLongError,
    UnavailableError,
)
from hfs_cli.messages import ChatMessage, Event, Message, Request

if TYPE_CHECKING:
    from hfs_cli.compose.compact import Past
    from hfs_cli.config import ModelConfig
    from hfs_cli.providers.choose import ModelChoice
    from hfs_cli.turn.run import Provider

# What is left for the reply where nobody says how long it may be, but at most a quarter of all.
_REPLY_TOKENS = 4096
# Of what there is room for, what the newest turns may have that stay beside a summary.
KEPT = 0.25
# A vendor's count says little about the estimate where there was little to count: each message
# has a few tokens of its own.
_LEAST_COUNTED = 200
# Between what no tokenizer stays below and what none exceeds, so that one odd count of a vendor
# cannot empty a conversation.
_LEAST_FACTOR, _MOST_FACTOR = 0.5, 4.0


class Measure(NamedTuple):
    """How a request is held against what its model takes.

    Args:
        window: How many tokens the model takes in and gives, together; None where nobody knows.
        room: How many of them a request may have.
        factor: How many tokens the vendor counts for one that is estimated.
    """

    window: int | None
    room: int | None
    factor: float = 1.0

    def tokens(self, request: Request) -> int:
        """About how many tokens the vendor will count."""
        return round(estimated_tokens(request) * self.factor)


def measure(
    choice: ModelChoice,
    options: Mapping[str, object],
    models: Mapping[str, ModelConfig],
    history: Sequence[Message] = (),
) -> Measure:
    """How requests to a model are to be measured.

    Args:
        choice: The model.
        options: What it is asked with: ``max_tokens`` is room for the reply.
        models: What the configuration says of models.
        history: The transcript of the session that goes on.
    """
    window = _window(choice, options, models)
    room = None
    if window is not None:
        limit = options.get("max_tokens")
        reply = limit if isinstance(limit, int) else min(_REPLY_TOKENS, window // 4)
        room = max(window - reply, window // 4)
    return Measure(window, room, _factor(history, choice.full_name, room))


def _window(
    choice: ModelChoice, options: Mapping[str, object], models: Mapping[str, ModelConfig]
) -> int | None:
    """How many tokens a model takes: as configured, as its server is told, or as is known."""
    configured = models.get(choice.full_name)
    if configured and configured.context:
        return configured.context
    told = options.get("n_ctx" if choice.provider.type == "local" else "num_ctx")
    if isinstance(told, int):
        return told
    if choice.provider.type == "local":
        from hfs_cli.providers.embedded.server import CONTEXT_TOKENS

        return CONTEXT_TOKENS
    import math

    from hfs_cli.known_models import known_model
    from hfs_cli.providers.listed import listed

    for model in listed(choice.provider, math.inf) or ():
        if model.id == choice.model and model.context:
            return model.context
    known = known_model(choice.full_name)
    return known.context if known else None


def _factor(history: Sequence[Message], model: str, room: int | None) -> float:
    """The vendor's count of the last turn of a session divided by the estimate for it.

    Turns that must have been shortened on their way tell nothing, nor do other models'.
    """
    from hfs_cli.store.messages import answered_turns

    factor, sent = 1.0, 0
    for turn in answered_turns(history):
        asked, *said = turn.sent
        sent += tokens_of([asked])
        first = turn.steps[0] if turn.steps else None
        counted = first.usage.input_tokens if first and first.usage else None
        whole = room is None or sent * factor <= room
        if first and counted and first.model == model and sent >= _LEAST_COUNTED and whole:
            factor = min(max(counted / sent, _LEAST_FACTOR), _MOST_FACTOR)
        sent += tokens_of(said)
    return factor


def split_turns(messages: Sequence[ChatMessage]) -> list[tuple[ChatMessage, ...]]:
    """The messages of a request by turn: each a question with all that followed from it."""
    turns: list[list[ChatMessage]] = []
    for message in messages:
        if message.role == "user" or not turns:
            turns.append([])
        turns[-1].append(message)
    return [tuple(turn) for turn in turns]


def shortened(request: Request, within: Measure) -> tuple[Request, int]:
    """A request without its oldest turns, so that it has no more tokens than there is room.

    The newest question always stays, with what its turn has brought so far; so a call is never
    parted from its result, nor a question from its reply.

    Returns:
        The request, which may still be too long, and how many turns were left out.
    """
    if within.room is None:
        return request, 0
    over: float = within.tokens(request) - within.room
    from hfs_cli.store.messages import ASKED_FOR_SUMMARY

    turns = split_turns(request.messages)
    # A summary stands for more than a turn; it stays, with the newest question.
    kept = turns[:1] if len(turns) > 1 and turns[0][0].content == ASKED_FOR_SUMMARY else []
    turns = turns[len(kept) :]
    left_out = 0
    while over > 0 and left_out < len(turns) - 1:
        over -= tokens_of(turns[left_out]) * within.factor
        left_out += 1
    if not left_out:
        return request, 0
    rest = tuple(message for turn in (*kept, *turns[left_out:]) for message in turn)
    return request._replace(messages=rest), left_out


class FittingProvider:
    """A provider that is sent what fits: what is oldest is summarised, or left out.

    Where the vendor refuses a request for its length before the first byte, it is asked once
    more with half of it.

    Args:
        inner: Who is asked.
        within: How much fits.
        notify: Told what became of the oldest turns, one line each time that it is more.
        model: ``provider/id``; it writes the summaries.
        options: What the model is configured with.
        past: What the session held before the turn, to be summarised; None where the oldest
            turns are to be left out.
    """

    def __init__(
        self,
        inner: Provider,
        within: Measure,
        notify: Callable[[str], None],
        *,
        model: str = "",
        options: Mapping[str, object] | None = None,
        past: Past | None = None,
    ) -> None:
        self.inner = inner
        self._within = within
        self._notify = notify
        self._model = model
        self._options = options or {}
        self._past = past
        self._gave_up = past is None
        self._left_out = 0

    def prepare(self, prompt: ChatMessage) -> None:
        """See `hfs_cli.turn.run.Provider`."""
        self.inner.prepare(prompt)

    def preview(self, request: Request) -> Mapping[str, object]:
        """What would be sent; of what would be summarised, all that the summary is made of.

        See `hfs_cli.turn.run.Provider`.
        """
        fitted = request if self._past is not None else shortened(request, self._within)[0]
        return self.inner.preview(fitted)

    def stream(self, request: Request) -> Iterator[Sequence[Event]]:
        """Send what fits; see `hfs_cli.turn.run.Provider`.

        Raises:
            TooLongError: The vendor takes not even half of it, or the question alone is too long.
        """
        sent = self._fitted(request)
        rest = iter(self.inner.stream(sent))
        try:
            first = next(rest, ())
        except TooLongError as error:
            # The later steps of the turn must not be refused first too.
            self._within = self._within._replace(room=self._within.tokens(sent) // 2)
            shorter = self._fitted(request)
            if len(shorter.messages) == len(sent.messages):
                advice = "the question alone is too long: shorten it, or choose another model (-m)"
                raise TooLongError(error.what, advice) from error
            rest = iter(self.inner.stream(shorter))
            first = next(rest, ())
        yield first
        yield from rest

    def close(self) -> None:
        """See `hfs_cli.turn.run.Provider`."""
        self.inner.close()

    def _fitted(self, request: Request) -> Request:
        """The request as it is sent; what had to be summarised or left out is told."""
        if self._past is not None:
            if not self._gave_up and is_too_long(self._past.in_place(request), self._within):
                self._summarise(self._past, request)
            request = self._past.in_place(request)
        fitted, left_out = shortened(request, self._within)
        if left_out > self._left_out:
            self._left_out = left_out
            self._notify(f"{the_oldest(left_out)} left out: the context is full")
        return fitted

    def _summarise(self, past: Past, request: Request) -> None:
        """Have the oldest turns summarised, once for all requests of the turn if it fails.

        Raises:
            HfsError: The model cannot be asked at all now.
        """
        from hfs_cli.compose.compact import Asking

        room = self._within.room
        if room is None or not past.is_of(request):
            return
        asking = Asking(self.inner, self._model, self._options, self._within)
        try:
            done = past.compact(asking, keep=room * KEPT)
        except (NetworkError, UnavailableError, CredentialsError, NotFoundError):
            raise  # which the turn itself would end with
        except HfsError as error:
            self._gave_up = True
            notices.warn(f"not summarised, so the oldest turns are left out: {error.what}")
        else:
            if done:
                self._notify(f"{the_oldest(done)} summarised: the context was full")


def is_too_long(request: Request, within: Measure) -> bool:
    """Whether a request has more tokens than there is room."""
    return within.room is not None and within.tokens(request) > within.room


def the_oldest(turns: int) -> str:
    """``the oldest turn``, ``the oldest 3 turns``."""
    return "the oldest turn" if turns == 1 else f"the oldest {turns} turns"
