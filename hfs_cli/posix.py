"""What only POSIX systems have. hfs is for Linux, macOS and the like; on Windows it runs in WSL.

All such code is here, in `hfs_cli.signals`, in `hfs_cli.files` or, for programs that hfs talks to,
in `hfs_cli.processes`, where whoever ports hfs to another system finds it; `mypy --platform win32`
keeps it so.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType


def readable_within(descriptor: int, seconds: float) -> bool:
    """Wait until there is something to read, or the end; whether that came in time.

    On Windows `select` takes only sockets, and this is about pipes.
    """
    import select

    return bool(select.select([descriptor], [], [], seconds)[0])


def wait_until_writable(descriptor: int) -> None:
    """Wait until a non-blocking pipe takes more."""
    import select

    select.select([], [descriptor], [])


# How soon a limit of time that was passed is told again.
_AGAIN_S = 0.5


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt a block that takes too long, even in the middle of a regular expression.

    Only in the main thread, which alone receives the alarm; in other threads, and on Windows, there
    is no limit. Libraries may swallow the error, so it comes again until the block ends.

    Raises:
        TimeoutError: It took too long.
    """

    def expire(_signum: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"it takes over {seconds:g} s")

    with alarm(expire, seconds, _AGAIN_S):
        yield


@contextmanager
def alarm(
    handle: Callable[[int, FrameType | None], None], seconds: float, again: float
) -> Iterator[None]:
    """Interrupt a block, and go on doing so; in the main thread alone, and not on Windows.

    Args:
        handle: Called as a signal handler is (`signal.signal`).
        seconds: When it is called first.
        again: After how many seconds it is called again, each time.
    """
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, seconds, again)
    try:
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:  # should it come once more on the way out
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def output_of(words: Sequence[str], *, seconds: float, limit: int) -> tuple[int, bytes]:
    """Run a command without a shell, and return its exit status and what it printed.

    Its standard input is empty and its standard error is discarded. Processes that it leaves
    running are not waited for; they are killed if there is no terminal that they could ask on.

    Args:
        words: The program and its arguments.
        seconds: How long it may take.
        limit: How many bytes it may print.

    Raises:
        OSError, ValueError: It cannot be run.
        TimeoutError: It took longer, or printed more.
    """
    if sys.platform == "win32":
        raise OSError(0, "hfs runs commands on POSIX systems only")
    import subprocess

    # A process that asks on a terminal must be in the terminal's foreground group.
    alone = not _has_terminal()
    deadline = time.monotonic() + seconds
    output = b""
    with subprocess.Popen(  # noqa: S603  the user's own command
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        process_group=0 if alone else None,
    ) as process:
        assert process.stdout is not None
        descriptor = process.stdout.fileno()
        at_end = False
        try:
            while time.monotonic() < deadline and len(output) <= limit:
                ended = process.poll() is not None
                if not at_end and readable_within(descriptor, 0 if ended else 0.05):
                    piece = os.read(descriptor, 65536)
                    output += piece
                    at_end = not piece
                elif ended:
                    break
                elif at_end:
                    time.sleep(0.05)
            else:
                raise TimeoutError
        finally:
            if alone:  # the group's number is not reused while any of its processes runs
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            process.kill()
        return process.wait(), output


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY))
    except OSError:
        return False
    return True
