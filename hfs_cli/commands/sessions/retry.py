"""`hfs sessions retry`: get another reply to the last question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hfs_cli import notices
from hfs_cli.compose.ask import take_turn
from hfs_cli.compose.asked import Asked
from hfs_cli.compose.options import TurnCommand, turn_options
from hfs_cli.compose.session import meant_session
from hfs_cli.errors import UsageError

if TYPE_CHECKING:
    from hfs_cli.messages import Message


@click.command(name="retry", cls=TurnCommand)
@click.argument("ref", required=False)
@turn_options(message=False)
def retry_question(asked: Asked, *, ref: str | None) -> None:
    """Send the last user message of session REF again.

    Without REF: the last message sent that got no reply, or else that of the last used
    session.

    Both replies are kept: the session goes on with the new one, the old one stays as a
    branch (`hfs sessions tree`). If no reply comes, the session stays as it was. The options
    are those of `hfs chat`; a system prompt given here counts for this reply only.

    \b
      hfs sessions retry
      hfs sessions retry 12 -m openai/gpt-6-luna
    """
    from hfs_cli.messages import ChatMessage, Place
    from hfs_cli.store.store import open_store

    pinned = asked.config.session
    with open_store(asked.config) as store:
        if ref is None and pinned is None:
            session = store.last_asked()
        else:
            session = meant_session(store, ref, pinned)
        history = store.transcript(session.id)
        asked_before = [m for m in history if m.role == "user"]
        if not asked_before:
            raise UsageError(f"session {session.id} has no user message to send again")
        question = asked_before[-1]
        _warn_of_interrupted(history[question.position :])
        message = ChatMessage("user", question.content, question.attachments)
        place = Place(session.id, answers=question.id)
        take_turn(asked, store, message, session, place)


def _warn_of_interrupted(replies: Sequence[Message]) -> None:
    """Warn of calls that began and left no result, before the model asks for them again."""
    calls = [call for reply in replies for call in reply.tool_calls if call.interrupted]
    if not calls:
        return
    from hfs_cli.render.reply.calls import asked_in_full

    for call in calls:
        notices.warn(
            f"{asked_in_full(call)} was called before and has no result: it may have done its work"
        )
