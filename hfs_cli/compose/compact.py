"""Have the model summarise the oldest turns of a session; the summary then stands for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hfs_cli import signals
from hfs_cli.compose.context import the_oldest, tokens_of
from hfs_cli.errors import IncompleteReplyError, ProviderError, TooLongError
from hfs_cli.messages import ChatMessage, Message, Place, Reply, Request
from hfs_cli.store.messages import (
    ASKED_FOR_SUMMARY,
    answered_turns,
    summarised,
    summary_in_force,
    system_in_force,
)
from hfs_cli.store.turns import what_precedes
from hfs_cli.turn.collector import Collector

if TYPE_CHECKING:
    from hfs_cli.compose.context import Measure
    from hfs_cli.store.store import SessionStore
    from hfs_cli.turn.protocols import Provider

_ASKED = ChatMessage("user", ASKED_FOR_SUMMARY)


class Summariser(NamedTuple):
    """A model that writes summaries.

    Args:
        provider: Sends the requests.
        model: ``provider/id``; kept with the summary.
        options: What the model is configured with. What is typed for one turn, the most tokens
            of its reply above all, is for that reply and not for a summary.
        within: How much the model takes.
    """

    provider: Provider
    model: str
    options: Mapping[str, object]
    within: Measure


class Past:
    """What a session held before a turn; summaries come to stand for its oldest turns.

    Each summary is one request and one transaction: what ends it early leaves the session as it
    was. It is kept as the session's last message, after the question that made it needed; so
    that question is kept whatever happens meanwhile.

    Args:
        store: Where the session is.
        session_id: The session.
        history: What its transcript held before the turn.
    """

    def __init__(self, store: SessionStore, session_id: int, history: Sequence[Message]) -> None:
        self._store = store
        self._session_id = session_id
        summary = summary_in_force(history)
        self._system = system_in_force(history)
        self._summary = () if summary is None else summarised(summary)
        self._turns = answered_turns(history)
        self._at_first = self.messages

    @property
    def messages(self) -> tuple[ChatMessage, ...]:
        """What a model is given of it: the current summary, then the turns after that."""
        return (*self._summary, *(message for turn in self._turns for message in turn.sent))

    def in_place(self, request: Request) -> Request:
        """A request of the turn, with the past as it stands now at its beginning.

        Where it does not begin with this past (the session has gone on elsewhere) it stays.
        """
        if not self.is_of(request):
            return request
        return request._replace(messages=(*self.messages, *request.messages[len(self._at_first) :]))

    def is_of(self, request: Request) -> bool:
        """Whether a request of the turn began with this past."""
        return request.messages[: len(self._at_first)] == self._at_first

    def too_many(self, within: Measure, keep: float) -> int:
        """How many of its turns have to be summarised: always at least the oldest.

        Args:
            within: How much the model takes.
            keep: How many tokens of the newest turns stay as they are; 0 for none.
        """
        stay, room = 0, keep
        for turn in reversed(self._turns[1:]):
            room -= tokens_of(turn.sent) * within.factor
            if room < 0:
                break
            stay += 1
        return len(self._turns) - stay

    def first_request(
        self, model: str, options: Mapping[str, object], within: Measure, most: int
    ) -> tuple[Request, int]:
        """The first request for a summary, and how many turns fit into it.

        Args:
            model: ``provider/id``.
            options: What it is asked with.
            within: How much it takes.
            most: How many turns are to be summarised; at least 1.
        """
        vendor, _, own_name = model.partition("/")
        request = Request(
            model=own_name,
            messages=(*self._summary, *self._turns[0].sent, _ASKED),
            system=self._system,
            options=options,
            provider=vendor,
        )
        taken = 1
        for turn in self._turns[1:most]:
            more = request._replace(messages=(*request.messages[:-1], *turn.sent, _ASKED))
            if within.room is not None and within.tokens(more) > within.room:
                break
            request, taken = more, taken + 1
        return request, taken

    def stood_for(self, turns: int) -> Past:
        """The past as it would be with a summary of its first turns; no model is asked."""
        made = Past(self._store, self._session_id, ())
        made._summary = (
            _ASKED,
            ChatMessage("assistant", f"(a summary of {the_oldest(turns)})"),
        )
        made._turns, made._at_first = self._turns[turns:], self._at_first
        return made

    def compact(self, summariser: Summariser, keep: float) -> int:
        """Have the oldest turns summarised, and keep the summary.

        Where they do not fit into one request, or the vendor refuses them for their length, the
        first of them are summarised first.

        Args:
            summariser: The model that is asked.
            keep: See `too_many`.

        Returns:
            How many turns were summarised.

        Raises:
            HfsError: The model did not summarise them, or the summary cannot be kept.
        """
        within = summariser.within
        most = done = self.too_many(within, keep)
        while most > 0:
            request, taken = self.first_request(summariser.model, summariser.options, within, most)
            try:
                reply = _summary(summariser, request)
            except TooLongError as error:
                if taken == 1:
                    advice = "one turn alone is too long to summarise: take a larger model (-m)"
                    raise TooLongError(error.what, advice) from error
                within = within._replace(room=within.tokens(request) // 2)
                continue
            with signals.held():
                self._store.add_summary(self._session_id, reply, self._end(taken))
            self._summary = (_ASKED, ChatMessage("assistant", reply.text))
            self._turns = self._turns[taken:]
            most -= taken
        return done

    def _end(self, taken: int) -> int:
        """How many messages of the transcript the first turns take up."""
        if taken < len(self._turns):
            return self._turns[taken].question.position - 1
        return max(m.position for turn in self._turns for m in (turn.question, *turn.steps))


def past_of(
    store: SessionStore, session_id: int, history: list[Message], place: Place
) -> Past | None:
    """What a turn goes on from, or None where nothing may be added to its session.

    That is so where a question that has an answer is asked again: until the new answer comes, the
    session stays as it was.

    Args:
        store: Where the session is.
        session_id: The session.
        history: Its transcript.
        place: Where in it the turn goes.
    """
    before = what_precedes(history, place)
    if place.answers is not None:
        position = next(m.position for m in history if m.id == place.answers)
        if any(m.role == "assistant" and m.stands_for is None for m in history[position:]):
            return None
    return Past(store, session_id, before)


def _summary(summariser: Summariser, request: Request) -> Reply:
    summariser.provider.prepare(request.messages[-1])
    collector = Collector(summariser.model)
    for batch in summariser.provider.stream(request):
        collector.add(batch)
    reply = collector.reply(complete=True)
    if not reply.text.strip():
        raise ProviderError("the summary is empty", "try again, or choose another model with -m")
    if reply.finish_reason not in {"stop", "unknown"}:
        raise IncompleteReplyError(f"the summary is incomplete: {reply.note}")
    return reply
