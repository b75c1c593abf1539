"""Calls of tools, each with its result; the step of its turn that a reply is; a vendor's state.

A call lives with the reply that asked for it, and its result with it, so that nothing that cuts
a conversation can part the two. What was kept before are names: calls that nobody ran.
"""

import json

from peewee import SqliteDatabase
from playhouse.migrate import SqliteMigrator

_STATEMENTS = (
    """CREATE TABLE tool_call (
        id INTEGER PRIMARY KEY,
        message_id INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        call_id TEXT NOT NULL,
        name TEXT NOT NULL,
        arguments TEXT NOT NULL,
        result TEXT,
        failed INTEGER NOT NULL,
        extra TEXT,
        started_at INTEGER,
        ended_at INTEGER,
        UNIQUE (message_id, position)
    )""",
    # The words of calls that have a result; as those of messages, see 0002.
    """CREATE VIRTUAL TABLE call_words USING fts5 (
        content, content = '', tokenize = 'unicode61 remove_diacritics 2'
    )""",
    "ALTER TABLE message ADD COLUMN step INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE message ADD COLUMN extra TEXT",
)
# The column of names becomes that of the state: SQLite before 3.35 can drop none.
_TO_STATE = (
    "UPDATE message SET tool_calls = NULL WHERE tool_calls IS NOT NULL",
    "ALTER TABLE message RENAME COLUMN tool_calls TO state",
)


def up(_migrator: SqliteMigrator, db: SqliteDatabase) -> None:
    """Make the tables and columns, and move the names."""
    for statement in _STATEMENTS:
        db.execute_sql(statement)
    named = db.execute_sql("SELECT id, tool_calls FROM message WHERE tool_calls IS NOT NULL")
    for message_id, names in named.fetchall():
        for position, name in enumerate(_names(names), 1):
            db.execute_sql(
                "INSERT INTO tool_call (message_id, position, call_id, name, arguments, failed)"
                " VALUES (?, ?, '', ?, '', 0)",
                (message_id, position, name),
            )
    for statement in _TO_STATE:
        db.execute_sql(statement)


def _names(kept: object) -> list[str]:
    """What a column of names holds; a database that somebody else has edited may hold anything."""
    try:
        names = json.loads(str(kept))
    except (ValueError, RecursionError):
        return []
    return [n for n in names if isinstance(n, str)] if isinstance(names, list) else []
