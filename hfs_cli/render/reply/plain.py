"""The reply as text: exact in a pipe, made safe on a terminal."""

from __future__ import annotations

from hfs_cli.messages import Opened, Outcome
from hfs_cli.render.output import Sink
from hfs_cli.sanitize import StreamSanitizer


class PlainRenderer:
    """Writes each piece as it comes, and one newline at the end if there is none.

    Args:
        output: Where the text goes.
        safe: Show control characters escaped (a terminal); in a pipe the text is exact.
        stream: Write each piece at once, or everything when the turn has ended.
    """

    def __init__(self, output: Sink, *, safe: bool, stream: bool) -> None:
        self._output = output
        self._safe = StreamSanitizer() if safe else None
        self._stream = stream
        self._held: list[str] = []
        self._last = "\n"

    def opened(self, opened: Opened) -> None:
        """Nothing is shown before there is text."""

    def reasoning(self, text: str) -> None:
        """Standard output carries the reply and nothing else."""

    def text(self, text: str) -> None:
        """Write a piece of the reply.

        Raises:
            ReaderLeft: Nobody reads standard output any more.
            OutputError: It cannot be written.
        """
        if not text:
            return
        if self._stream:
            self._write(self._safe.feed(text) if self._safe else text)
        else:
            self._held.append(text)

    def close(self, outcome: Outcome) -> None:  # noqa: ARG002 - all was said by text()
        """Write what was held back, and the last newline."""
        if self._held:
            held = "".join(self._held)
            self._held.clear()
            self._write(self._safe.feed(held) if self._safe else held)
        if self._safe:
            self._write(self._safe.flush())
        if self._last != "\n":
            self._write("\n")

    def _write(self, text: str) -> None:
        if text:
            self._last = text[-1]
            self._output.write(text)
