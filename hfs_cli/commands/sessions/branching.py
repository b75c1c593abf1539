"""What the commands that make branches say when they are done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hfs_cli import notices
from hfs_cli.wording import plural

if TYPE_CHECKING:
    from hfs_cli.messages import Session


def told(session: Session, what: str) -> None:
    """The id is the answer; the rest is for a person."""
    click.echo(session.id)
    count = plural(session.messages, "message")
    notices.notice(f"{what}: session {session.id} · {session.name} · {count}")
