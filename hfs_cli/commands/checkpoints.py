"""`hfs checkpoints`: named points in sessions, and their timeline."""

from __future__ import annotations

import click

from hfs_cli import notices
from hfs_cli.compose.session import opened_session
from hfs_cli.groups import Group, owner_options


@click.group(name="checkpoints", cls=Group)
def checkpoints() -> None:
    """Mark points of a session to come back to.

    Each complete reply is marked too; the newest of these marks are kept
    (`checkpoint_retention` in the configuration, 10 by default).
    """


@checkpoints.command(name="create")
@click.argument("ref", required=False)
@click.option("--label", metavar="NAME", help="Its name (c1, c2, … by default).")
@owner_options()
def create_checkpoint(*, ref: str | None, label: str | None) -> None:
    """Mark the end of session REF. In a pipe, prints the checkpoint's name."""
    with opened_session(ref) as (store, session):
        made = store.create_checkpoint(session.id, label)
    from hfs_cli.render.output import print_made

    place = f"session {made.session_id}, after message {made.position}"
    print_made(str(made.label), f'checkpoint "{made.label}": {place}')


@checkpoints.command(name="list")
@click.argument("ref", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, the oldest branch first.")
@owner_options(looks=True)
def list_checkpoints(*, ref: str | None, as_json: bool) -> None:
    """Draw the timeline of session REF: turns, checkpoints and branches.

    In a pipe: one checkpoint per line, tab-separated: session id, message number, name (empty
    for an automatic one), time.
    """
    with opened_session(ref) as (store, session):
        family = store.family(session.id)
    from hfs_cli.render.lists.family import show_timeline

    show_timeline(family, as_json=as_json)


@checkpoints.command(name="delete")
@click.argument("words", metavar="[REF] CHECKPOINT", nargs=-1, required=True)
@owner_options()
def delete_checkpoint(*, words: tuple[str, ...]) -> None:
    """Delete a named checkpoint of the last used session, or of session REF."""
    if len(words) > 2:
        raise click.UsageError("too many arguments: hfs checkpoints delete [REF] CHECKPOINT")
    with opened_session(words[0] if len(words) == 2 else None) as (store, session):
        store.delete_checkpoint(session.id, words[-1])
    notices.notice(f'checkpoint "{words[-1]}" deleted')
