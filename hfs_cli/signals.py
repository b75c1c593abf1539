"""Turn signals into one exception, and hold them back while something must be finished."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hfs_cli.errors import SignalReceived

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _State:
    """What has been received; the process has one set of handlers, so one state."""

    received: int | None = None
    holding = False


def install() -> None:
    """Make SIGINT, SIGTERM and SIGHUP raise `SignalReceived` in the main thread, once.

    What follows the first signal is short and bounded (save, say so, leave), so later
    ones are ignored rather than allowed to break it off. A signal that the parent has
    set to be ignored (``nohup``) stays ignored.
    """
    for signum in _ENDING:
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, _handle)


def _handle(signum: int, _frame: FrameType | None) -> None:
    if _State.received is None:
        _State.received = signum
        if not _State.holding:
            raise SignalReceived(signum)


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
