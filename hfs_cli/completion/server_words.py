"""Completions from a database on a server, through the store, which has to be loaded for it."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

from hfs_cli.completion.session_words import (
    BEGINNING,
    MOST_BACK,
    by_id,
    by_name,
    by_number,
    by_place,
)
from hfs_cli.completion.typed import session_meant
from hfs_cli.config import load_config
from hfs_cli.moments import age

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hfs_cli.messages import Session
    from hfs_cli.store.store import SessionStore

    Word = tuple[str, str]

# How many sessions are searched.
_AMONG = 1000


class ServerWords:
    """The words of `session_words`, for a command line whose sessions are on a server.

    Args:
        words: The command line so far, which may say whose sessions it is about.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._flags: dict[str, object] = {}
        for word, after in itertools.pairwise((*words, "")):
            if word == "--all-owners":
                self._flags["all_owners"] = True
            elif word == "--owner" or word.startswith("--owner="):
                self._flags["user"] = word.partition("=")[2] or after or None

    def owners(self, prefix: str, limit: int) -> list[Word]:
        """The owners of sessions."""
        with self._store() as store:
            found = [owner for owner in store.owners() if owner.startswith(prefix)]
        return [(owner, "") for owner in found[:limit]]

    def _store(self) -> SessionStore:
        from hfs_cli.store.store import open_store

        # Nobody who presses Tab wants to wait long for a server that does not answer.
        os.environ.setdefault("PGCONNECT_TIMEOUT", "2")
        return open_store(load_config(flags=self._flags))

    def sessions(self, prefix: str, limit: int) -> list[Word]:
        """As `session_words.sessions`."""
        with self._store() as store:
            if prefix.startswith("@"):
                newest = store.in_order_of_use(MOST_BACK)
            else:
                newest = store.list_recent(limit=_AMONG)
        rows = [(s.id, s.name, int(s.updated_at.timestamp() * 1e6)) for s in newest]
        if not prefix:
            return self._with_owners(by_id(rows[:limit]), newest)
        if prefix.startswith("@"):
            return self._with_owners(by_place(rows), newest)
        ids = [
            word for word in self._with_owners(by_id(rows), newest) if word[0].startswith(prefix)
        ]
        names = [word for word in by_name(rows) if word[0].startswith(prefix)]
        return ids[:limit] + names[:limit]

    def _with_owners(self, words: list[Word], sessions: list[Session]) -> list[Word]:
        if "all_owners" not in self._flags:
            return words
        pairs = zip(words, sessions, strict=False)
        return [(word, f"{session.owner} · {about}") for (word, about), session in pairs]

    def models_used(self, prefix: str) -> list[Word]:
        """As `session_words.models_used`."""
        with self._store() as store:
            newest = store.in_order_of_use(_AMONG // 2)
        words: dict[str, str] = {}
        for session in newest:
            if session.model is not None and session.model.startswith(prefix):
                words.setdefault(session.model, f"used {age(session.updated_at.timestamp())}")
        return list(words.items())

    def checkpoints(self, prefix: str, limit: int) -> list[Word]:
        """As `session_words.checkpoints`, in the last used sessions."""
        words: dict[str, str] = {}
        with self._store() as store:
            for session in store.in_order_of_use(MOST_BACK):
                for mark in reversed(store.checkpoints_of(session.id)):
                    if mark.label is not None and mark.label.startswith(prefix):
                        words.setdefault(mark.label, f"message {mark.position} of {session.name}")
        return list(words.items())[:limit]

    def messages(self, prefix: str, limit: int, words: Sequence[str]) -> list[Word]:
        """As `session_words.messages`."""
        with self._store() as store:
            said = store.transcript(store.resolve(session_meant(words)).id)
        rows = [(m.position, m.role, m.content[:BEGINNING]) for m in reversed(said)]
        return by_number([row for row in rows if str(row[0]).startswith(prefix)][:limit])
