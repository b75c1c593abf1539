"""Lists of sessions: newest use first, never a message loaded or counted."""

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
    limit: int | None,
    since: datetime | None,
    model: str | None,
    query: str | None,
    *,
    unanswered: bool,
) -> list[Session]:
    """The sessions that fit, the last used first; at the end those that never had a reply."""
    shown = _LISTED | _UNANSWERED if unanswered else _LISTED
    chosen = SessionRow.select(rows.SESSION).where(shown, *_fitting(since, model, query))
    order = (SessionRow.use_seq.is_null(), sessions.USE.desc(), SessionRow.id.desc())
    chosen = chosen.order_by(*order if unanswered else (sessions.USE.desc(),))
    if limit is not None:
        chosen = chosen.limit(min(limit, rows.LARGEST))
    return [rows.session(row) for row in db.execute(chosen)]


def count(db: Connection, since: datetime | None, model: str | None, query: str | None) -> int:
    """How many listed sessions fit."""
    return SessionRow.select().where(_LISTED, *_fitting(since, model, query)).count(db)


def count_kept(db: Connection) -> int:
    """How many sessions there are in all."""
    return SessionRow.select().where(sessions.is_shown()).count(db)


def owners(db: Connection) -> list[str]:
    """Whose sessions there are."""
    every = SessionRow.select(SessionRow.owner).distinct().order_by(SessionRow.owner)
    return [owner for (owner,) in db.execute(every)]


def older_than(db: Connection, moment: datetime, keep: int) -> list[Session]:
    """What was last used, or set aside, before `moment`, but for the `keep` last used."""
    kept = SessionRow.alias("kept")
    listed = kept.use_seq.is_null(False) & sessions.is_whole(kept)
    spared = kept.select(kept.id).where(own(listed, kept))
    spared = spared.order_by(kept.use_seq.desc()).limit(min(keep, rows.LARGEST))
    old = rows.to_microseconds(moment)
    # A tail keeps the time of its last use; when it was set aside is when it was made.
    chosen = SessionRow.select(rows.SESSION).where(
        sessions.is_shown(),
        SessionRow.updated_at < old,
        _LISTED | (SessionRow.created_at < old),
        SessionRow.id.not_in(spared),
    )
    # Tails, which have no number, come first.
    order = (_LISTED, SessionRow.use_seq, SessionRow.id)
    return [rows.session(row) for row in db.execute(chosen.order_by(*order))]


def _fitting(since: datetime | None, model: str | None, query: str | None) -> list[ColumnBase]:
    asked: list[ColumnBase] = [sessions.is_shown()]
    if since is not None:
        asked.append(SessionRow.updated_at >= rows.to_microseconds(since))
    if model is not None:
        # "provider/id", or the id alone.
        asked.append((SessionRow.model == model) | SessionRow.model.endswith(f"/{model}"))
    if query is not None:
        # contains() escapes % and _: the query is text, not a pattern.
        asked.append(SessionRow.name.contains(normalise(query)))
    return asked
