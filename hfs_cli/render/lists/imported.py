"""Show the result of an import or a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hfs_cli.sanitize import sanitize_line

if TYPE_CHECKING:
    from hfs_cli.conversations import Imported


def show_imported(done: Imported) -> None:
    """Print the counts, one on each line."""
    # The first five are always printed, so that a script finds them.
    click.echo(f"  sessions: {done.sessions}")
    click.echo(f"  of them branches: {done.branches}")
    click.echo(f"  messages: {done.messages}")
    click.echo(f"  attachments: {done.attachments}")
    click.echo(f"  tool calls: {done.calls}")
    if done.extended:
        click.echo(f"  sessions extended: {done.extended}")
    if done.parted:
        click.echo(f"  new branches of sessions that parted: {done.parted}")
    if done.present:
        click.echo(f"  sessions already here: {done.present}")
    if done.deleted:
        click.echo(f"  deleted here, and kept so: {done.deleted} (--restore brings them back)")
    if done.broken:
        click.echo(f"  broken, passed over: {done.broken}")
    for reason, often in done.left_out.items():
        click.echo(f"  left out: {often} × {sanitize_line(reason)}")
