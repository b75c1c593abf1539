"""Take one turn: wire prompt, session, model, provider, store and renderer together."""

from __future__ import annotations

import os
from contextlib import closing, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING

from hfs_cli import notices
from hfs_cli.compose.asked import Target
from hfs_cli.compose.input import utf8_word
from hfs_cli.errors import HfsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hfs_cli.compose.asked import Asked
    from hfs_cli.compose.draft import Draft
    from hfs_cli.config import Config
    from hfs_cli.messages import ChatMessage, Outcome, Place, Session, Turn
    from hfs_cli.providers.choose import ModelChoice
    from hfs_cli.store.store import SessionStore
    from hfs_cli.tools.toolbox import Toolbox
    from hfs_cli.turn.protocols import Provider, Store


def take_turn(
    asked: Asked,
    store: SessionStore,
    message: ChatMessage,
    session: Session | None,
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
    config = asked.config
    targets = targets_of(asked, _choice(asked, session, place))
    first = next(iter(targets.values()))
    turn = turn_of(asked, first, message, session, place)
    toolbox = None
    if config.tool:
        from hfs_cli.compose.tools import open_tools

        toolbox = open_tools(config, confirm=asked.confirm)
    with closing(toolbox) if toolbox else nullcontext():
        if not asked.dry_run:
            _answer(asked, store, turn, targets, toolbox)
            return
        from hfs_cli.compose.draft import Draft
        from hfs_cli.compose.preview import print_request

        draft = Draft(store, turn, toolbox, config)
        with closing(provider_of(targets, partial(open_target, config))) as provider:
            print_request(provider, draft, first)


def _answer(
    asked: Asked,
    store: SessionStore,
    turn: Turn,
    targets: Mapping[str, Target],
    toolbox: Toolbox | None,
) -> None:
    """Have a turn answered, by a model or by a reply that is kept."""
    from hfs_cli.render.reply.choose import make_renderer
    from hfs_cli.turn.run import run_turn

    config = asked.config
    draft = reuse = recalled = structured = None
    if asked.reuse is not None or config.max_cost is not None or config.context != "error":
        from hfs_cli.compose.draft import Draft

        draft = Draft(store, turn, toolbox, config)
    with closing(provider_of(targets, partial(open_target, config, draft=draft))) as provider:
        if draft is not None and asked.reuse is not None:
            from hfs_cli.compose.reuse import Reuse

            reuse = Reuse(store, asked.reuse, provider, draft.request)
            recalled = reuse.provider()
        if recalled is None:
            check_day(asked, store, targets)
            if draft is not None:
                draft.check_cost(targets[turn.model])
        renderer = make_renderer(asked.view, tools=toolbox is not None)
        if turn.schema is not None:
            from hfs_cli.compose.schema import Structured

            choices = {name: target.choice for name, target in targets.items()}
            structured = Structured(turn.schema, choices)
            renderer = structured.shown_by(renderer, say=asked.view.usage)
        keeper = keeper_of(store, keeps=config.save, masked=config.redact == "mask")
        outcome = run_turn(recalled or provider, keeper, renderer, turn, toolbox, config.max_steps)
    if outcome.error is not None:
        _say_how_to_retry(outcome, store)
        raise outcome.error
    # A whole reply may still not fit the schema, or not be all that the model had to say.
    if structured is not None:
        structured.json_of(outcome.reply)
    if outcome.reply.note:
        notices.warn(outcome.reply.note)
    if reuse is not None:
        reuse.note(outcome)


def check_day(asked: Asked, store: SessionStore, targets: Mapping[str, Target]) -> float | None:
    """What is left of the day's budget, or None where there is none.

    The embedded models cost nothing, unless the user has given one a price.

    Raises:
        ConfigError: It is spent.
    """
    config = asked.config
    if config.daily_budget is None or asked.over_budget:
        return None
    from hfs_cli.compose.budget import check_budget, is_free

    if all(is_free(target.choice, config.models) for target in targets.values()):
        return None
    return check_budget(config.daily_budget, config.models, store)


def _say_how_to_retry(outcome: Outcome, store: SessionStore) -> None:
    """Where no reply came: say that the prompt is kept, and let a new session's name go."""
    if outcome.session is None or outcome.reply.text or outcome.message_id:
        return
    if outcome.session.unanswered and outcome.error is not None:
        with suppress(HfsError):  # then the name alone stays taken
            store.note_refusal(outcome.session.id, outcome.error.message)
    notices.notice(f"the prompt is kept: hfs sessions retry {outcome.session.id}")


def _choice(asked: Asked, session: Session | None, place: Place | None) -> ModelChoice:
    """The model to ask: the command line's, the session's or the configuration's."""
    from hfs_cli.providers.choose import choose_model

    own = session.model if session else None
    if session and session.unanswered and not (place and place.answers):
        # It never replied: a model that was refused does not become the session's own.
        own = None
    first = asked.models[0] if asked.models else None
    choice = choose_model(asked.config, os.environ, first, own)
    by_default = not (session or first or asked.config.model)
    if by_default and choice.provider.type == "local" and not asked.view.quiet:
        # Nobody chose it: its answers must not be taken for what hfs, or a larger model, can do.
        notices.notice(
            f"{choice.model} answers: a small model in this process, often wrong; to set a better"
            " one: hfs models default PROVIDER/MODEL"
        )
    return choice


def turn_of(
    asked: Asked,
    target: Target,
    message: ChatMessage,
    session: Session | None,
    place: Place | None,
) -> Turn:
    """The turn as one value."""
    from hfs_cli.messages import Place, Turn

    config, system = asked.config, asked.system
    # A continued session has its own prompt: the setting must not replace it midway.
    if system is None and session is None and config.system is not None:
        system = utf8_word(config.system)
    if config.searches or config.runs_code:
        from hfs_cli.messages import Request
        from hfs_cli.providers.search import with_server_tools

        # What the provider cannot do is refused before anything is kept; it adds them itself.
        model = target.choice.model
        request = Request(model, (), search=config.searches, code=config.runs_code)
        with_server_tools(target.choice.provider, request)
    return Turn(
        prompt=message,
        model=target.choice.full_name,
        options=target.options,
        schema=asked.schema,
        system=system or None,
        # An empty one takes the place of the session's own, this once.
        no_system=asked.no_system or (asked.system == "" and session is not None),
        cache=config.cache,
        place=place or Place(session.id if session else None),
        search=config.searches,
        code=config.runs_code,
    )


def target_of(asked: Asked, choice: ModelChoice) -> Target:
    """A model with the options that it is asked with."""
    typed, level = asked.options, asked.config.reasoning
    if level is None:
        return Target(choice, {**choice.options, **typed})
    from hfs_cli.providers.reasoning import reasoning_options

    limit = typed.get("max_tokens", choice.options.get("max_tokens"))
    thinking = reasoning_options(choice, level, limit)
    return Target(choice, {**choice.options, **thinking, **typed})


def targets_of(asked: Asked, choice: ModelChoice) -> dict[str, Target]:
    """The model, and those to fall back on, by their full names."""
    # A model that is named is meant alone, unless more than one is named.
    names = asked.models[1:] if asked.models else asked.config.fallback
    choices = [choice]
    if names:
        from hfs_cli.providers.choose import named_model

        choices += [named_model(asked.config, name) for name in names]
    targets: dict[str, Target] = {}
    for one in choices:
        # Of two names for one model, each perhaps with options of its own, the first counts.
        if one.full_name not in targets:
            targets[one.full_name] = target_of(asked, one)
    return targets


def open_target(config: Config, target: Target, *, draft: Draft | None = None) -> Provider:
    """Open the provider of a model for one turn."""
    from hfs_cli.providers.open import open_provider

    provider = open_provider(target.choice, config=config, env=os.environ, notify=notices.warn)
    return provider if draft is None else draft.hold(provider, target)


def provider_of(targets: Mapping[str, Target], opening: Callable[[Target], Provider]) -> Provider:
    """What asks the first model, and the others where it cannot answer.

    Args:
        targets: The models by their full names, in this order.
        opening: Opens one of them.
    """
    first, *others = targets.values()
    if not others:
        return opening(first)
    from hfs_cli.providers.fallback import Candidate, FallbackProvider

    candidates = [
        Candidate(name, target.options, partial(opening, target))
        for name, target in targets.items()
    ]
    return FallbackProvider(candidates, notices.warn)


def keeper_of(store: SessionStore, *, keeps: bool, masked: bool) -> Store:
    """Where a turn is kept.

    Args:
        keeps: Whether it is kept at all; without, its history is read and nothing is written.
        masked: Whether it is kept without keys.
    """
    keeper: Store = store
    if not keeps:
        from hfs_cli.store.unsaved import Unsaved

        keeper = Unsaved(store)
    if not masked:
        return keeper
    from hfs_cli.turn.redact import RedactingStore

    return RedactingStore(keeper)
