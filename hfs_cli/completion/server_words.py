"""Sessions on a server, for Tab: by the store itself, since all of it has to be loaded anyway."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

from hfs_cli.config import load_config
from hfs_cli.moments import age
from hfs_cli.sanitize import sanitize_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hfs_cli.messages import Session
    from hfs_cli.store.store import SessionStore

    Word = tuple[str, str]

# How many sessions are searched.
_AMONG = 1000
_MOST_BACK = 10


# Whose sessions the command line is about, as flags of a configuration.
_asked: dict[str, object] = {}


def heed(words: Sequence[str]) -> None:
    """Offer the sessions that a command line with these words is about."""
    for word, after in itertools.pairwise((*words, "")):
        if word == "--all-owners":
            _asked["all_owners"] = True
        elif word == "--owner" or word.startswith("--owner="):
            _asked["user"] = word.partition("=")[2] or after or None


def owners(prefix: str, limit: int) -> list[Word]:
    """Whose sessions there are."""
    with _store() as store:
        found = [owner for owner in store.owners() if owner.startswith(prefix)]
    return [(owner, "") for owner in found[:limit]]


def _store() -> SessionStore:
    from hfs_cli.store.store import open_store

    # Whoever has pressed Tab does not wait for a server that is not there.
    os.environ.setdefault("PGCONNECT_TIMEOUT", "2")
    return open_store(load_config(flags=_asked))


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

    whose = f"{session.owner} · " if "all_owners" in _asked else ""
    return f"{whose}{first_words(session.name)[0]} · {age(session.updated_at.timestamp())}"
