"""Keep a reply while it streams and when it ends."""

from __future__ import annotations

import threading
import time
from typing import Protocol

from hfs_cli.errors import HfsError, StoreError
from hfs_cli.messages import Opened, Reply
from hfs_cli.turn.collector import Collector

SAVE_INTERVAL_S = 1.0
# A partial save that meets another writer is tried again a second later, so it gives way
# soon; the last write of a turn waits as the contract says.
PARTIAL_WAIT_S = 0.5
LAST_WAIT_S = 30.0


class Keeper(Protocol):
    """What keeps replies. All methods may be called from any thread."""

    def save_reply(self, opened: Opened, reply: Reply, wait_s: float = 30.0) -> int | None:
        """Write the reply as it stands: a new row the first time, the same row later.

        Args:
            wait_s: Seconds to wait for another writer.

        Returns:
            The reply's message id, or None when nothing is saved.

        Raises:
            StoreError: The database could not be written.
            NotFoundError: The session was deleted meanwhile.
        """
        ...

    def spill(self, opened: Opened, reply: Reply) -> str:
        """Keep a reply that the database would not take in a file (0600); its path."""
        ...


class Saver:
    """Writes the reply about once a second while it streams, from a thread of its own.

    A thread, because a stream may stall for minutes with unsaved text, and because a
    database that another process has locked must not hold up what is shown.
    """

    def __init__(self, store: Keeper, opened: Opened, collector: Collector) -> None:
        self._store = store
        self._opened = opened
        self._collector = collector
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hfs-saver", daemon=True)
        if opened.session is not None:
            self._thread.start()

    def _run(self) -> None:
        saved = 0
        pause = SAVE_INTERVAL_S
        while not self._stopped.wait(pause):
            size = self._collector.size
            if size == saved:
                continue
            began = time.monotonic()
            try:
                self._store.save_reply(self._opened, self._collector.reply(), PARTIAL_WAIT_S)
            except HfsError:
                continue  # Tried again in a second; the last write reports what is wrong.
            saved = size
            # Each write carries the whole text: a huge reply is saved less often, so that
            # saving never takes more than about a tenth of the time.
            pause = max(SAVE_INTERVAL_S, 10 * (time.monotonic() - began))

    def stop(self) -> None:
        """End the thread; returns when it no longer touches the database."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def finish(self, reply: Reply, wait_s: float = LAST_WAIT_S) -> int | None:
        """Write the last state.

        Raises:
            StoreError: It was spilled to the file that the message names.
        """
        self.stop()
        try:
            return self._store.save_reply(self._opened, reply, wait_s)
        except StoreError as error:
            path = self._store.spill(self._opened, reply)
            raise StoreError(f"{error.message}; the reply is kept in {path}") from error
