"""`hfs resume`: the next turn of a session, or its transcript."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hfs_cli.compose.ask import take_turn
from hfs_cli.compose.options import Asked, TurnCommand, turn_options
from hfs_cli.compose.prompt import read_message
from hfs_cli.config import Config

if TYPE_CHECKING:
    from hfs_cli.render.reply.choose import View


@click.command(name="resume", cls=TurnCommand)
@click.argument("ref")
@click.option("--no-pager", is_flag=True, help="Print a long transcript as it is.")
@turn_options()
def resume_session(asked: Asked, config: Config, view: View, *, ref: str, no_pager: bool) -> None:
    """Take the next turn of session REF.

    Without a prompt (and nothing piped in): print its transcript and make it the session
    that `hfs chat -c` continues.

    What REF may be: hfs help refs.

    \b
      hfs resume 12 "and in Rust?"
      hfs resume "release notes"
    """
    from hfs_cli.store.store import open_store

    with open_store(config) as store:
        session = store.resolve(ref)
        message = read_message(asked, config, patient=False)
        if message is not None:
            take_turn(asked, config, view, store, message, session)
            return
        from hfs_cli.render.lists.transcript import print_transcript

        if config.save:
            store.touch(session.id)
        print_transcript(
            session,
            store.transcript(session.id),
            checkpoints=store.checkpoints_of(session.id),
            pager="" if no_pager else config.pager,
        )
