"""Show a reply as Markdown while it streams."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from hfs_cli.messages import Call, Opened, Outcome
from hfs_cli.render.output import Silent, Sink
from hfs_cli.render.progress import Ticker
from hfs_cli.render.terminal import Terminal
from hfs_cli.sanitize import StreamSanitizer

if TYPE_CHECKING:
    from hfs_cli.render.reply.page import Page

_INTERVAL = 0.03
"""Seconds between two checks for new text."""
_SHARE = 5
"""After a redraw, the next one waits this many times as long as it took."""


class MarkdownRenderer(Silent):
    """Shows the reply as Markdown while it comes.

    Args:
        output: Where it is written.
        look: Returns what the terminal can show; called for each frame.
        stream: Show the reply as it comes, and not only at the end.
    """

    def __init__(self, output: Sink, look: Callable[[], Terminal], *, stream: bool) -> None:
        self._output = output
        self._look = look
        self._stream = stream
        self._safe = StreamSanitizer()
        self._lock = threading.Lock()
        self._pieces: list[str] = []
        self._page: Page | None = None
        self._ticker = Ticker(self._tick, _INTERVAL)
        self._next = 0.0
        self._failure: Exception | None = None
        self._paused = False

    def opened(self, opened: Opened) -> None:  # noqa: ARG002 - the protocol's own name
        """Load the modules for drawing during the request, and start the ticker."""
        with suppress(RuntimeError):  # without a thread they are loaded when they are needed
            threading.Thread(target=_load, daemon=True).start()
        if self._stream:
            self._ticker.start()

    def reasoning(self, text: str) -> None:  # noqa: ARG002 - shown on standard error
        """Erase the open block, because reasoning is shown in its place."""
        with self._lock:
            self._paused = True
            if self._page:
                self._output.write(self._page.clear())

    def text(self, text: str) -> None:
        """Take a piece of the reply; the ticker draws it.

        Raises:
            ReaderLeft: The reader has closed the pipe.
            OutputError: It cannot be written.
        """
        with self._lock:
            self._pieces.append(text)
            self._paused = False
        self._raise_failure()

    def called(self, call: Call) -> None:  # noqa: ARG002 - the protocol's own name
        """Show the text before a call to a person, but not in a pipe: it is not the reply."""
        self._raise_failure()
        with self._lock:
            self._paused = True
            if self._look().tty:
                self._end()
            else:
                self._pieces.clear()

    def close(self, outcome: Outcome) -> None:  # noqa: ARG002 - text() got all of it
        """Print the rest."""
        self._ticker.stop()
        self._raise_failure()
        with self._lock:
            self._end()

    def _end(self) -> None:
        """Print the open block for good; further text begins a new page."""
        text = self._taken() + self._safe.flush()
        if self._page or text:
            self._output.write(self._open_page().last(text))
        self._page = None

    def _tick(self) -> None:
        with self._lock:
            if self._paused or not self._pieces or time.monotonic() < self._next:
                return
            start = time.monotonic()
            try:
                self._output.write(self._open_page().frame(self._taken()))
            except Exception as failure:  # noqa: BLE001 - raised where the turn can see it
                self._failure = failure
            # A long open block takes long to lay out. Its next frame waits five times as long, so
            # that drawing takes at most a sixth of the time.
            end = time.monotonic()
            self._next = end + _SHARE * (end - start)

    def _raise_failure(self) -> None:
        with self._lock:
            failure, self._failure = self._failure, None
        if failure:
            raise failure

    def _taken(self) -> str:
        text = self._safe.feed("".join(self._pieces))
        self._pieces.clear()
        return text

    def _open_page(self) -> Page:
        from hfs_cli.render.reply.page import Page

        self._page = self._page or Page(self._look)
        return self._page


def _load() -> None:
    import hfs_cli.render.reply.page  # noqa: F401 - for its own imports
