"""Delete sessions without taking from their branches what they share."""

from collections.abc import Collection, Container, Iterable

from peewee import SqliteDatabase

from hfs_cli.store.sqlite import indexing
from hfs_cli.store.tables import SessionRow
from hfs_cli.store.transcripts import fetch


def delete(db: SqliteDatabase, ids: Iterable[int]) -> int:
    """Delete sessions, and with each the tails that were set aside from it.

    Forks live on: the one that shares the most takes over the shared messages.

    Returns:
        How many of `ids` there were.
    """
    chosen = dict.fromkeys(ids)
    if chosen and _is_every(db, chosen):
        return _delete_all(db, chosen)
    deleted = 0
    for session_id in chosen:
        for tail in _tails(db, session_id):
            _delete_one(db, tail)
        deleted += _delete_one(db, session_id)
    return deleted


def _is_every(db: SqliteDatabase, chosen: Collection[int]) -> bool:
    """Whether no listed session would be left; a look at few rows unless many are chosen."""
    listed = db.execute_sql(
        "SELECT id FROM session WHERE use_seq IS NOT NULL ORDER BY use_seq DESC"
    )
    return all(row[0] in chosen for row in listed)


def _delete_all(db: SqliteDatabase, chosen: Container[int]) -> int:
    """Delete everything: tails belong to sessions, and none is left."""
    there = fetch(db, "SELECT id FROM session")
    indexing.empty(db)
    db.execute_sql("UPDATE session SET parent_id = NULL, fork_position = NULL")
    # Messages, ties and checkpoints go with their sessions (ON DELETE CASCADE).
    db.execute_sql("DELETE FROM session")
    db.execute_sql("DELETE FROM attachment")
    return sum(row["id"] in chosen for row in there)


def _tails(db: SqliteDatabase, session_id: int) -> list[int]:
    """Branches of branches that were set aside and never used again, deepest first."""
    found = fetch(
        db,
        """WITH RECURSIVE tail (id, depth) AS (
            SELECT id, 1 FROM session WHERE parent_id = ? AND use_seq IS NULL
            UNION ALL
            SELECT s.id, t.depth + 1 FROM tail t JOIN session s ON s.parent_id = t.id
            WHERE s.use_seq IS NULL
        ) SELECT id FROM tail ORDER BY depth DESC""",
        (session_id,),
    )
    return [row["id"] for row in found]


def _delete_one(db: SqliteDatabase, session_id: int) -> int:
    found = fetch(
        db, "SELECT name, parent_id, fork_position FROM session WHERE id = ?", (session_id,)
    )
    if not found:
        return 0
    _hand_over(db, session_id, found[0]["parent_id"], found[0]["fork_position"] or 0)
    indexing.unindex_messages(db, session_id)
    indexing.unindex_name(db, session_id, found[0]["name"])
    carried = fetch(
        db,
        """SELECT DISTINCT ma.sha256 FROM message m
        JOIN message_attachment ma ON ma.message_id = m.id
        WHERE m.session_id = ? AND ma.sha256 IS NOT NULL""",
        (session_id,),
    )
    # Its messages, their attachments' ties and its checkpoints go with it (ON DELETE CASCADE).
    deleted = int(SessionRow.delete().where(SessionRow.id == session_id).execute(db))
    for row in carried:
        db.execute_sql(
            "DELETE FROM attachment WHERE sha256 = ? AND NOT EXISTS "
            "(SELECT 1 FROM message_attachment ma WHERE ma.sha256 = attachment.sha256)",
            (row["sha256"],),
        )
    return deleted


def _hand_over(db: SqliteDatabase, session_id: int, parent: int | None, own_from: int) -> None:
    """Give the messages that branches share to the branch that shares the most of them."""
    children = fetch(
        db,
        "SELECT id, fork_position FROM session WHERE parent_id = ? ORDER BY fork_position DESC, id",
        (session_id,),
    )
    if not children:
        return
    heir, share = children[0]["id"], children[0]["fork_position"]
    db.execute_sql(
        "UPDATE message SET session_id = ? WHERE session_id = ? AND position <= ?",
        (heir, session_id, share),
    )
    # OR IGNORE: where the heir has a checkpoint of the same name, its own stays.
    db.execute_sql(
        "UPDATE OR IGNORE checkpoint SET session_id = ? WHERE session_id = ? AND position <= ?",
        (heir, session_id, share),
    )
    # The heir now begins where the deleted session did, or earlier if it shared less.
    start = None if parent is None else min(share, own_from)
    for child in children:
        if child["id"] == heir:
            _reparent(db, heir, parent, start)
        elif child["fork_position"] > own_from or parent is None:
            _reparent(db, child["id"], heir, child["fork_position"])
        else:
            _reparent(db, child["id"], parent, child["fork_position"])


def _reparent(db: SqliteDatabase, session_id: int, parent: int | None, at: int | None) -> None:
    db.execute_sql(
        "UPDATE session SET parent_id = ?, fork_position = ? WHERE id = ?",
        (parent, at, session_id),
    )
