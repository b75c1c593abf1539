"""Turns that leave no trace (`--no-save`, `--dry-run`): history is read, nothing written."""

import tempfile
from pathlib import Path

from hfs_cli.messages import Call, Opened, Reply, Turn
from hfs_cli.store.store import SessionStore


class Unsaved:
    """The `hfs_cli.turn.run.Store` that keeps nothing.

    Args:
        store: Where the history of a continued session is read.
    """

    def __init__(self, store: SessionStore) -> None:
        self._store = store

    def begin(self, turn: Turn) -> Opened:
        """Read what the turn continues.

        A new conversation needs no database, so one that is locked or damaged does not
        stand in its way.

        Raises:
            NotFoundError: The session to continue is gone.
            StoreError: The session to continue cannot be read.
        """
        if turn.place.session_id is not None:
            return self._store.peek(turn.place.session_id, turn)
        system = None if turn.no_system else turn.system or None
        return Opened(None, None, (turn.prompt,), system)

    def save_reply(self, opened: Opened, reply: Reply, wait_s: float = 30.0) -> int | None:  # noqa: ARG002
        """Keep nothing."""
        return None

    def save_piece(self, opened: Opened, piece: Reply, wait_s: float = 30.0) -> None:
        """Keep nothing."""

    def save_call(
        self, message_id: int | None, position: int, call: Call, wait_s: float = 30.0
    ) -> None:
        """Keep nothing."""

    def spill(self, opened: Opened, reply: Reply) -> str:
        """Keep a reply in a temporary file; a turn that is not saved never asks for it."""
        from hfs_cli.store.spill import spill

        return spill(Path(tempfile.gettempdir()), opened, reply)
