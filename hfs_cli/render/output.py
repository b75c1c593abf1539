"""Write text to standard output, a reply above all: exact in a pipe, safe on a terminal."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, Protocol, TextIO

from hfs_cli.errors import OutputError, ReaderLeft
from hfs_cli.notices import is_terminal, notice
from hfs_cli.sanitize import StreamSanitizer, sanitize

if TYPE_CHECKING:
    from hfs_cli.messages import Call, Opened, Outcome
    from hfs_cli.turn.protocols import Renderer


class Silent:
    """A renderer that shows nothing; a base for those that show only some events."""

    def opened(self, opened: Opened) -> None:
        """Nothing."""

    def reasoning(self, text: str) -> None:
        """Nothing."""

    def text(self, text: str) -> None:
        """Nothing."""

    def called(self, call: Call) -> None:
        """Nothing."""

    def waiting(self) -> None:
        """Nothing."""

    def returned(self, call: Call) -> None:
        """Nothing."""

    def close(self, outcome: Outcome) -> None:
        """Nothing."""


class ForwardingRenderer:
    """A renderer that passes every event on; a base for those that add to another one.

    Args:
        inner: The other renderer.
    """

    def __init__(self, inner: Renderer) -> None:
        self.inner = inner

    def opened(self, opened: Opened) -> None:
        """Pass on."""
        self.inner.opened(opened)

    def reasoning(self, text: str) -> None:
        """Pass on."""
        self.inner.reasoning(text)

    def text(self, text: str) -> None:
        """Pass on."""
        self.inner.text(text)

    def called(self, call: Call) -> None:
        """Pass on."""
        self.inner.called(call)

    def waiting(self) -> None:
        """Pass on."""
        self.inner.waiting()

    def returned(self, call: Call) -> None:
        """Pass on."""
        self.inner.returned(call)

    def close(self, outcome: Outcome) -> None:
        """Pass on."""
        self.inner.close(outcome)


class Sink(Protocol):
    """Where a renderer writes."""

    def write(self, text: str) -> None:
        """Write all of `text` before returning."""
        ...


class Output:
    """Standard output as a file descriptor: in UTF-8, without a buffer, whatever the locale.

    After a failure nothing more is written: the reader does not come back, and a turn that
    ends must not fail a second time.
    """

    def __init__(self) -> None:
        # If stdout was closed at the start (`>&-`), descriptor 1 was free and may now be the
        # database's. sys.stdout is None then.
        self.fd = None if sys.stdout is None else _descriptor(sys.stdout)
        self._failed = False

    def write(self, text: str) -> None:
        r"""Write all of `text` before returning.

        Args:
            text: Any text; a lone surrogate, which UTF-8 cannot encode, becomes ``\udXXX``.

        Raises:
            ReaderLeft: The reader has closed the pipe.
            OutputError: It is closed, or the device is full or broken.
        """
        if not text or self._failed:
            return
        try:
            self._write_all(text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            self._failed = True
            if error.errno in {errno.EPIPE, errno.ECONNRESET}:
                raise ReaderLeft from error
            raise OutputError(f"cannot write to standard output: {error.strerror}") from error

    def _write_all(self, data: bytes) -> None:
        if self.fd is None:
            raise OSError(errno.EBADF, "it is closed")
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self.fd, rest) :]
            except BlockingIOError:
                # Another program has made the pipe non-blocking: wait until it takes more.
                from hfs_cli.posix import wait_until_writable

                wait_until_writable(self.fd)


class PlainRenderer(Silent):
    """Writes the text of a reply, and a newline at the end if it has none.

    Args:
        output: Where the text is written.
        safe: Show control characters escaped (a terminal); in a pipe the text is exact.
        stream: Write each piece at once, and not everything at the end of the turn.
    """

    def __init__(self, output: Sink, *, safe: bool, stream: bool) -> None:
        self._output = output
        self._safe = StreamSanitizer() if safe else None
        self._stream = stream
        self._held: list[str] = []
        self._last = "\n"

    def text(self, text: str) -> None:
        """Write a piece of the reply.

        Raises:
            ReaderLeft: The reader has closed the pipe.
            OutputError: It cannot be written.
        """
        if not text:
            return
        if self._stream:
            self._write(self._safe.feed(text) if self._safe else text)
        else:
            self._held.append(text)

    def called(self, call: Call) -> None:  # noqa: ARG002 - the protocol's own name
        """Show the text before a call to a person, but not in a pipe: it is not the reply."""
        if self._safe:
            self._end()
        else:
            self._held.clear()

    def close(self, outcome: Outcome) -> None:  # noqa: ARG002 - text() got all of it
        """Write the text that was held back, and the last newline."""
        self._end()

    def _end(self) -> None:
        text = "".join(self._held)
        self._held.clear()
        if self._safe:
            text = self._safe.feed(text) + self._safe.flush()
        # In one piece, so that replies do not mix when many processes write to one pipe
        # (`xargs -P`), as long as the kernel takes one at a time.
        self._write(text if (text or self._last).endswith("\n") else text + "\n")

    def _write(self, text: str) -> None:
        if text:
            self._last = text[-1]
            self._output.write(text)


def print_made(short: str, in_words: str) -> None:
    """Print what a command has made: a sentence for a person, an id or a name for a script.

    If only standard error is a terminal (``id=$(hfs sessions fork)``), the sentence goes there.

    Args:
        short: The id or name.
        in_words: The sentence.
    """
    if is_terminal(sys.stdout):
        sys.stdout.write(f"{in_words}\n")
    else:
        sys.stdout.write(f"{short}\n")
        notice(in_words)


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except io.UnsupportedOperation:  # a `StandardOutput` in place of a closed one
        return None


class StandardOutput(io.TextIOBase):
    """Replaces ``sys.stdout`` while a command runs, so that click writes through an `Output`.

    A full disk, a closed output and a reader who has left are then reported in the same way
    whoever prints, and control characters in a path, a model's name or a setting are shown on a
    terminal instead of being sent to it. Nothing is buffered: click prints a text in one piece.
    """

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self) -> None:
        self._output = Output()
        self._safe = self.isatty()

    def write(self, text: str) -> int:
        """Write all of `text`; see `Output.write` for further errors.

        Raises:
            TypeError: It is not a string; click tests in this way whether a stream takes bytes.
        """
        if not isinstance(text, str):
            raise TypeError("standard output takes text")
        self._output.write(sanitize(text) if self._safe else text)
        return len(text)

    def write_own(self, text: str) -> None:
        """Write the program's own text as it is, with its colours."""
        self._output.write(text)

    def writable(self) -> bool:
        """Always true: only writing tells."""
        return True

    def fileno(self) -> int:
        """The descriptor.

        Raises:
            io.UnsupportedOperation: It is closed.
        """
        return super().fileno() if self._output.fd is None else self._output.fd

    def isatty(self) -> bool:
        """Whether a person reads it."""
        return self._output.fd is not None and os.isatty(self._output.fd)
