"""`hfs sessions show`: the transcript of a session, or its last reply."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from hfs_cli import notices
from hfs_cli.compose.session import meant_session
from hfs_cli.config import load_config
from hfs_cli.errors import IncompleteReplyError, NotFoundError, UsageError
from hfs_cli.groups import OutputPath, owner_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hfs_cli.config import Config
    from hfs_cli.messages import Message, Session
    from hfs_cli.render.reply.choose import View
    from hfs_cli.store.store import SessionStore


@click.command(name="show")
@click.argument("ref", required=False)
@click.option("-r", "--reply", is_flag=True, help="Print only the last reply.")
@click.option(
    "-x", "--extract", flag_value="first", help="With -r: only its first fenced code block."
)
@click.option("--extract-last", "extract", flag_value="last", help="With -r: only the last one.")
@click.option(
    "-O",
    "--output",
    type=OutputPath(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With -r: write it to a new FILE.",
)
@click.option("--force", is_flag=True, help="With -O: replace a file that exists.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What to print.",
)
@click.option("--json", "output_format", flag_value="json", help="Short for --format json.")
@click.option(
    "--context",
    is_flag=True,
    help="Show what the next turn would send of it, and about how many tokens that is.",
)
@click.option("--no-pager", is_flag=True, help="Print a long transcript without a pager.")
@owner_options(looks=True)
def show_session(
    *,
    ref: str | None,
    reply: bool,
    extract: Literal["first", "last"] | None,
    output: Path | None,
    force: bool,
    output_format: str,
    context: bool,
    no_pager: bool,
) -> None:
    """Show the transcript of a session (the last used one by default), or its last reply.

    For Markdown or HTML: hfs sessions export.

    \b
      hfs sessions show "release notes"
      hfs sessions show -r | pbcopy
      hfs sessions show -r -x -O script.sh
      hfs sessions show 12 --context
    """
    if not reply and (extract or output or force):
        raise UsageError("-x, -O and --force go with -r")
    if reply and output_format == "json":
        raise UsageError("-r shows a text: leave out --format json")
    if force and output is None:
        raise UsageError("--force goes with -O FILE")
    if context and reply:
        raise UsageError("-r shows the last reply, --context what would be sent: leave out one")
    from hfs_cli.store.store import open_store

    config = load_config()
    pager = "" if no_pager else config.pager
    with open_store(config) as store:
        session = meant_session(store, ref, config.session)
        if context:
            _show_context(store, session, config, as_json=output_format == "json", pager=pager)
            return
        messages = store.transcript(session.id)
        checkpoints = store.checkpoints_of(session.id)
    if reply:
        from hfs_cli.render.reply.choose import View

        view = View(
            extract=extract,
            output=output,
            force=force,
            quiet=True,
            render=config.render,
            stream=config.stream,
        )
        _show_reply(session, messages, view)
        return
    from hfs_cli.render.lists.transcript import print_transcript

    print_transcript(
        session,
        messages,
        as_json=output_format == "json",
        checkpoints=checkpoints,
        pager=pager,
    )


def _show_context(
    store: SessionStore, session: Session, config: Config, *, as_json: bool, pager: str | None
) -> None:
    """Print what the next turn would send besides its prompt."""
    from hfs_cli.compose.ask import target_of, turn_of
    from hfs_cli.compose.asked import Asked
    from hfs_cli.compose.draft import Draft
    from hfs_cli.compose.preview import print_context
    from hfs_cli.messages import ChatMessage
    from hfs_cli.providers.choose import choose_model
    from hfs_cli.render.reply.choose import View

    asked = Asked(config, View())
    target = target_of(asked, choose_model(config, os.environ, session=session.model))
    turn = turn_of(asked, target, ChatMessage("user", ""), session, None)
    draft = Draft(store, turn, None, config)
    print_context(session, draft, target, as_json=as_json, pager=pager)


def _show_reply(session: Session, messages: Sequence[Message], view: View) -> None:
    """Print the last reply as `hfs chat` would have."""
    from hfs_cli.messages import Opened, Outcome, Reply
    from hfs_cli.render.reply.choose import make_renderer

    replies = (m for m in messages if m.role == "assistant" and m.stands_for is None)
    message = next((m for m in reversed([*replies]) if m.content), None)
    if message is None:
        raise NotFoundError(
            f'session {session.id} has no reply yet: hfs resume {session.id} "…" asks for one'
        )
    if message.status == "partial":
        if view.extract:
            raise IncompleteReplyError("the reply is partial, and so may be its code: leave out -x")
        notices.warn("this reply is partial")
    model = message.model or ""
    renderer = make_renderer(view)
    renderer.opened(Opened(session, message.reply_to, (), None))
    renderer.text(message.content)
    renderer.close(Outcome(session, message.id, Reply(message.content, model, message.status)))
