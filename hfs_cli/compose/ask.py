"""Take one turn: wire prompt, session, model, provider, store and renderer together."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import click

from hfs_cli import notices
from hfs_cli.compose.budget import check_budget
from hfs_cli.compose.options import TurnOptions, model_options
from hfs_cli.compose.prompt import decode_text, utf8_word
from hfs_cli.config import Config, load_config
from hfs_cli.errors import IncompleteReplyError, UsageError

if TYPE_CHECKING:
    from hfs_cli.messages import (
        Attachment,
        ChatMessage,
        Message,
        Reply,
        Session,
        Turn,
    )
    from hfs_cli.providers.choose import ModelChoice
    from hfs_cli.store.store import SessionStore
    from hfs_cli.turn.run import Renderer


@dataclass(frozen=True, slots=True)
class Target:
    """The session a turn belongs to.

    Args:
        session: The session to continue, or None for a new one.
        name: The new session's name, or None for an automatic one.
        or_existing: With `name`: continue the session of that name if there is one.
        at: With `session`: how many of its messages to continue from, or None for all.
        answers: With `session`: the user message to answer again, or None for a new one.
    """

    session: Session | None = None
    name: str | None = None
    or_existing: bool = False
    at: int | None = None
    answers: Message | None = None


def turn_config(asked: TurnOptions) -> Config:
    """The configuration with the turn's own flags on top."""
    return load_config(
        flags={
            "render": asked.render,
            "stream": False if asked.no_stream else None,
            "save": False if asked.no_save else None,
            "timeout": asked.timeout,
            "idle_timeout": asked.idle_timeout,
            "retries": asked.retries,
        }
    )


def take_turn(
    asked: TurnOptions,
    config: Config,
    store: SessionStore,
    target: Target,
    prompt: str,
    attachments: tuple[Attachment, ...] = (),
) -> None:
    """Take the turn and show it.

    Raises:
        HfsError: How the turn failed; its exit code is the program's.
    """
    from hfs_cli.messages import ChatMessage
    from hfs_cli.providers.choose import choose_model
    from hfs_cli.providers.open import open_provider
    from hfs_cli.store.unsaved import Unsaved
    from hfs_cli.turn.run import make_request, run_turn

    choice = choose_model(
        config, os.environ, asked.model, target.session.model if target.session else None
    )
    if target.answers:
        attachments = target.answers.attachments
    message = ChatMessage("user", prompt, attachments)
    turn = _turn(asked, config, choice, target, message)
    keeper = store if config.save else Unsaved(store)
    with closing(
        open_provider(choice, config=config, env=os.environ, notify=notices.warn)
    ) as provider:
        provider.accept((message,), choice.model)
        if asked.dry_run:
            _print_request(provider.preview(make_request(turn, Unsaved(store).begin(turn))))
            return
        if not asked.over_budget:
            check_budget(config, store)
        outcome = run_turn(provider, keeper, _renderer(asked, config, choice), turn)
    if outcome.error is not None:
        raise outcome.error
    _check_ending(outcome.reply, turn)


def _turn(
    asked: TurnOptions, config: Config, choice: ModelChoice, target: Target, prompt: ChatMessage
) -> Turn:
    given = [asked.system is not None, asked.system_file is not None, asked.no_system]
    if sum(given) > 1:
        raise UsageError("--system, --system-file and --no-system exclude each other: keep one")
    system = asked.system
    if asked.system_file is not None:
        system = decode_text(asked.system_file.read_bytes(), str(asked.system_file))
    if system is None and target.session is None and config.system is not None:
        system = utf8_word(config.system)
    from hfs_cli.compose.schema import parse_schema
    from hfs_cli.messages import Place, Turn

    return Turn(
        prompt=prompt,
        model=choice.full_name,
        options={**choice.options, **model_options(asked)},
        schema=None if asked.schema is None else parse_schema(asked.schema),
        system=system or None,
        no_system=asked.no_system,
        place=Place(
            session_id=target.session.id if target.session else None,
            name=target.name,
            or_existing=target.or_existing,
            at=target.at,
            answers=target.answers.id if target.answers else None,
        ),
    )


def _renderer(asked: TurnOptions, config: Config, choice: ModelChoice) -> Renderer:
    if asked.extract and (asked.output_format != "text" or asked.render):
        raise UsageError("-x takes code out of the text: leave out --format and --render")
    if asked.force and not asked.output:
        raise UsageError("--force goes with -O FILE")
    from hfs_cli.files import OutputFile
    from hfs_cli.render.reply.choose import View, make_renderer

    return make_renderer(
        View(
            format=cast("Literal['text', 'json', 'jsonl']", asked.output_format),
            render=cast("Literal['auto', 'markdown', 'plain']", config.render),
            extract=cast("Literal['first', 'last'] | None", asked.extract),
            file=OutputFile(asked.output, force=asked.force) if asked.output else None,
            stream=config.stream,
            quiet=asked.quiet,
            usage=asked.usage,
            hide_reasoning=asked.hide_reasoning,
            prices=config.models.get(choice.full_name),
        )
    )


def _print_request(preview: dict[str, object]) -> None:
    import json

    click.echo(json.dumps(preview, indent=2, ensure_ascii=False))


def _check_ending(reply: Reply, turn: Turn) -> None:
    """A reply that came whole may still not be all the model had to say, or not fit.

    Raises:
        IncompleteReplyError: It is not what the schema asks for.
    """
    from hfs_cli.compose.schema import check_reply

    if turn.schema is not None:
        if reply.finish_reason == "length":
            raise IncompleteReplyError(
                "the token limit cut the reply before it fitted the schema: raise --max-tokens"
            )
        check_reply(turn.schema, reply.text)
    if reply.finish_reason == "length":
        notices.warn("the reply ends at the token limit: raise --max-tokens, or ask for the rest")
    elif reply.finish_reason == "content_filter":
        notices.warn("the provider's content filter ended the reply")
