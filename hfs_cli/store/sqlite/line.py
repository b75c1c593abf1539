"""Writers stand in line for the database, and each gets its turn.

Writers that wait for SQLite's own lock sleep and try again: of 200 on two cores a dozen never get
it within 30 s. An advisory lock that they wait for in the kernel is passed on in order, costs
microseconds when nobody else wants it, and is released when its process dies, however it does.
SQLite's lock is taken as well, for programs that do not stand in line.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hfs_cli import signals
from hfs_cli.errors import StoreError
from hfs_cli.files import open_lock_file, release_lock, take_lock
from hfs_cli.store.engine import LEAVE_S, LOCKED, WAIT_S

# No signal is seen while SQLite waits for a lock, so all waiting is done in slices.
SLICE_S = 0.25
_LOOK_AGAIN_S = 0.02


class Patience:
    """When to stop waiting for other writers.

    A wait of 30 s ends when nobody has got anything done for 30 s: each change of the database
    starts it anew. A shorter wait is just that long. For example, the last of 200 writers that take
    0.2 s each waits for 40 s and is served.

    Args:
        path: The database.
        wait_s: Seconds to wait.
    """

    def __init__(self, path: Path, wait_s: float) -> None:
        self._files = (path, path.with_name(f"{path.name}-wal"))
        self._wait_s = wait_s
        self._seen = self._changes()
        self._deadline = time.monotonic() + wait_s
        self._leaving = False

    def left_s(self) -> float:
        """Seconds until it is time to look again; 0 when the wait is over."""
        now = time.monotonic()
        if signals.waiting():
            if not self._leaving:
                self._leaving = True
                self._deadline = min(self._deadline, now + LEAVE_S)
        elif self._wait_s >= WAIT_S and (seen := self._changes()) != self._seen:
            self._seen = seen
            self._deadline = now + self._wait_s
        return max(0.0, min(SLICE_S, self._deadline - now))

    def _changes(self) -> list[tuple[int, int] | None]:
        changes: list[tuple[int, int] | None] = []
        for file in self._files:
            try:
                status = file.stat()
                changes.append((status.st_mtime_ns, status.st_size))
            except OSError:
                changes.append(None)
        return changes


class Line:
    """The line for one database; one thread of a process at a time may use it.

    Args:
        path: The database. The lock is a file of its own beside it, because closing a file that
            SQLite has open would drop SQLite's locks.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    @contextmanager
    def turn(self, patience: Patience) -> Iterator[None]:
        """Wait for this process's turn; the next in line is served when the block ends.

        Where no lock file can be made (in a read-only directory) there is no line.

        Raises:
            StoreError: The turn did not come in time.
        """
        if self._descriptor is None:
            # SQLite follows a symbolic link to the database, and so must its line.
            file = self._path.resolve()
            with suppress(OSError):
                self._descriptor = open_lock_file(file.with_name(f"{file.name}.lock"))
        descriptor = self._descriptor
        if descriptor is not None and not take_lock(descriptor, wait=False):
            self._descriptor = None  # it belongs to the waiting thread until it is locked
            _wait(descriptor, patience, self._path)
            self._descriptor = descriptor
        try:
            yield
        finally:
            if descriptor is not None:
                release_lock(descriptor)

    def close(self) -> None:
        """Close the lock file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _wait(descriptor: int, patience: Patience, path: Path) -> None:
    """Stand in line, in a thread of its own: a wait in the kernel has no time limit.

    When the wait is given up the thread stays behind: it closes the lock file as soon as its turn
    comes, or the process ends.
    """
    served, decided = threading.Event(), threading.Lock()
    given_up = False

    def stand() -> None:
        take_lock(descriptor)
        with decided:
            served.set()
            if given_up:
                os.close(descriptor)

    try:
        threading.Thread(target=stand, name="hfs-line", daemon=True).start()
    except RuntimeError:
        # No thread can be started (ulimit -u): try again and again, out of order.
        while not take_lock(descriptor, wait=False):
            if not patience.left_s():
                os.close(descriptor)
                raise _locked(path) from None
            time.sleep(_LOOK_AGAIN_S)
        return
    try:
        while not served.wait(left := patience.left_s()):
            if not left:
                raise _locked(path)
    except BaseException:
        with decided:
            given_up = True
            if served.is_set():
                os.close(descriptor)
        raise


def _locked(path: Path) -> StoreError:
    return StoreError(f"the database {path} {LOCKED}")
