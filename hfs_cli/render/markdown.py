"""Markdown that streams: finished blocks are printed once, only the open one is redrawn."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hfs_cli.errors import HfsError
from hfs_cli.messages import Opened, Outcome
from hfs_cli.render.output import Output
from hfs_cli.render.terminal import console, stdout
from hfs_cli.render.ticker import Ticker
from hfs_cli.sanitize import StreamSanitizer

if TYPE_CHECKING:
    from rich.text import Text

_INTERVAL = 0.03
"""Seconds between two looks at what has come."""
_SHARE = 5
"""A redraw may take one part in so many of the time; a costly one is done less often."""


class MarkdownRenderer:
    """Shows the reply as Markdown while it comes.

    Args:
        output: Where it goes.
        stream: Show it as it comes, or all of it at the end.
    """

    def __init__(self, output: Output, *, stream: bool) -> None:
        self._output = output
        self._stream = stream
        self._safe = StreamSanitizer()
        self._lock = threading.Lock()
        self._pieces: list[str] = []
        self._page: Page | None = None
        self._ticker = Ticker(self._tick, _INTERVAL)
        self._next = 0.0
        self._failure: HfsError | None = None

    def opened(self, opened: Opened) -> None:  # noqa: ARG002 - the protocol's own name
        """Load what is needed while the request is under way, then begin to look."""
        threading.Thread(target=_load, daemon=True).start()
        if self._stream:
            self._ticker.start()

    def reasoning(self, text: str) -> None:
        """Standard output carries the reply and nothing else."""

    def text(self, text: str) -> None:
        """Take a piece of the reply; it is on the screen within a moment.

        Raises:
            ReaderLeft: Nobody reads standard output any more.
            OutputError: It cannot be written.
        """
        with self._lock:
            self._pieces.append(text)
            failure, self._failure = self._failure, None
        if failure:
            raise failure

    def pause(self) -> None:
        """Take the open block off the screen, for something else comes there."""
        with self._lock:
            if self._page:
                self._output.write(self._page.clear())

    def close(self, outcome: Outcome) -> None:  # noqa: ARG002 - all was said by text()
        """Print what is left."""
        self._ticker.stop()
        with self._lock:
            self._pieces.append(self._safe.flush())
            if self._page or any(self._pieces):
                self._output.write(self._open_page().last(self._taken()))

    def _tick(self) -> None:
        with self._lock:
            if not self._pieces or time.monotonic() < self._next:
                return
            start = time.monotonic()
            try:
                self._output.write(self._open_page().frame(self._taken()))
            except HfsError as failure:
                self._failure = failure
            end = time.monotonic()
            self._next = end + _SHARE * (end - start)

    def _taken(self) -> str:
        text = self._safe.feed("".join(self._pieces))
        self._pieces.clear()
        return text

    def _open_page(self) -> Page:
        self._page = self._page or Page()
        return self._page


def _load() -> None:
    import hfs_cli.render.layout  # noqa: F401 - for its own imports


class Page:
    """The reply on the screen: blocks above that are final, the open one below them."""

    def __init__(self) -> None:
        from hfs_cli.render.blocks import Splitter
        from hfs_cli.render.layout import Layout

        self._look = stdout()
        self._splitter = Splitter()
        self._console = console(self._look)
        self._layout = Layout(self._console, color=self._look.color)
        self._live = 0

    def frame(self, text: str) -> str:
        """What to write now that `text` has come."""
        self._look = stdout()
        self._splitter.feed(text)
        final = self._print(self._layout.lines(self._splitter.finished(), self._look.width))
        if not self._look.moves:
            return final
        return self.clear() + final + self._open_block()

    def last(self, text: str) -> str:
        """What to write when the reply ends with `text`."""
        self._look = stdout()
        self._splitter.feed(text)
        units = [*self._splitter.finished(), *self._splitter.end()]
        return self.clear() + self._print(self._layout.lines(units, self._look.width))

    def clear(self) -> str:
        """Take the open block off the screen."""
        rows, self._live = self._live, 0
        return f"\r\x1b[{rows}A\x1b[J" if rows else ""

    def _open_block(self) -> str:
        """As much of the open block's end as there is room for."""
        width = self._look.width
        lines = list(self._layout.copy().lines(self._splitter.rest(), width))
        shown = lines[-max(1, self._look.height - 2) :] if lines else []
        for line in shown:
            line.truncate(width, overflow="ellipsis")
        self._live = len(shown)
        return self._print(shown)

    def _print(self, lines: Iterable[Text]) -> str:
        with self._console.capture() as capture:
            for line in lines:
                self._console.print(line, soft_wrap=True)
        return capture.get()
