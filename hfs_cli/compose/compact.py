"""Have the model summarise what is oldest in a session; the summary stands for it from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfs_cli import signals
from hfs_cli.compose.tokens import tokens_of
from hfs_cli.errors import IncompleteReplyError, ProviderError
from hfs_cli.messages import ChatMessage, Reply, Request, Turn
from hfs_cli.turn.collector import Collector

if TYPE_CHECKING:
    from hfs_cli.compose.context import Measure
    from hfs_cli.store.messages import AnsweredTurn
    from hfs_cli.store.store import SessionStore
    from hfs_cli.turn.run import Provider


def compact(
    provider: Provider,
    store: SessionStore,
    session_id: int,
    turn: Turn,
    within: Measure,
    keep: float,
) -> int:
    """Summarise the oldest turns of a session, and keep the summary as its last message.

    Each summary is one request and one transaction: what ends it early leaves the session as it
    was. Where the turns do not fit into one request, the first of them are summarised first.

    Args:
        provider: Who is asked.
        store: Where the session is.
        session_id: The session.
        turn: A turn of the session, for its model and options.
        within: How much fits.
        keep: How many tokens the newest turns may have that stay as they are; 0 for none.

    Returns:
        How many turns were summarised.

    Raises:
        HfsError: The model did not summarise them, or the summary cannot be kept.
    """
    from hfs_cli.store.messages import (
        ASKED_FOR_SUMMARY,
        answered_turns,
        summarised,
        summary_in_force,
        system_in_force,
    )

    asked = ChatMessage("user", ASKED_FOR_SUMMARY)
    done = 0
    while True:
        history = store.transcript(session_id)
        turns = answered_turns(history)
        most = len(turns) - _newest(turns, within, keep)
        if most <= 0:
            return done
        summary = summary_in_force(history)
        begun = () if summary is None else summarised(summary)
        vendor, _, model = turn.model.partition("/")
        request = Request(
            model=model,
            messages=(*begun, *turns[0].sent, asked),
            system=system_in_force(history),
            options=turn.options,
            provider=vendor,
        )
        taken = 1
        for one in turns[1:most]:
            more = request._replace(messages=(*request.messages[:-1], *one.sent, asked))
            if within.room is not None and within.tokens(more) > within.room:
                break
            request, taken = more, taken + 1
        reply = _summary(provider, request, turn.model)
        with signals.held():
            store.add_summary(session_id, reply, _end(turns, taken))
        done += taken
        if taken == most:
            return done


def _newest(turns: list[AnsweredTurn], within: Measure, keep: float) -> int:
    """How many of the newest turns stay; the oldest of all never does."""
    count, room = 0, keep
    for turn in reversed(turns[1:]):
        room -= tokens_of(turn.sent) * within.factor
        if room < 0:
            break
        count += 1
    return count


def _end(turns: list[AnsweredTurn], taken: int) -> int:
    """How many messages of the transcript the first turns are."""
    if taken < len(turns):
        return turns[taken].question.position - 1
    return max(m.position for turn in turns for m in (turn.question, *turn.steps))


def _summary(provider: Provider, request: Request, model: str) -> Reply:
    provider.prepare(request.messages[-1])
    collector = Collector(model)
    for batch in provider.stream(request):
        collector.add(batch)
    reply = collector.reply(complete=True)
    if not reply.text.strip():
        raise ProviderError("the summary is empty: try again, or choose another model with -m")
    if reply.finish_reason not in {"stop", "unknown"}:
        raise IncompleteReplyError(f"the summary did not come whole: {reply.note}")
    return reply
