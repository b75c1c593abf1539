"""`hfs resume`: the next turn of a session, or its transcript."""

from __future__ import annotations

import click

from hfs_cli.compose.ask import Target, take_turn, turn_config
from hfs_cli.compose.options import TurnOptions, turn_options
from hfs_cli.compose.prompt import given_prompt


@click.command(name="resume")
@click.argument("ref")
@turn_options
def command(asked: TurnOptions, *, ref: str) -> None:
    """Take the next turn of session REF.

    Without a prompt (and nothing piped in): print its transcript and make it the session
    that `hfs chat -c` continues.

    REF is an id, a name, the unambiguous beginning of a name, or @last, @last~1, …

    \b
      hfs resume 12 "and in Rust?"
      hfs resume "release notes"
    """
    config = turn_config(asked)
    from hfs_cli.store.store import SessionStore

    with SessionStore(config.database, checkpoint_retention=config.checkpoint_retention) as store:
        session = store.resolve(ref)
        from hfs_cli.compose.attachments import read_files

        files = read_files(asked.file)
        prompt = files.joined(
            given_prompt(asked.words, no_stdin=asked.no_stdin, edit=asked.edit, patient=False)
        )
        if prompt is not None:
            take_turn(asked, config, store, Target(session), prompt, files.attachments)
            return
        from hfs_cli.render.lists.transcript import print_transcript

        if config.save:
            store.touch(session.id)
        print_transcript(
            session,
            store.transcript(session.id),
            checkpoints=store.checkpoints_of(session.id),
        )
