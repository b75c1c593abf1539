"""`hfs sessions tree`: draw the family of a session."""

from __future__ import annotations

import click

from hfs_cli.compose.session import opened_session
from hfs_cli.groups import owner_options


@click.command(name="tree")
@click.argument("ref", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array, the oldest first.")
@owner_options(looks=True)
def draw_tree(*, ref: str | None, as_json: bool) -> None:
    """Draw the family of session REF: forks, and what was set aside."""
    with opened_session(ref) as (store, session):
        family = store.family(session.id)
    from hfs_cli.render.lists.family import show_tree

    show_tree(family, current_id=session.id, as_json=as_json)
