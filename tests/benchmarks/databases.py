"""Large databases: made by hfs, filled in bulk."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from hfs_cli.messages import ChatMessage, Place, Reply, Turn
from hfs_cli.store.store import SessionStore

_MODELS = ("openai/gpt-6-luna", "anthropic/claude-sonnet-4-5", "local/smollm2")
_TOPICS = ("release notes", "write-ahead log", "traceback", "commit message", "regex", "plan")


def make_database(path: Path, sessions: int, messages: int = 2) -> None:
    """Make a database with that many sessions, each of that many messages.

    The first session is kept by hfs itself, so the schema is the real one; the others are
    copies of its rows under other names, last used a minute apart.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with SessionStore(path) as store:
        turn = Turn(ChatMessage("user", "What is it?"), _MODELS[0], place=Place(name="first"))
        store.save_reply(store.begin(turn), Reply("It is that.", _MODELS[0], "complete"))
    now = time.time_ns() // 1000
    rows = (
        (
            f"{number:032x}",
            f"{_TOPICS[number % len(_TOPICS)]} {number}... - 2026-11-22_18-05",
            _MODELS[number % len(_MODELS)],
            messages,
            now - (sessions - number) * 60_000_000,
            now - (sessions - number) * 60_000_000,
            number,
        )
        for number in range(2, sessions + 1)
    )
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany(
            "INSERT INTO session (uid, name, origin, model, message_count, last_status,"
            " created_at, updated_at, use_seq) VALUES (?, ?, 'chat', ?, ?, 'complete', ?, ?, ?)",
            rows,
        )
        first = now - (sessions - 1) * 60_000_000
        db.execute("UPDATE session SET created_at = ?, updated_at = ? WHERE id = 1", (first, first))
        for position in range(1, messages + 1):
            db.execute(
                "INSERT INTO message (session_id, position, role, content, status, created_at)"
                " SELECT id, ?, ?, 'About ' || name || ', at some length.', 'complete', updated_at"
                " FROM session WHERE id > 1",
                (position, ("assistant", "user")[position % 2]),
            )
