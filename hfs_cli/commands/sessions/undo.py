"""`hfs sessions undo`: take back the last turns, which stay as a branch."""

from __future__ import annotations

import click

from hfs_cli.compose.session import opened_session
from hfs_cli.groups import owner_options, whole_number


@click.command(name="undo")
@click.argument("ref", required=False)
@click.option(
    "-n",
    "--turns",
    type=whole_number(1),
    metavar="N",
    default=1,
    show_default=True,
    help="Take back N turns.",
)
@owner_options()
def undo_turns(*, ref: str | None, turns: int) -> None:
    """Take back the last turns of session REF.

    They stay as a branch, as with rewind. In a pipe, prints the branch's id.
    """
    with opened_session(ref) as (store, session):
        branch = store.undo(session.id, turns)
    from hfs_cli.render.lists.family import show_set_aside

    show_set_aside(session, branch)
