"""Lists of sessions, the newest activity first; no message is loaded or counted."""

from __future__ import annotations

from datetime import datetime

from peewee import ColumnBase

from hfs_cli.messages import Session
from hfs_cli.naming import normalise
from hfs_cli.store import rows, sessions
from hfs_cli.store.engine import Connection, own
from hfs_cli.store.tables import SessionRow

_LISTED = SessionRow.use_seq.is_null(False)
# As `Session.unanswered`.
_UNANSWERED = SessionRow.use_seq.is_null() & (SessionRow.origin == "chat")


def list_recent(
    db: Connection,
    *,
    limit: int | None = 20,
    since: datetime | None = None,
    model: str | None = None,
    query: str | None = None,
    unanswered: bool = False,
) -> list[Session]:
    """Sessions, the newest activity first (`sessions.by_activity`).

    Args:
        limit: At most this many; None for all.
        since: Only those used at or after this moment.
        model: Only those whose last turn used it: ``provider/id`` or the id alone.
        query: Only those whose name holds this text (ASCII letters in either case).
        unanswered: Also those that never had a reply.
    """
    chosen = SessionRow.select(rows.SESSION, of=sessions.is_shown())
    shown = _LISTED | _UNANSWERED if unanswered else _LISTED
    chosen = chosen.where(shown, *_fitting(since, model, query))
    chosen = chosen.order_by(*sessions.by_activity(SessionRow))
    if limit is not None:
        chosen = chosen.limit(min(limit, rows.LARGEST))
    return [rows.session(row) for row in db.execute(chosen)]


def count(
    db: Connection,
    *,
    since: datetime | None = None,
    model: str | None = None,
    query: str | None = None,
) -> int:
    """How many sessions `list_recent` would list without a limit."""
    chosen = SessionRow.select(of=sessions.is_shown())
    return chosen.where(_LISTED, *_fitting(since, model, query)).count(db)


def count_kept(db: Connection) -> int:
    """How many sessions there are in all, with those set aside."""
    return SessionRow.select(of=sessions.is_shown()).count(db)


def owners(db: Connection) -> list[str]:
    """The owners of the sessions that may be seen."""
    every = SessionRow.select(SessionRow.owner, of=None).distinct().order_by(SessionRow.owner)
    return [owner for (owner,) in db.execute(every)]


def older_than(db: Connection, moment: datetime, *, keep: int = 0) -> list[Session]:
    """Sessions last used, and tails set aside, before a moment; those unused longest first.

    Args:
        keep: Leave out this many, the first of `list_recent`.
    """
    kept = SessionRow.alias("kept")
    listed = kept.use_seq.is_null(False) & sessions.is_whole(kept)
    spared = kept.select(kept.id).where(own(listed, kept))
    spared = spared.order_by(*sessions.by_activity(kept)).limit(min(keep, rows.LARGEST))
    old = rows.to_microseconds(moment)
    # A tail keeps the time of its last use; it was made when it was set aside.
    chosen = SessionRow.select(rows.SESSION, of=sessions.is_shown()).where(
        SessionRow.updated_at < old,
        _LISTED | (SessionRow.created_at < old),
        SessionRow.id.not_in(spared),
    )
    # Tails, which go with their sessions, come first.
    order = (_LISTED, SessionRow.updated_at, SessionRow.id)
    return [rows.session(row) for row in db.execute(chosen.order_by(*order))]


def _fitting(since: datetime | None, model: str | None, query: str | None) -> list[ColumnBase]:
    asked: list[ColumnBase] = []
    if since is not None:
        asked.append(SessionRow.updated_at >= rows.to_microseconds(since))
    if model is not None:
        # "provider/id", or the id alone.
        asked.append((SessionRow.model == model) | SessionRow.model.endswith(f"/{model}"))
    if query is not None:
        # contains() escapes % and _: the query is text, not a pattern.
        asked.append(SessionRow.name.contains(normalise(query)))
    return asked
