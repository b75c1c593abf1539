"""Turn signals into an exception, and hold them back while something must be finished."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from hfs_cli.errors import SignalReceived

# The signals that ask a program to end; Windows has no SIGHUP.
_ENDING = [signal.SIGINT, signal.SIGTERM]
if sys.platform != "win32":
    _ENDING.append(signal.SIGHUP)
# A second signal after this long ends the process, whatever is still being finished.
_GRACE_S = 1.0
# How long a signal may go unnoticed while a line is read.
_UNNOTICED_S = 0.1


class _State:
    """What was received. A process has one set of handlers, so there is one state."""

    received: int | None = None
    received_at = 0.0
    # Whether `received` has not been raised yet.
    pending = False
    holding = False


def install() -> None:
    """Make SIGINT, SIGTERM and SIGHUP raise `SignalReceived` in the main thread, once.

    What follows the first signal is short (save, say so, exit), so another one within a second is
    ignored rather than allowed to interrupt it; a later one ends the process at once. A signal that
    the parent process has set to be ignored (``nohup``) stays ignored.
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
        if signum == signal.SIGINT:
            die_of_interrupt()
        os._exit(128 + signum)


def die_of_interrupt() -> None:
    """End as Ctrl-C ends a program, if it was typed; else return.

    A shell stops a loop only if the program in it died of the signal, since one that exits may have
    taken Ctrl-C for a command of its own (https://www.cons.org/cracauer/sigint.html, the text of
    2005, read 2026-11-30). Its ``$?`` is 130 either way; a program that has started this one, and
    sent the signal itself, gets that code.
    """
    if sys.platform == "win32" or _State.received != signal.SIGINT:
        return
    for stream in (1, 2):
        with suppress(OSError):
            # Typed where this is in front, and started from something that is there as well.
            if os.tcgetpgrp(stream) == os.getpgrp() and os.getsid(0) != os.getpid():
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                os.kill(os.getpid(), signal.SIGINT)


def ignore() -> None:
    """Ignore the signals from now on: the exit code is decided.

    As it shuts down, the interpreter restores the default actions, and a second Ctrl-C would then
    replace the exit code by a death by signal.
    """
    for signum in _ENDING:
        signal.signal(signum, signal.SIG_IGN)


@contextmanager
def held() -> Iterator[None]:
    """Let no signal interrupt the block; one that came meanwhile is raised at its end.

    `take` tells earlier whether one came; `let_through` allows them in a part of the block. In a
    thread other than the main one this does nothing, because no signal is raised there.
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
    """Inside `held`: let signals interrupt this block, first one that was held back.

    So a turn is ``with held(): save the question; with let_through(): stream; save the reply``.

    No signal can slip through between the two: either it is raised in this block, for the caller to
    catch, or it is held back until the end of `held`.
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


@contextmanager
def noticed() -> Iterator[None]:
    """Let a signal interrupt the block, which reads a line from a terminal, however early it comes.

    Just when the question appears, a signal could go unnoticed until Enter is pressed: Python looks
    for signals before the system call that reads and once one interrupts it, and not in between;
    and ``input`` drops what a handler raises while the question is flushed (seen in CPython 3.11 to
    3.13, 2026-11-30). So an alarm looks again and again.
    """
    from hfs_cli.posix import alarm

    with alarm(_raise_again, _UNNOTICED_S, _UNNOTICED_S):
        yield


def _raise_again(_signum: int, _frame: FrameType | None) -> None:
    if _State.received is not None and not _State.holding:
        raise SignalReceived(_State.received)


def waiting() -> bool:
    """Whether a signal is being held back, so that what still runs should end soon."""
    return _State.pending


def received() -> int | None:
    """The signal that asked the program to end, raised or not."""
    return _State.received


def take() -> int | None:
    """Take the signal that is held back, if any, so that it is not raised.

    Only the main thread can take it.
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
