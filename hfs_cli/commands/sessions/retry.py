"""`hfs sessions retry`: another reply to the last question."""

from __future__ import annotations

from typing import Literal

import click

from hfs_cli.compose.ask import take_turn
from hfs_cli.compose.options import Asked
from hfs_cli.config import load_config
from hfs_cli.errors import UsageError


@click.command(name="retry")
@click.argument("ref", default="@last")
@click.option("-m", "--model", metavar="MODEL", help="Ask another model.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json", "jsonl"]),
    default="text",
    show_default=True,
    help="What standard output carries.",
)
@click.option("--json", "output_format", flag_value="json", help="Short for --format json.")
@click.option("--no-stream", is_flag=True, help="Show the reply when it is whole.")
@click.option("-q", "--quiet", is_flag=True, help="No session line, no notices.")
@click.option("-u", "--usage", is_flag=True, help="Show tokens and times on stderr.")
@click.option("--over-budget", is_flag=True, help="Go on when the daily budget is spent.")
def retry(
    *,
    ref: str,
    model: str | None,
    output_format: Literal["text", "json", "jsonl"],
    no_stream: bool,
    quiet: bool,
    usage: bool,
    over_budget: bool,
) -> None:
    """Send the last user message of session REF again.

    Both replies are kept: the session goes on with the new one, the old one stays as a
    branch (`hfs sessions tree`). If no reply comes, the session is as it was.

    \b
      hfs sessions retry
      hfs sessions retry 12 -m openai/gpt-5-mini
    """
    from hfs_cli.messages import ChatMessage, Place
    from hfs_cli.render.reply.choose import View
    from hfs_cli.store.store import SessionStore

    asked = Asked(model=model, over_budget=over_budget)
    config = load_config(flags={"stream": False if no_stream else None})
    view = View(format=output_format, quiet=quiet, usage=usage)
    with SessionStore(config.database, checkpoint_retention=config.checkpoint_retention) as store:
        session = store.resolve(ref)
        asked_before = [m for m in store.transcript(session.id) if m.role == "user"]
        if not asked_before:
            raise UsageError(f"session {session.id} has no user message to send again")
        question = asked_before[-1]
        message = ChatMessage("user", question.content, question.attachments)
        place = Place(session.id, answers=question.id)
        take_turn(asked, config, view, store, message, session, place)
