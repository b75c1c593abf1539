"""Turns that leave no trace (`--no-save`, `--dry-run`): history is read, nothing written."""

import tempfile
from pathlib import Path

from hfs_cli.messages import Call, Message, Opened, Reply, Turn
from hfs_cli.store.messages import system_for
from hfs_cli.store.store import SessionStore


class Unsaved:
    """The `hfs_cli.turn.protocols.Store` that keeps nothing.

    Args:
        store: Where the history of a continued session is read.
    """

    def __init__(self, store: SessionStore) -> None:
        self._store = store

    def begin(self, turn: Turn) -> Opened:
        """See `hfs_cli.turn.protocols.Store`; what the turn continues is read as by `peek`."""
        return self.peek(turn)[1]

    def peek(self, turn: Turn) -> tuple[list[Message], Opened]:
        """Read what the turn continues: the transcript of its session, and what it begins with.

        A new conversation needs no database, so one that is locked or damaged does not
        stand in its way.

        Raises:
            NotFoundError: The session to continue is gone.
            StoreError: The session to continue cannot be read.
        """
        if turn.place.session_id is not None:
            return self._store.peek(turn.place.session_id, turn)
        return [], Opened(None, None, (turn.prompt,), system_for(turn, ()))

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
