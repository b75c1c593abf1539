"""Show what a turn would send, how many tokens that is, and what the oldest turns come to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from hfs_cli.compose.context import KEPT, Measure, is_too_long, shortened, the_oldest, tokens_of
from hfs_cli.messages import ChatMessage, Message, Request
from hfs_cli.store.messages import answered_turns, summarised, summary_in_force
from hfs_cli.wording import plural

if TYPE_CHECKING:
    from hfs_cli.compose.asked import Target
    from hfs_cli.compose.draft import Draft
    from hfs_cli.messages import Session
    from hfs_cli.turn.protocols import Provider


class Plan(NamedTuple):
    """What would be sent for a turn.

    Args:
        request: The request; where turns would be summarised, a note stands for the summary.
        within: How much its model takes.
        left_out: How many of the oldest turns are not in it.
        summarised: How many of them a summary would stand for.
        before: What would be asked for that summary before, or None. Where the turns do not fit
            into one request, it is the first of several.
    """

    request: Request
    within: Measure
    left_out: int = 0
    summarised: int = 0
    before: Request | None = None

    @property
    def shape(self) -> dict[str, object]:
        """Its size, as JSON."""
        return {
            "estimated_input_tokens": self.within.tokens(self.request),
            "context_tokens": self.within.window,
            "turns_left_out": self.left_out,
            "turns_summarised": self.summarised,
        }


def print_request(provider: Provider, draft: Draft, target: Target) -> None:
    """Show what would be sent, and about how many tokens of the model's context that is."""
    from hfs_cli.render.json_shapes import print_json

    plan = planned(draft, target)
    asked = None if plan.before is None else provider.preview(plan.before)
    print_json({**provider.preview(plan.request), **plan.shape, "summary_request": asked})


def planned(draft: Draft, target: Target) -> Plan:
    """What a turn would send under its ``context`` setting; nothing is sent or kept."""
    request, within = draft.request, draft.within(target)
    plan = Plan(request, within)
    if not draft.shortens or within.room is None or not is_too_long(request, within):
        return plan
    past = draft.past
    if past is not None and (most := past.too_many(within, within.room * KEPT)):
        choice = target.choice
        before, _ = past.first_request(choice.full_name, choice.options, within, most)
        request = past.stood_for(most).in_place(request)
        plan = Plan(request, within, summarised=most, before=before)
    request, left_out = shortened(plan.request, within)
    return plan._replace(request=request, left_out=left_out)


def print_context(
    session: Session,
    draft: Draft,
    target: Target,
    *,
    as_json: bool,
    pager: str | None,
) -> None:
    """Show what the next turn of a session would send of it, before its question and its tools.

    Args:
        draft: The next turn, with an empty prompt.
        target: The model that it would be sent to.
        as_json: As a JSON object, terminal or not.
        pager: What shows it when it is longer than the screen.
    """
    from hfs_cli.render.json_shapes import context_json, print_json
    from hfs_cli.render.lists.transcript import print_transcript

    plan, model = planned(draft, target), target.choice.full_name
    sent = _sent(draft.history, plan)
    if as_json:
        print_json(context_json(session, model, plan.shape, sent))
        return
    print_transcript(
        session,
        [message for message, _ in sent],
        pager=pager,
        about=_in_one_line(plan, model, session.messages - len(sent)),
        notes={m.position: f"{tokens:,} token{'s' * (tokens != 1)}" for m, tokens in sent},
    )


def _in_one_line(plan: Plan, model: str, fewer: int) -> str:
    """How much of a session would be sent, in one line."""
    tokens = f"about {plan.within.tokens(plan.request):,} tokens"
    if plan.within.window is not None:
        tokens += f" of the {plan.within.window:,} that {model} takes"
    parts = [tokens]
    if plan.summarised:
        parts.append(f"{the_oldest(plan.summarised)} would be summarised first")
    if plan.left_out:
        parts.append(f"{the_oldest(plan.left_out)} would be left out")
    if fewer:
        parts.append(f"without {plural(fewer, 'message')} of the transcript")
    if is_too_long(plan.request, plan.within):
        parts.append("too long: --context trim or compact")
    return " · ".join(parts)


def _sent(history: list[Message], plan: Plan) -> list[tuple[Message, int]]:
    """The messages of a transcript that would be sent, each with about how many tokens it has."""
    sent: list[tuple[Message, Sequence[ChatMessage]]] = []
    if plan.request.system is not None:
        system = [m for m in history if m.role == "system"][-1:]
        sent += [(m, [ChatMessage("system", m.content)]) for m in system]
    summary = summary_in_force(history)
    if summary is not None and not plan.summarised:
        sent.append((summary, summarised(summary)))
    for turn in answered_turns(history)[plan.summarised + plan.left_out :]:
        said = zip((turn.question, *turn.steps), turn.sent, strict=True)
        sent += [(message, [as_sent]) for message, as_sent in said]
    factor = plan.within.factor
    return [(message, round(tokens_of(parts) * factor)) for message, parts in sent]
