"""`hfs sessions redact`: find keys in what is kept, and take them out."""

from __future__ import annotations

import click

from hfs_cli import notices
from hfs_cli.config import load_config
from hfs_cli.groups import owner_options
from hfs_cli.wording import plural


@click.command(name="redact")
@click.argument("ref", required=False)
@click.option("-y", "--yes", is_flag=True, help="Replace them.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@owner_options()
def redact_sessions(*, ref: str | None, yes: bool, as_json: bool) -> None:
    """Find keys and tokens of the big vendors in session REF; without REF, in every session.

    Looks at messages, reasoning, calls of tools with their results, attachments and names.
    Prints where each key is, what kind it is, and no more of it than how it begins and ends.
    Changes nothing without --yes; with it, each key is replaced by its kind, as in
    [redacted github-token], and the database is rewritten so that no file of it holds the key
    any more.

    In a pipe: one key per line, tab-separated: session id, message number, where in it, kind,
    excerpt, session name; nothing if none was found.

    \b
      hfs sessions redact
      hfs sessions redact 12 --yes
      test -z "$(hfs sessions redact)" || echo "there are keys"
    """
    from hfs_cli.render.lists.redact import show_keys
    from hfs_cli.store.store import open_store

    with open_store(load_config()) as store:
        # HFS_SESSION does not count: a key that was overlooked is worse than a long list.
        session_id = None if ref is None else store.resolve(ref).id
        if yes:
            found = store.redact(session_id, lambda: notices.notice("waiting for an import to end"))
        else:
            found = store.kept_keys(session_id)
    show_keys(found, as_json=as_json)
    where = f"session {session_id}" if session_id else "every session"
    if not found:
        notices.notice(f"no keys found in {where if session_id else 'any session'}")
    elif yes:
        notices.notice(f"{plural(len(found), 'key')} replaced, in {where}")
    else:
        notices.notice(f"{plural(len(found), 'key')} found, in {where}: --yes replaces them")
