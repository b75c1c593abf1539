"""Lists of sessions: newest use first, never a message loaded or counted."""

from datetime import datetime
from typing import Any

from peewee import SqliteDatabase

from hfs_cli.messages import Session
from hfs_cli.naming import normalise
from hfs_cli.store import rows
from hfs_cli.store.rows import to_microseconds
from hfs_cli.store.tables import SessionRow


def list_recent(
    db: SqliteDatabase,
    limit: int | None,
    since: datetime | None,
    model: str | None,
    query: str | None,
) -> list[Session]:
    """The sessions that fit, the last used first."""
    chosen = _chosen(SessionRow.select(), since, model, query)
    chosen = chosen.order_by(SessionRow.use_seq.desc()).limit(limit)
    return [rows.session(row) for row in _dicts(db, chosen)]


def count(db: SqliteDatabase, since: datetime | None, model: str | None, query: str | None) -> int:
    """How many sessions fit."""
    return int(_chosen(SessionRow.select(), since, model, query).count(db))


def older_than(db: SqliteDatabase, moment: datetime) -> list[Session]:
    """Sessions last used before `moment`, the oldest use first."""
    chosen = (
        SessionRow.select()
        .where(SessionRow.updated_at < to_microseconds(moment), SessionRow.use_seq.is_null(False))
        .order_by(SessionRow.use_seq)
    )
    return [rows.session(row) for row in _dicts(db, chosen)]


def prunable(db: SqliteDatabase, moment: datetime, keep: int) -> list[Session]:
    """What was last used, or set aside, before `moment`, but for the `keep` last used."""
    kept = SessionRow.alias("kept")
    spared = kept.select(kept.id).where(kept.use_seq.is_null(False))
    spared = spared.order_by(kept.use_seq.desc()).limit(keep)
    old = to_microseconds(moment)
    # A tail keeps the time of its last use; when it was set aside is when it was made.
    chosen = (
        SessionRow.select()
        .where(
            SessionRow.updated_at < old,
            SessionRow.use_seq.is_null(False) | (SessionRow.created_at < old),
            SessionRow.id.not_in(spared),
        )
        .order_by(SessionRow.use_seq)
    )
    return [rows.session(row) for row in _dicts(db, chosen)]


def _chosen(
    select: Any,  # noqa: ANN401  peewee's query type is generic in ways that do not help here
    since: datetime | None,
    model: str | None,
    query: str | None,
) -> Any:  # noqa: ANN401
    select = select.where(SessionRow.use_seq.is_null(False))
    if since is not None:
        select = select.where(SessionRow.updated_at >= to_microseconds(since))
    if model is not None:
        # "provider/id", or the id alone.
        select = select.where((SessionRow.model == model) | SessionRow.model.endswith(f"/{model}"))
    if query is not None:
        # contains() escapes % and _: the query is text, not a pattern.
        select = select.where(SessionRow.name.contains(normalise(query)))
    return select


def _dicts(db: SqliteDatabase, select: Any) -> Any:  # noqa: ANN401
    rows_ = select.dicts().execute(db)
    return [{**row, "parent_id": row["parent"]} for row in rows_]
