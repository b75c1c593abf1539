"""`hfs resume`: take the next turn of a session, or show its transcript."""

from __future__ import annotations

import click

from hfs_cli.compose.ask import take_turn
from hfs_cli.compose.asked import Asked, read_message
from hfs_cli.compose.options import TurnCommand, turn_options
from hfs_cli.errors import UsageError
from hfs_cli.groups import spelled, typed_parameters


@click.command(name="resume", cls=TurnCommand)
@click.argument("ref")
@click.option("--no-pager", is_flag=True, help="Print a long transcript without a pager.")
@turn_options()
def resume_session(asked: Asked, *, ref: str, no_pager: bool) -> None:
    """Send the next message of session REF, or show its transcript.

    Without a prompt, and with nothing piped in, the transcript is printed and the session
    becomes the one that `hfs chat -c` continues; options of a turn are an error then. What
    REF may be: hfs help refs.

    \b
      hfs resume 12 "and in Rust?"
      hfs resume "release notes"
    """
    from hfs_cli.store.store import open_store

    config = asked.config
    with open_store(config) as store:
        session = store.resolve(ref)
        message = read_message(asked, patient=False)
        if message is not None:
            take_turn(asked, store, message, session)
            return
        _refuse_options_of_a_turn(asked)
        from hfs_cli.render.lists.transcript import print_transcript

        if config.save:
            store.touch(session.id)
        print_transcript(
            session,
            store.transcript(session.id),
            checkpoints=store.checkpoints_of(session.id),
            pager="" if no_pager else config.pager,
        )


# What counts without a prompt, too.
_OF_SHOWING = {
    *("ref", "no_pager", "owner", "profile", "quiet", "save", "stdin", "stdin_timeout"),
}


def _refuse_options_of_a_turn(asked: Asked) -> None:
    """Check that nothing was typed that only a turn has.

    Raises:
        UsageError: Something was, so that a turn was meant.
    """
    if asked.edit:
        raise UsageError("the editor left no prompt: nothing is sent")
    context = click.get_current_context()
    others = typed_parameters(context) - _OF_SHOWING
    if "words" in others:
        raise UsageError("the prompt is empty: leave it out to see the transcript")
    if others:
        said = ", ".join(spelled(context, others))
        raise UsageError(
            f"without a prompt hfs resume shows the transcript: give one, or leave out {said}"
        )
