"""`hfs rename`: give a session another name."""

from __future__ import annotations

import click

from hfs_cli import notices
from hfs_cli.compose.session import opened_session
from hfs_cli.errors import UsageError
from hfs_cli.groups import owner_options


@click.command(name="rename")
@click.argument("words", metavar="[REF] NAME", nargs=-1, required=True)
@owner_options()
def rename_session(words: tuple[str, ...]) -> None:
    """Rename the last used session, or session REF.

    \b
      hfs rename "release notes"
      hfs rename 12 "release notes"
    """
    if len(words) > 2:
        raise UsageError("too many arguments: hfs rename [REF] NAME (quote a name with spaces)")
    with opened_session(words[0] if len(words) == 2 else None) as (store, session):
        renamed = store.rename(session.id, words[-1])
    notices.notice(renamed.label)
