"""`hfs sessions`: look at what is kept, branch it, move it."""

from __future__ import annotations

import click

from hfs_cli.groups import LazyGroup

_COMMANDS = {
    "list": "sessions.list:list_sessions",
    "show": "sessions.show:show",
    "search": "sessions.search",
    "tree": "sessions.tree:tree",
    "fork": "sessions.fork:fork",
    "rewind": "sessions.rewind:rewind",
    "undo": "sessions.undo:undo",
    "retry": "sessions.retry:retry",
    "export": "sessions.export",
    "import": "sessions.import_",
    "stats": "sessions.stats",
    "prune": "sessions.prune",
}


@click.group(name="sessions", cls=LazyGroup, places=_COMMANDS)
def command() -> None:
    """List, show and search the kept sessions; branch them and move them."""
