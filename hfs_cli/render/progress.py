"""A progress bar on standard error, for a person who waits."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hfs_cli.render.terminal import terminal
from hfs_cli.sanitize import sanitize_line

Advance = Callable[[int], None]


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
