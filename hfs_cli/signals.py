"""Turn signals into one exception, and hold them back while something must be finished."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hfs_cli.errors import SignalReceived

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Whoever asks again after this long wants out, whatever is still being finished.
_GRACE_S = 1.0


class _State:
    """What has been received; the process has one set of handlers, so one state."""

    received: int | None = None
    received_at = 0.0
    holding = False


def install() -> None:
    """Make SIGINT, SIGTERM and SIGHUP raise `SignalReceived` in the main thread, once.

    What follows the first signal is short (save, say so, leave), so one that comes right
    after it is ignored rather than allowed to break it off; one that comes a second later
    ends the process at once. A signal that the parent has
    set to be ignored (``nohup``) stays ignored.
    """
    for signum in _ENDING:
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, _handle)


def _handle(signum: int, _frame: FrameType | None) -> None:
    if _State.received is None:
        _State.received, _State.received_at = signum, time.monotonic()
        if not _State.holding:
            raise SignalReceived(signum)
    elif time.monotonic() - _State.received_at > _GRACE_S:
        os._exit(128 + signum)


def ignore() -> None:
    """Ignore them from now on: the exit code is decided.

    While the interpreter shuts down it puts the default actions back, and a second Ctrl-C
    would then turn the exit code into a death by signal.
    """
    for signum in _ENDING:
        signal.signal(signum, signal.SIG_IGN)


@contextmanager
def held() -> Iterator[None]:
    """Let nothing interrupt the block; a signal that came meanwhile is raised after it."""
    before = _State.received
    _State.holding = True
    try:
        yield
    finally:
        _State.holding = False
    if before is None and _State.received is not None:
        raise SignalReceived(_State.received)
