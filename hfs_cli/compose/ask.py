"""Take one turn: wire prompt, session, model, provider, store and renderer together."""

from __future__ import annotations

import os
from contextlib import closing, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING

from hfs_cli import notices
from hfs_cli.compose.text import utf8_word
from hfs_cli.errors import HfsError, IncompleteReplyError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hfs_cli.compose.context import Measure
    from hfs_cli.compose.options import Asked
    from hfs_cli.config import Config
    from hfs_cli.messages import ChatMessage, Outcome, Place, Reply, Session, Turn
    from hfs_cli.providers.choose import ModelChoice
    from hfs_cli.render.reply.choose import View
    from hfs_cli.store.store import SessionStore
    from hfs_cli.store.unsaved import Unsaved
    from hfs_cli.turn.calls import Toolbox
    from hfs_cli.turn.run import Provider, Renderer


def take_turn(
    asked: Asked,
    config: Config,
    view: View,
    store: SessionStore,
    message: ChatMessage,
    session: Session | None = None,
    place: Place | None = None,
) -> None:
    """Take the turn and show it.

    Args:
        message: The user message.
        session: The session to continue, or None for a new one.
        place: Where in it, or what the new one is called; None for its end, or for an
            automatic name.

    Raises:
        HfsError: How the turn failed; its exit code is the program's.
    """
    from hfs_cli.turn.run import run_turn

    choice = _model_of(asked, config, view, session, place)
    turn = turn_of(asked, config, choice, message, session, place)
    toolbox = None
    if config.tool or asked.confirm:
        from hfs_cli.compose.tools import open_tools

        toolbox = open_tools(config, confirm=asked.confirm)
    choices = chosen_models(asked, config, choice)
    with (
        closing(toolbox) if toolbox else nullcontext(),
        closing(provider_of(asked, config, choices)) as provider,
    ):
        within = None
        if config.context != "error" or asked.dry_run:
            from hfs_cli.compose.context import measure

            history = store.transcript(session.id) if session else []
            within = measure(choice, turn.options, config.models, history)
        if asked.dry_run and within:
            _print_request(provider, store, turn, toolbox, within, config.context)
            return
        reuse = None
        if asked.reuse is not None:
            from hfs_cli.compose.reuse import Reuse

            reuse = Reuse(store, asked.reuse, provider, turn, tools=toolbox is not None)
        recalled = reuse.provider() if reuse else None
        if recalled is None:
            _check_day(asked, config, store)
        answering = recalled or _limited(provider, turn, config, store, within)
        if config.context == "compact" and session and config.save and within and not recalled:
            _compacted(answering, store, session, turn, toolbox, within)
        # History is read either way; only what is kept differs.
        keeper = store if config.save else _unsaved(store)
        renderer = _renderer(view, config, turn.schema, choices, tools=toolbox is not None)
        outcome = run_turn(answering, keeper, renderer, turn, toolbox, config.max_steps)
    if outcome.error is not None:
        _say_how_to_retry(outcome, store)
        raise outcome.error
    _check_ending(outcome.reply, turn.schema, choices)
    if reuse is not None:
        reuse.note(outcome)


def _check_day(asked: Asked, config: Config, store: SessionStore) -> None:
    """Refuse to spend more than the day's budget.

    Raises:
        ConfigError: It is spent.
    """
    if config.daily_budget is not None and not asked.over_budget:
        from hfs_cli.compose.budget import check_budget

        check_budget(config.daily_budget, config.models, store)


def _say_how_to_retry(outcome: Outcome, store: SessionStore) -> None:
    """Of a turn that had no reply: its prompt is kept, and its name is free if it was a new one."""
    if outcome.session is None or outcome.reply.text or outcome.message_id:
        return
    if outcome.session.unanswered and outcome.error is not None:
        with suppress(HfsError):  # then the name alone stays taken
            store.note_refusal(outcome.session.id, outcome.error.message)
    notices.notice(f"the prompt is kept: hfs sessions retry {outcome.session.id}")


def _model_of(
    asked: Asked, config: Config, view: View, session: Session | None, place: Place | None
) -> ModelChoice:
    """Who is meant: by the command line, the session or the configuration."""
    from hfs_cli.providers.choose import choose_model

    own = session.model if session else None
    if session and session.unanswered and not (place and place.answers):
        # It never replied: a model that was refused has not become the session's own.
        own = None
    first = asked.models[0] if asked.models else None
    choice = choose_model(config, os.environ, first, own)
    by_default = not (session or first or config.model)
    if by_default and choice.provider.type == "local" and not view.quiet:
        # Nobody chose it: its answers must not be taken for what hfs, or a larger model, can do.
        notices.notice(
            f"{choice.model} answers: a small model in this process, often wrong; to set a better"
            " one: hfs models default PROVIDER/MODEL"
        )
    return choice


def _limited(
    provider: Provider, turn: Turn, config: Config, store: SessionStore, within: Measure | None
) -> Provider:
    """The provider within ``--max-cost``, which the prompt alone may exceed already.

    Args:
        within: What its context holds, or None where a longer request is its own affair.
    """
    limit = fitting = None
    if config.max_cost is not None:
        from hfs_cli.compose.budget import CostLimit

        provider = limit = CostLimit(provider, turn.model, config.max_cost, config.models)
    if within is not None:
        from hfs_cli.compose.context import TrimmingProvider

        provider = fitting = TrimmingProvider(provider, within, notices.notice)
    if limit is not None:
        from hfs_cli.turn.run import make_request

        request = make_request(turn, _unsaved(store).begin(turn))
        limit.check(fitting.fitted(request) if fitting else request)
    return provider


def within_cost(
    provider: Provider, turn: Turn, asked: Asked, config: Config, store: SessionStore
) -> Provider:
    """The provider within the day's budget and ``--max-cost``, for a request that is not a turn."""
    _check_day(asked, config, store)
    if config.max_cost is None:
        return provider
    from hfs_cli.compose.budget import CostLimit

    return CostLimit(provider, turn.model, config.max_cost, config.models)


def _compacted(
    provider: Provider,
    store: SessionStore,
    session: Session,
    turn: Turn,
    toolbox: Toolbox | None,
    within: Measure,
) -> None:
    """Summarise the oldest turns of the session where the turn would not fit.

    Where it goes on from an earlier point, or answers a question again, nothing is added: what
    does not fit is left out, as it is where the summary fails.
    """
    from hfs_cli.turn.run import make_request

    request = make_request(turn, _unsaved(store).begin(turn), toolbox)
    again = turn.place.at is not None or turn.place.answers is not None
    if within.room is None or within.tokens(request) <= within.room or again:
        return
    from hfs_cli.compose.compact import compact
    from hfs_cli.compose.context import TrimmingProvider
    from hfs_cli.wording import plural

    if isinstance(provider, TrimmingProvider):  # a summary of half of it would lose the rest
        provider = provider.inner

    try:
        done = compact(provider, store, session.id, turn, within, keep=within.room / 4)
    except HfsError as error:
        notices.warn(f"not summarised, so the oldest turns are left out: {error.message}")
    else:
        if done:
            notices.notice(f"the oldest {plural(done, 'turn')} summarised: the context was full")


def _renderer(
    view: View,
    config: Config,
    schema: Mapping[str, object] | None,
    choices: Mapping[str, ModelChoice],
    *,
    tools: bool,
) -> Renderer:
    """What shows the reply; of one to a schema, the JSON alone."""
    from hfs_cli.render.reply.choose import make_renderer

    renderer = make_renderer(view, config, tools=tools)
    if schema is None:
        return renderer
    from hfs_cli.compose.schema import how_asked
    from hfs_cli.render.reply.structured import JsonAlone

    asking = {name: how_asked(one, schema) for name, one in choices.items()}
    return JsonAlone(renderer, asking, say=view.usage)


def turn_of(
    asked: Asked,
    config: Config,
    choice: ModelChoice,
    message: ChatMessage,
    session: Session | None,
    place: Place | None,
) -> Turn:
    """The turn as one value; what is typed beats what the model is configured with."""
    from hfs_cli.messages import Place, Turn

    system = asked.system
    # A continued session has its own: the setting must not replace it in the middle.
    if system is None and session is None and config.system is not None:
        system = utf8_word(config.system)
    if config.searches:
        from hfs_cli.messages import Request
        from hfs_cli.providers.search import with_search

        # Refused before anything is kept; the provider itself adds it.
        with_search(choice.provider, Request(choice.model, ()))
    return Turn(
        prompt=message,
        model=choice.full_name,
        options=model_options(asked, config, choice),
        schema=asked.schema,
        system=system or None,
        no_system=asked.no_system,
        cache=config.cache,
        place=place or Place(session.id if session else None),
        search=config.searches,
    )


def model_options(asked: Asked, config: Config, choice: ModelChoice) -> dict[str, object]:
    """The options of a model; what is typed beats what it is configured with."""
    options = {**choice.options, **asked.options}
    if config.reasoning is None:
        return options
    from hfs_cli.providers.reasoning import reasoning_options

    thinking = reasoning_options(choice, config.reasoning, options.get("max_tokens"))
    return {**choice.options, **thinking, **asked.options}


def chosen_models(asked: Asked, config: Config, choice: ModelChoice) -> dict[str, ModelChoice]:
    """The model, and those to fall back on, by their full names."""
    # Whoever names a model wants that one, unless there is more than one name.
    names = asked.models[1:] if asked.models else config.fallback
    found = {choice.full_name: choice}
    if names:
        from hfs_cli.providers.choose import named_model

        for other in (named_model(config, name) for name in names):
            found.setdefault(other.full_name, other)
    return found


def provider_of(
    asked: Asked,
    config: Config,
    choices: Mapping[str, ModelChoice],
    opening: Callable[[ModelChoice], Provider] | None = None,
) -> Provider:
    """Who is asked: the first, and the others where it cannot answer.

    Args:
        opening: Opens each of them; None for what one turn opens.
    """
    if opening is None:
        from hfs_cli.providers.open import open_provider

        opening = partial(open_provider, config=config, env=os.environ, notify=notices.warn)
    first, *others = choices.values()
    if not others:
        return opening(first)
    from hfs_cli.providers.fallback import Candidate, FallbackProvider

    candidates = [
        Candidate(name, model_options(asked, config, one), partial(opening, one))
        for name, one in choices.items()
    ]
    return FallbackProvider(candidates, notices.warn)


def _print_request(
    provider: Provider,
    store: SessionStore,
    turn: Turn,
    toolbox: Toolbox | None,
    within: Measure,
    context: str,
) -> None:
    """Show what would be sent, and about how many tokens of the model's context that is."""
    from hfs_cli.compose.context import shortened
    from hfs_cli.render.json_shapes import print_json
    from hfs_cli.turn.run import make_request

    request = make_request(turn, _unsaved(store).begin(turn), toolbox)
    sent, left_out = shortened(request, within) if context != "error" else (request, 0)
    about = {
        "estimated_input_tokens": within.tokens(sent),
        "context_tokens": within.window,
        "turns_left_out": left_out,
    }
    print_json({**provider.preview(sent), **about})


def _unsaved(store: SessionStore) -> Unsaved:
    from hfs_cli.store.unsaved import Unsaved

    return Unsaved(store)


def _check_ending(
    reply: Reply, schema: Mapping[str, object] | None, choices: Mapping[str, ModelChoice]
) -> None:
    """A reply that came whole may still not be all the model had to say, or not fit.

    Raises:
        IncompleteReplyError: It is not what the schema asks for.
    """
    if schema is not None:
        from hfs_cli.compose.schema import check_reply, how_asked

        if reply.finish_reason not in {"stop", "unknown"}:
            raise IncompleteReplyError(f"the reply ended before it fitted the schema: {reply.note}")
        check_reply(schema, how_asked(choices[reply.model], schema).read(reply.text))
    if reply.note:
        notices.warn(reply.note)
