"""`hfs rename`: give a session another name."""

from __future__ import annotations

import click

from hfs_cli import notices
from hfs_cli.config import load_config
from hfs_cli.errors import NotFoundError, UsageError


@click.command(name="rename")
@click.argument("words", metavar="[REF] NAME", nargs=-1, required=True)
def rename_session(words: tuple[str, ...]) -> None:
    """Rename the last used session, or session REF.

    \b
      hfs rename "release notes"
      hfs rename 12 "release notes"
    """
    if len(words) > 2:
        raise UsageError("too many arguments: hfs rename [REF] NAME (quote a name with spaces)")
    from hfs_cli.store.store import SessionStore

    with SessionStore(load_config().database) as store:
        session = store.resolve(words[0]) if len(words) == 2 else store.last_used()
        if session is None:
            raise NotFoundError("no session to rename yet: start one with hfs chat")
        renamed = store.rename(session.id, words[-1])
    notices.notice(renamed.label)
