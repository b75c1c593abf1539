"""`hfs sessions show`: the transcript of a session."""

from __future__ import annotations

import click

from hfs_cli.compose.session import meant_session
from hfs_cli.config import load_config


@click.command(name="show")
@click.argument("ref", required=False)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
)
@click.option("--json", "output_format", flag_value="json", help="Short for --format json.")
@click.option("--no-pager", is_flag=True, help="Print a long transcript as it is.")
def show_session(*, ref: str | None, output_format: str, no_pager: bool) -> None:
    """Show the transcript of a session (the last used one by default).

    As Markdown or HTML: hfs sessions export.
    """
    from hfs_cli.store.store import SessionStore

    config = load_config()
    with SessionStore(config.database) as store:
        session = meant_session(store, config, ref)
        messages = store.transcript(session.id)
        checkpoints = store.checkpoints_of(session.id)
    from hfs_cli.render.lists.transcript import print_transcript

    print_transcript(
        session,
        messages,
        as_json=output_format == "json",
        checkpoints=checkpoints,
        pager="" if no_pager else config.pager,
    )
