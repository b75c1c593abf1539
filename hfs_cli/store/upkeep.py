"""Find rows that contradict each other, which no engine's own check sees; shrink the database."""

from __future__ import annotations

from collections.abc import Callable

from hfs_cli.store import deleted
from hfs_cli.store.engine import Connection, Engine
from hfs_cli.store.incoming.take_back import take_back

# A transcript is the shared messages and the session's own, without gaps.
_COUNTS = """
SELECT s.id, s.message_count, coalesce(s.fork_position, 0) + count(m.id)
FROM session s LEFT JOIN message m ON m.session_id = s.id
WHERE s.import_id IS NULL OR s.import_id NOT IN (SELECT id FROM import WHERE ended_at IS NULL)
GROUP BY s.id
HAVING coalesce(s.fork_position, 0) + count(m.id) <> s.message_count
    OR coalesce(max(m.position), s.message_count) <> s.message_count
    OR coalesce(min(m.position), coalesce(s.fork_position, 0) + count(m.id) + 1)
        <> coalesce(s.fork_position, 0) + 1
"""
# A session that is not reached from one without a parent is part of a circle.
_CIRCLES = """
WITH RECURSIVE reached (id) AS (
    SELECT id FROM session WHERE parent_id IS NULL
    UNION SELECT s.id FROM session s JOIN reached r ON s.parent_id = r.id
)
SELECT id FROM session WHERE id NOT IN (SELECT id FROM reached)
"""
_LEFT_OVER = """
SELECT DISTINCT m.id FROM message m JOIN piece p ON p.message_id = m.id WHERE m.status = 'complete'
"""


def contradictions(db: Connection) -> list[str]:
    """The contradictions, one line each."""
    found = [
        f"session {row[0]} says it holds {row[1]} messages but {row[2]} are there"
        for row in db.execute_sql(_COUNTS)
    ]
    found += [f"session {row[0]} is a branch of itself" for row in db.execute_sql(_CIRCLES)]
    found += [
        f"message {row[0]} is complete and has pieces all the same"
        for row in db.execute_sql(_LEFT_OVER)
    ]
    return found


def vacuum(engine: Engine, waiting: Callable[[], None] = lambda: None) -> int:
    """Shrink the database to what it holds, without what imports that were killed have left.

    Args:
        waiting: Called once, when an import has to end first.

    Returns:
        The bytes gained.
    """
    if not engine.exists():
        return 0
    with engine.importing(waiting):
        take_back(engine)
        with engine.staging() as db:
            deleted.forget_old(db)
        return engine.vacuum()
