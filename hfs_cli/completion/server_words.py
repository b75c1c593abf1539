"""Sessions on a server, for Tab: by the store itself, since all of it has to be loaded anyway."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hfs_cli.config import load_config
from hfs_cli.moments import age
from hfs_cli.sanitize import sanitize_line

if TYPE_CHECKING:
    from hfs_cli.messages import Session
    from hfs_cli.store.store import SessionStore

    Word = tuple[str, str]

# Sessions that are looked through, and those that ``@last~N`` goes back to.
_AMONG = 1000
_MOST_BACK = 10


def _store() -> SessionStore:
    from hfs_cli.store.store import open_store

    # Whoever has pressed Tab does not wait for a server that is not there.
    os.environ.setdefault("PGCONNECT_TIMEOUT", "2")
    return open_store(load_config())


def sessions(prefix: str, limit: int) -> list[Word]:
    """As `session_words.sessions`."""
    with _store() as store:
        newest = store.list_recent(limit=_AMONG)
    if not prefix:
        return [(str(s.id), _about(s)) for s in newest[:limit]]
    if prefix.startswith("@"):
        return [
            (f"@last~{steps}" if steps else "@last", _about(s))
            for steps, s in enumerate(newest[:_MOST_BACK])
        ]
    ids = [(str(s.id), _about(s)) for s in newest if str(s.id).startswith(prefix)]
    names = [
        (s.name, f"{s.id} · {age(s.updated_at.timestamp())}")
        for s in newest
        if s.name.startswith(prefix)
        and sanitize_line(s.name) == s.name
        and not s.name.startswith(("-", "@"))
        and not (s.name.isascii() and s.name.isdigit())
    ]
    return ids[:limit] + names[:limit]


def models_used(prefix: str) -> list[Word]:
    """As `session_words.models_used`."""
    with _store() as store:
        newest = store.list_recent(limit=_AMONG // 2)
    words: dict[str, str] = {}
    for session in newest:
        if session.model is not None and session.model.startswith(prefix):
            words.setdefault(session.model, f"used {age(session.updated_at.timestamp())}")
    return list(words.items())


def checkpoints(prefix: str, limit: int) -> list[Word]:
    """As `session_words.checkpoints`, of the sessions that were used last."""
    words: dict[str, str] = {}
    with _store() as store:
        for session in store.list_recent(limit=_MOST_BACK):
            for mark in reversed(store.checkpoints_of(session.id)):
                if mark.label is not None and mark.label.startswith(prefix):
                    words.setdefault(mark.label, f"message {mark.position} of {session.name}")
    return list(words.items())[:limit]


def _about(session: Session) -> str:
    from hfs_cli.naming import first_words

    return f"{first_words(session.name)[0]} · {age(session.updated_at.timestamp())}"
