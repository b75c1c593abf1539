"""Sessions, their messages, and what messages carry."""

from peewee import SqliteDatabase
from playhouse.migrate import SqliteMigrator

# AUTOINCREMENT: the number of a deleted session or message never names another one.
# RESTRICT on parent_id: a parent is deleted only after its branches were given their share.
_TABLES = """
CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    origin TEXT NOT NULL
        CHECK (origin IN ('chat', 'fork', 'rewind', 'undo', 'retry', 'import')),
    model TEXT,
    message_count INTEGER NOT NULL,
    last_status TEXT CHECK (last_status IN ('complete', 'partial')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    use_seq INTEGER UNIQUE,
    parent_id INTEGER REFERENCES session (id) ON DELETE RESTRICT,
    fork_position INTEGER CHECK ((fork_position IS NULL) = (parent_id IS NULL))
);
CREATE INDEX session_parent ON session (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    position INTEGER NOT NULL CHECK (position > 0),
    role TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant', 'tool')),
    content TEXT NOT NULL,
    reasoning TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL CHECK (status IN ('complete', 'partial')),
    finish_reason TEXT,
    finish_raw TEXT,
    model TEXT,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cached_tokens INTEGER,
    reasoning_tokens INTEGER,
    tool_calls TEXT,
    error TEXT,
    first_token_s REAL,
    total_s REAL,
    created_at INTEGER NOT NULL,
    reply_to INTEGER REFERENCES message (id) ON DELETE SET NULL,
    UNIQUE (session_id, position)
);
CREATE INDEX message_reply ON message (reply_to) WHERE reply_to IS NOT NULL;
CREATE INDEX message_partial ON message (session_id) WHERE status = 'partial';

CREATE TABLE attachment (
    sha256 TEXT NOT NULL PRIMARY KEY,
    data BLOB NOT NULL
);
CREATE TABLE message_attachment (
    message_id INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    sha256 TEXT REFERENCES attachment (sha256),
    url TEXT,
    PRIMARY KEY (message_id, position),
    CHECK ((sha256 IS NULL) <> (url IS NULL))
) WITHOUT ROWID;
CREATE INDEX message_attachment_sha256 ON message_attachment (sha256);
"""


def up(_migrator: SqliteMigrator, db: SqliteDatabase) -> None:
    """Make the tables."""
    for statement in _TABLES.split(";"):
        if statement.strip():
            db.execute_sql(statement)
