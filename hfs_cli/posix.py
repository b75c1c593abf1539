"""What only POSIX systems have. hfs is for Linux, macOS and their like; on Windows it runs in WSL.

Each use of such a thing stands here or, for files, in `hfs_cli.files`, so that whoever takes
hfs to another system finds them together; `mypy --platform win32` keeps it so.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# What asks a program to end.
ENDING_SIGNALS = [signal.SIGINT, signal.SIGTERM]
if sys.platform != "win32":
    ENDING_SIGNALS.append(signal.SIGHUP)


def readable_within(descriptor: int, seconds: float) -> bool:
    """Whether there is something to read, or an end, before the time is over.

    On Windows `select` takes sockets alone, and pipes are what is asked about here.
    """
    import select

    return bool(select.select([descriptor], [], [], seconds)[0])


def wait_until_writable(descriptor: int) -> None:
    """Wait until a pipe that does not block takes more."""
    import select

    select.select([], [descriptor], [])


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Break off a block that takes too long, a regular expression in the middle too.

    For the main thread. There is no such limit on Windows.

    Raises:
        TimeoutError: It took too long.
    """
    if sys.platform == "win32":
        yield
        return

    def expire(_signum: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"it takes over {seconds:g} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
