"""`hfs sessions`: list, branch and move sessions."""

from __future__ import annotations

import click

from hfs_cli.groups import LazyGroup

_COMMANDS = {
    "list": "sessions.list:list_sessions",
    "show": "sessions.show:show_session",
    "search": "sessions.search:search_sessions",
    "tree": "sessions.tree:draw_tree",
    "fork": "sessions.fork:fork_session",
    "rewind": "sessions.rewind:rewind_session",
    "undo": "sessions.undo:undo_turns",
    "retry": "sessions.retry:retry_question",
    "compact": "sessions.compact:compact_session",
    "redact": "sessions.redact:redact_sessions",
    "export": "sessions.export:export_sessions",
    "import": "sessions.import_:import_sessions",
    "stats": "sessions.stats:count_turns",
    "rename": "rename:rename_session",
    "delete": "delete:delete_sessions",
    "resume": "resume:resume_session",
}


@click.group(name="sessions", cls=LazyGroup, places=_COMMANDS)
def sessions() -> None:
    """List, show and search sessions; branch, export and import them."""
