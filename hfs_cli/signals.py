"""Turn signals into one exception, and hold them back while something must be finished."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hfs_cli.errors import SignalReceived

# What asks a program to end; Windows has no terminal that hangs up.
_ENDING = [signal.SIGINT, signal.SIGTERM]
if sys.platform != "win32":
    _ENDING.append(signal.SIGHUP)
# Whoever asks again after this long wants out, whatever is still being finished.
_GRACE_S = 1.0


class _State:
    """What has been received; the process has one set of handlers, so one state."""

    received: int | None = None
    received_at = 0.0
    # Whether `received` has not been raised yet.
    pending = False
    holding = False


def install() -> None:
    """Make SIGINT, SIGTERM and SIGHUP raise `SignalReceived` in the main thread, once.

    What follows the first signal is short (save, say so, leave), so one that comes right
    after it is ignored rather than allowed to break it off; one that comes a second later
    ends the process at once. A signal that the parent has set to be ignored (``nohup``)
    stays ignored.
    """
    for signum in _ENDING:
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, _handle)


def _handle(signum: int, _frame: FrameType | None) -> None:
    if _State.received is None:
        _State.received, _State.received_at = signum, time.monotonic()
        _State.pending = True
        if not _State.holding:
            _raise_pending()
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
    """Let nothing interrupt the block; a signal that came meanwhile is raised at its end.

    `take` says earlier whether one came, `let_through` allows them for a part of the block.
    In a thread other than the main one there is nothing to hold: none is raised there.
    """
    if not _may_be_raised():
        yield
        return
    _State.holding = True
    try:
        yield
    finally:
        _State.holding = False
    _raise_pending()


@contextmanager
def let_through() -> Iterator[None]:
    """Inside `held`: let signals interrupt this block, the ones that waited first.

    So a turn is ``with held(): save the question; with let_through(): stream; save the reply``.

    There is no moment between the two in which a signal could get past both: whoever
    catches `SignalReceived` around this block has it, or it waits for the end of `held`.
    """
    if not _may_be_raised():
        yield
        return
    _State.holding = False
    try:
        _raise_pending()
        yield
    finally:
        _State.holding = True


def waiting() -> bool:
    """Whether a signal came while signals were held: what is still done should end soon."""
    return _State.pending


def received() -> int | None:
    """The signal that asked the program to end, whether or not it was raised yet."""
    return _State.received


def take() -> int | None:
    """The signal that came while signals were held, which then is not raised any more.

    A thread other than the main one takes none from it.
    """
    if not (_State.pending and _may_be_raised()):
        return None
    _State.pending = False
    return _State.received


def _may_be_raised() -> bool:
    # Python runs handlers in the main thread alone (https://docs.python.org/3/library/signal.html).
    return threading.current_thread() is threading.main_thread()


def _raise_pending() -> None:
    signum = take()
    if signum is not None:
        raise SignalReceived(signum)
