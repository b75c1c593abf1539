"""Signs of life on standard error for a person who waits: a spinner, a bar."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from hfs_cli import notices
from hfs_cli.render.terminal import terminal
from hfs_cli.sanitize import sanitize_line

Advance = Callable[[int], None]
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_ERASE = "\r\x1b[K"


class Ticker:
    """A daemon thread that calls `tick` every `interval` seconds.

    Args:
        tick: What to call; it takes its own locks.
        interval: Seconds between two calls.
    """

    def __init__(self, tick: Callable[[], None], interval: float) -> None:
        self._tick = tick
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin; the first call comes after one interval.

        Where no thread can be started, nothing is called: it is a sign of life at most.
        """
        with suppress(RuntimeError):
            self._thread.start()

    def stop(self) -> None:
        """End, and wait for a call that is under way."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            self._tick()


class Spinner:
    """A sign of life on standard error until the first token.

    Args:
        label: What is waited for; nothing where that goes without saying.
    """

    def __init__(self, label: str = "") -> None:
        self._label = label and f" {label}"
        self._frame = 0
        self._ticker = Ticker(self._draw, 0.1)

    def start(self) -> None:
        """Begin to turn."""
        self._ticker.start()

    def stop(self) -> None:
        """Leave no trace."""
        self._ticker.stop()
        if self._frame:
            notices.write(_ERASE)

    def _draw(self) -> None:
        # The cursor goes back to the margin: a warning that comes meanwhile is written over it.
        notices.write(f"\r{_FRAMES[self._frame % len(_FRAMES)]}{self._label}\r")
        self._frame += 1


@contextmanager
def waiting(label: str) -> Iterator[None]:
    """Show a spinner with a few words while the block runs; off a terminal, nothing at all."""
    look = terminal(sys.stderr)
    if not look.moves:
        yield
        return
    # It must not wrap: a line is all that can be erased.
    spinner = Spinner(sanitize_line(label)[: look.width - 4])
    spinner.start()
    try:
        yield
    finally:
        spinner.stop()


@contextmanager
def progress(label: str, total: int | None, *, quiet: bool = False) -> Iterator[Advance]:
    """Show a bar while the block runs; off a terminal, nothing at all.

    Args:
        label: What is being done.
        total: Bytes in all, or None when nobody knows.
        quiet: Show nothing.

    Yields:
        A function to call with the number of bytes that have been done since the last call.
    """
    look = terminal(sys.stderr)
    if quiet or not look.moves:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    view = Console(
        file=sys.stderr,
        width=look.width,
        color_system="standard" if look.color else None,
        no_color=not look.color,
        markup=False,
    )
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None, complete_style="cyan", finished_style="cyan"),
        TaskProgressColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=view, redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task(sanitize_line(label), total=total)
        yield lambda done: bar.advance(task, done)
