"""Take one turn: wire prompt, session, model, provider, store and renderer together."""

from __future__ import annotations

import os
from contextlib import closing, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING

from hfs_cli import notices
from hfs_cli.compose.input import utf8_word
from hfs_cli.errors import HfsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hfs_cli.compose.options import Asked
    from hfs_cli.config import Config
    from hfs_cli.messages import ChatMessage, Outcome, Place, Reply, Session, Turn
    from hfs_cli.providers.choose import ModelChoice
    from hfs_cli.render.reply.choose import View
    from hfs_cli.store.store import SessionStore
    from hfs_cli.store.unsaved import Unsaved
    from hfs_cli.turn.protocols import Provider, Renderer, Store


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
    opening = _opening(asked, config, store, turn, session)
    with (
        closing(toolbox) if toolbox else nullcontext(),
        closing(provider_of(asked, config, choices, opening)) as provider,
    ):
        if asked.dry_run:
            from hfs_cli.compose.preview import print_request

            print_request(provider, store, turn, toolbox, choice, config)
            return
        reuse = None
        if asked.reuse is not None:
            from hfs_cli.compose.reuse import Reuse

            reuse = Reuse(store, asked.reuse, provider, turn, tools=toolbox is not None)
        recalled = reuse.provider() if reuse else None
        if recalled is None:
            check_day(asked, config, store)
            _check_prompt(config, store, turn, choice)
        keeper = keeper_of(store, config, keeps=config.save)
        renderer = _renderer(view, turn.schema, choices, tools=toolbox is not None)
        outcome = run_turn(recalled or provider, keeper, renderer, turn, toolbox, config.max_steps)
    if outcome.error is not None:
        _say_how_to_retry(outcome, store)
        raise outcome.error
    _check_ending(outcome.reply, turn.schema, choices)
    if reuse is not None:
        reuse.note(outcome)


def check_day(asked: Asked, config: Config, store: SessionStore) -> float | None:
    """What is left of the day's budget, or None where nothing limits it.

    Raises:
        ConfigError: It is spent.
    """
    if config.daily_budget is None or asked.over_budget:
        return None
    from hfs_cli.compose.budget import check_budget

    return check_budget(config.daily_budget, config.models, store)


def _say_how_to_retry(outcome: Outcome, store: SessionStore) -> None:
    """Where no reply came: say that the prompt is kept, and let a new session's name go."""
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


def _opening(
    asked: Asked, config: Config, store: SessionStore, turn: Turn, session: Session | None
) -> Callable[[ModelChoice], Provider] | None:
    """Opens a model so that it is sent what fits it, within ``--max-cost``; None for as it is."""
    if asked.dry_run or (config.max_cost is None and config.context == "error"):
        return None
    from hfs_cli.providers.open import open_provider

    spending = None
    if config.max_cost is not None:
        from hfs_cli.compose.budget import CostLimit, Spending

        # Whichever of several models is asked: it is one turn.
        spending = Spending(config.max_cost)
    history = store.transcript(session.id) if session and config.context != "error" else []
    past = None
    if config.context == "compact" and config.save and session:
        from hfs_cli.compose.compact import past_of

        past = past_of(store, session.id, history, turn.place)

    def opened(choice: ModelChoice) -> Provider:
        provider = open_provider(choice, config=config, env=os.environ, notify=notices.warn)
        if spending is not None:
            provider = CostLimit(provider, choice.full_name, spending, config.models)
        if config.context == "error":
            return provider
        from hfs_cli.compose.context import measure
        from hfs_cli.compose.fitting import FittingProvider

        within = measure(choice, model_options(asked, config, choice), config.models, history)
        return FittingProvider(
            provider,
            within,
            notices.notice,
            model=choice.full_name,
            options=choice.options,
            past=past,
        )

    return opened


def _check_prompt(config: Config, store: SessionStore, turn: Turn, choice: ModelChoice) -> None:
    """Refuse a prompt that alone costs more than the turn may, before anything is kept.

    Raises:
        ConfigError: It does, or the model has no price.
    """
    if config.max_cost is None:
        return
    from hfs_cli.compose.budget import Spending, check_prompt
    from hfs_cli.turn.run import make_request

    request = make_request(turn, _unsaved(store).begin(turn))
    if config.context != "error":
        from hfs_cli.compose.context import measure, shortened

        there = turn.place.session_id
        history = [] if there is None else store.transcript(there)
        request, _ = shortened(request, measure(choice, turn.options, config.models, history))
    check_prompt(request, choice.full_name, Spending(config.max_cost), config.models)


def within_cost(
    provider: Provider, turn: Turn, asked: Asked, config: Config, store: SessionStore
) -> Provider:
    """The provider within the day's budget and ``--max-cost``, for a request that is not a turn."""
    check_day(asked, config, store)
    if config.max_cost is None:
        return provider
    from hfs_cli.compose.budget import CostLimit, Spending

    return CostLimit(provider, turn.model, Spending(config.max_cost), config.models)


def _renderer(
    view: View,
    schema: Mapping[str, object] | None,
    choices: Mapping[str, ModelChoice],
    *,
    tools: bool,
) -> Renderer:
    """What shows the reply; of one to a schema, the JSON alone."""
    from hfs_cli.render.reply.choose import make_renderer

    renderer = make_renderer(view, tools=tools)
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
    if config.searches or config.runs_code:
        from hfs_cli.messages import Request
        from hfs_cli.providers.search import with_server_tools

        # Refused before anything is kept; the provider itself adds them.
        request = Request(choice.model, (), search=config.searches, code=config.runs_code)
        with_server_tools(choice.provider, request)
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
        code=config.runs_code,
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


def keeper_of(store: SessionStore, config: Config, *, keeps: bool) -> Store:
    """Where a turn is kept, without keys if they are to be masked; its history is read either way.

    Args:
        keeps: Whether it is kept at all.
    """
    keeper: Store = store if keeps else _unsaved(store)
    if config.redact != "mask":
        return keeper
    from hfs_cli.turn.redact import RedactingStore

    return RedactingStore(keeper)


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
        from hfs_cli.compose.schema import how_asked, json_of

        json_of(reply, schema, how_asked(choices[reply.model], schema).read)
    if reply.note:
        notices.warn(reply.note)
