"""`hfs sessions rewind`: go on from an earlier point; what followed becomes a branch."""

from __future__ import annotations

import click

from hfs_cli.compose.session import opened_session
from hfs_cli.groups import owner_options


@click.command(name="rewind")
@click.argument("ref", required=False)
@click.option("--to", required=True, metavar="N|CHECKPOINT", help="The last message to keep.")
@owner_options()
def rewind_session(*, ref: str | None, to: str) -> None:
    """Go back to an earlier point of session REF.

    What followed stays as a branch: `hfs sessions tree` shows it, `hfs resume` continues it.
    If the checkpoint was set aside with a branch, the messages before it come back. In a
    pipe, prints the branch's id.

    \b
      hfs sessions rewind --to 4
      hfs sessions rewind "release notes" --to "first draft"
    """
    with opened_session(ref) as (store, session):
        branch = store.rewind(session.id, to)
    from hfs_cli.render.lists.family import show_set_aside

    show_set_aside(session, branch)
