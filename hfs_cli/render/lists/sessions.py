"""Show lists of sessions: to a person, in a pipe, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hfs_cli.messages import Session
from hfs_cli.moments import age, iso
from hfs_cli.naming import first_words
from hfs_cli.render.json_shapes import print_json, session_json
from hfs_cli.render.lists.table import Column, Tailed, print_table, write_rows
from hfs_cli.render.output import Output
from hfs_cli.render.terminal import stdout

CURRENT, PARTIAL, UNANSWERED = "●", "◐", "○"
_COLUMNS = (
    Column("ID", align="right", style="cyan"),
    Column("NAME", flexible=True),
    Column("MODEL", style="dim"),
    Column("MSGS", align="right"),
    Column("USED"),
    Column("", lasting=True),
)


def show_sessions(
    sessions: Sequence[Session],
    *,
    current_id: int | None,
    total: int,
    now: datetime,
    as_json: bool = False,
    owners: bool = False,
) -> None:
    """Show a list in a form that suits standard output.

    Args:
        sessions: The newest activity first.
        current_id: The session that ``-c`` continues, or None.
        total: How many sessions fit, those that the list leaves out included.
        now: The present, for "2 h ago".
        as_json: Print a JSON array instead.
        owners: Show the owner of each session.
    """
    if as_json:
        print_json([session_json(session) for session in sessions])
    elif not stdout().tty:
        # Scripts rely on the columns and their order; without a model the cell is empty.
        write_rows(
            [
                (
                    str(s.id),
                    s.name,
                    s.model or "",
                    str(s.messages),
                    iso(s.updated_at),
                    "partial" if s.last_status == "partial" else "",
                    *((s.owner,) if owners else ()),
                )
                for s in sessions
            ]
        )
    elif sessions:
        rows = [
            (
                str(session.id),
                *((session.owner,) if owners else ()),
                Tailed(*first_words(session.name)),
                # Without the provider, because the column is narrow.
                (session.model or "–").partition("/")[2] or session.model or "–",
                str(session.messages),
                age(session.updated_at.timestamp(), now.timestamp()),
                _marks(session, current_id),
            )
            for session in sessions
        ]
        columns = (_COLUMNS[0], Column("OWNER"), *_COLUMNS[1:]) if owners else _COLUMNS
        print_table(columns, rows, footer=_footer(sessions, current_id, total))
    else:
        Output().write("no sessions yet: hfs chat starts one\n")


def _marks(session: Session, current_id: int | None) -> str:
    if session.unanswered:
        return UNANSWERED
    current = CURRENT if session.id == current_id else ""
    return current + (PARTIAL if session.last_status == "partial" else "")


def _footer(sessions: Sequence[Session], current_id: int | None, total: int) -> str:
    """The meaning of the marks, and how many sessions are not listed."""
    parts = []
    if any(session.id == current_id for session in sessions):
        parts.append(f"{CURRENT} current")
    if any(session.last_status == "partial" for session in sessions):
        parts.append(f"{PARTIAL} last reply partial")
    if any(session.unanswered for session in sessions):
        parts.append(f"{UNANSWERED} never answered")
    if len(sessions) < total:
        parts.append(f"{len(sessions)} of {total} — --all for the rest")
    return "   ".join(parts)
