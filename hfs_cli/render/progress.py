"""Show progress on standard error to a person who waits: a spinner or a bar."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from hfs_cli import notices
from hfs_cli.messages import Usage
from hfs_cli.moments import duration
from hfs_cli.render.terminal import Terminal, terminal
from hfs_cli.sanitize import sanitize_line
from hfs_cli.wording import money

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID

Advance = Callable[[int], None]
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_ERASE = "\r\x1b[K"


class Ticker:
    """A daemon thread that calls a function again and again.

    Args:
        tick: The function; it takes its own locks.
        interval: Seconds between two calls.
    """

    def __init__(self, tick: Callable[[], None], interval: float) -> None:
        self._tick = tick
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Start; the first call comes after one interval.

        If no thread can be started, nothing is called: progress is not essential.
        """
        with suppress(RuntimeError):
            self._thread.start()

    def stop(self) -> None:
        """Stop, and wait for a call that is under way."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            self._tick()


class Spinner:
    """A spinner on standard error.

    Args:
        label: What is waited for, if that has to be said.
    """

    def __init__(self, label: str = "") -> None:
        self._label = label and f" {label}"
        self._frame = 0
        self._ticker = Ticker(self._draw, 0.1)

    def start(self) -> None:
        """Start to turn."""
        self._ticker.start()

    def stop(self) -> None:
        """Stop, and erase the spinner."""
        self._ticker.stop()
        if self._frame:
            notices.write(_ERASE)

    def _draw(self) -> None:
        # The cursor returns to the margin, so that a warning in between overwrites the spinner.
        notices.write(f"\r{_FRAMES[self._frame % len(_FRAMES)]}{self._label}\r")
        self._frame += 1


@contextmanager
def waiting(label: str) -> Iterator[None]:
    """Show a spinner with a label while the block runs, if standard error is a terminal."""
    look = terminal(sys.stderr)
    if not look.moves:
        yield
        return
    # The label must not wrap: only one line is erased.
    spinner = Spinner(sanitize_line(label)[: look.width - 4])
    spinner.start()
    try:
        yield
    finally:
        spinner.stop()


_WIDE = 70


@contextmanager
def progress(label: str, total: int | None, *, counted: bool = False) -> Iterator[Advance]:
    """Show a progress bar while the block runs, if standard error is a terminal.

    Args:
        label: What is being done.
        total: Bytes in all, or None if unknown.
        counted: The bar counts items instead of bytes.

    Yields:
        A function to call with the number of bytes or items done since the last call.
    """
    look = terminal(sys.stderr)
    if not look.moves:
        yield lambda _: None
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None, complete_style="cyan", finished_style="cyan"),
        TaskProgressColumn(),
        *((MofNCompleteColumn(),) if counted else (DownloadColumn(), TransferSpeedColumn())),
        TimeRemainingColumn(),
    )
    # A narrow window shows only the first columns, for all of them would be cut.
    shown = columns if look.width >= _WIDE else columns[:3]
    label, most = sanitize_line(label), look.width // 2
    if len(label) > most:
        label = f"…{label[1 - most :]}"
    with _bar(look, *shown) as bar:
        task = bar.add_task(label, total=total)
        try:
            yield lambda done: bar.advance(task, done)
        except BaseException:
            # The error says what failed; a bar that has stopped would say nothing.
            bar.live.transient = True
            raise


def _bar(look: Terminal, *columns: ProgressColumn) -> Progress:
    """A bar on standard error that leaves the other streams alone."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(
        file=sys.stderr,
        width=look.width,
        color_system="standard" if look.color else None,
        no_color=not look.color,
        markup=False,
    )
    return Progress(*columns, console=console, redirect_stdout=False, redirect_stderr=False)


class BatchProgress:
    """The progress of a batch of prompts; `batch_progress` shows it.

    Args:
        total: How many results there will be.
        present: How many results existed before.
    """

    def __init__(self, total: int, present: int) -> None:
        self._total = total
        self._present = present
        self._began = time.monotonic()
        self._done = 0
        self._failed = 0
        self._tokens = [0, 0]
        self._cost: float | None = None
        self._note = ""
        self._held_until = 0.0
        self._bar: tuple[Progress, TaskID] | None = None

    def add(self, *, failed: bool, usage: Usage | None, cost: float | None) -> None:
        """Count one more result.

        Args:
            failed: Whether the prompt has failed.
            usage: The tokens that it took.
            cost: The cost of all results so far, or None if unknown.
        """
        self._done += 1
        self._failed += failed
        if usage is not None:
            self._tokens[0] += usage.input_tokens or 0
            self._tokens[1] += usage.output_tokens or 0
        self._cost = cost
        if self._bar is not None:
            bar, task = self._bar
            bar.update(task, completed=self._present + self._done)

    def note(self, text: str) -> None:
        """Show a note beside the numbers, in place of the last one."""
        self._note = sanitize_line(text)

    def hold(self, seconds: float) -> bool:
        """Count the seconds down for which requests are held back; whether anybody sees it."""
        self._held_until = max(self._held_until, time.monotonic() + seconds)
        return self._bar is not None

    def show_on(self, bar: Progress) -> None:
        """Show the progress on a bar from now on."""
        # The bar asks for the text each time it is drawn, so that a wait is counted down.
        task = bar.add_task("", total=self._total, completed=self._present, text=self)
        self._bar = bar, task

    def __str__(self) -> str:
        """The numbers in one line, now."""
        parts = [f"{self._present + self._done:,}/{self._total:,}"]
        if (left := self._held_until - time.monotonic()) > 0:
            parts.append(f"waiting {duration(left)}" if left > 60 else f"waiting {left:.0f} s")
        if self._failed:
            parts.append(f"{self._failed:,} failed")
        if self._done:
            parts.append(f"{self._done / max(time.monotonic() - self._began, 0.001):,.1f}/s")
        if any(self._tokens):
            parts.append(f"{sum(self._tokens):,} tokens")
        if self._cost is not None:
            parts.append(f"cost {money(self._cost)}")
        if self._note:
            parts.append(self._note)
        return " · ".join(parts)

    def summary(self) -> str:
        """The totals in one line, at the end."""
        took = time.monotonic() - self._began
        parts = [f"{self._done - self._failed:,} done", f"{self._failed:,} failed"]
        if self._present:
            parts.append(f"{self._present:,} there before")
        parts.append(f"{self._tokens[0]:,} in, {self._tokens[1]:,} out")
        if self._cost is not None:
            parts.append(f"cost {money(self._cost)}")
        time_taken = f"{took:.1f} s" if took < 60 else duration(took)
        parts.append(f"{time_taken}, {self._done / max(took, 0.001):,.1f}/s")
        return " · ".join(parts)


@contextmanager
def batch_progress(total: int, present: int, *, quiet: bool) -> Iterator[BatchProgress]:
    """Show the progress of a batch while the block runs, if standard error is a terminal.

    Args:
        total: How many results there will be.
        present: How many results exist already.
        quiet: Show nothing.
    """
    state = BatchProgress(total, present)
    look = terminal(sys.stderr)
    if quiet or not look.moves:
        yield state
        return
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(bar_width=None, complete_style="cyan", finished_style="cyan"),
        TextColumn("{task.fields[text]}", markup=False),
        TimeRemainingColumn(),
    )
    with _bar(look, *columns) as bar:
        bar.live.transient = True
        state.show_on(bar)
        yield state
