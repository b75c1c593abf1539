"""Keep a reply while it streams and when it ends."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from hfs_cli.errors import HfsError, NotFoundError, StoreError
from hfs_cli.messages import Opened, Reply
from hfs_cli.turn.collector import Collector

if TYPE_CHECKING:
    from hfs_cli.turn.protocols import Keeper

# A kill costs the text since the last save: at most a second's, so saves are a bit closer.
SAVE_INTERVAL_S = 0.8
# And at most this many characters, however fast they come.
SAVE_CHARS = 1_000_000
# A partial save that finds the database locked is tried again a second later, so it gives up
# soon; the last write of a turn waits as long as other commands do.
PARTIAL_WAIT_S = 0.5
LAST_WAIT_S = 30.0
# After a signal the last write must not keep the user waiting.
INTERRUPTED_WAIT_S = 0.8


class Saver:
    """Saves the reply about once a second while it streams, from a thread of its own.

    A thread, because a stream may stall for minutes with unsaved text, and because a
    database that another process has locked must not hold up what is shown. Each save adds
    what is new: what a long reply costs does not grow with its length.
    """

    def __init__(self, store: Keeper, opened: Opened, collector: Collector) -> None:
        self._store = store
        self._opened = opened
        self._collector = collector
        self._due = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None
        if opened.session is not None:
            self._thread = threading.Thread(target=self._run, name="hfs-saver", daemon=True)
            self._thread.start()

    def received(self) -> None:
        """Save at once where much has come."""
        if self._collector.untaken >= SAVE_CHARS:
            self._due.set()

    def _run(self) -> None:
        unsaved: Reply | None = None
        pause = SAVE_INTERVAL_S
        while True:
            self._due.wait(pause)
            self._due.clear()
            if self._stopped:
                return
            began = time.monotonic()
            if self._collector.untaken:
                piece = self._collector.piece()
                unsaved = piece._replace(
                    text=(unsaved.text if unsaved else "") + piece.text,
                    reasoning=(unsaved.reasoning if unsaved else "") + piece.reasoning,
                )
            if unsaved is not None:
                # A failed save is tried again; the last write reports what is wrong.
                with suppress(Exception):
                    self._store.save_piece(self._opened, unsaved, PARTIAL_WAIT_S)
                    unsaved = None
            pause = max(0.0, SAVE_INTERVAL_S - (time.monotonic() - began))

    def stop(self) -> None:
        """End the thread; returns when it no longer touches the database."""
        self._stopped = True
        self._due.set()
        if self._thread is not None:
            self._thread.join()

    def finish(self, reply: Reply, wait_s: float = LAST_WAIT_S) -> int | None:
        """Write the last state.

        Raises:
            StoreError: It was spilled to the file that the message names.
            NotFoundError: The session was deleted meanwhile.
        """
        self.stop()
        try:
            return self._store.save_reply(self._opened, reply, wait_s)
        except NotFoundError:
            raise
        except Exception as error:  # what was shown is kept, whatever is wrong
            raise spilled(self._store, self._opened, reply, error) from error


def spilled(store: Keeper, opened: Opened, reply: Reply, error: Exception) -> StoreError:
    """Keep a reply that the database did not take in a file; return the error that says where."""
    if isinstance(error, HfsError):
        why = error.message
    else:
        why = f"the reply could not be saved ({type(error).__name__}: {error})"
    try:
        kept = f"the reply is kept in {store.spill(opened, reply)}"
    except Exception as failure:  # noqa: BLE001  the first failure is the one to mend
        kept = f"the reply could not be kept in a file either ({failure})"
    return StoreError(f"{why}; {kept}")
