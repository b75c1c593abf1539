"""Write exact bytes to standard output, whatever it is."""

from __future__ import annotations

import errno
import os
import select
import sys
from typing import Protocol

from hfs_cli.errors import OutputError, ReaderLeft


class Sink(Protocol):
    """Where a renderer writes."""

    def write(self, text: str) -> None:
        """Write all of `text` before returning."""
        ...


class Output:
    """Standard output as a file descriptor: UTF-8, no buffer, no locale.

    After a failure nothing more is written: a reader that has gone stays gone, and a
    turn that ends must not fail a second time.
    """

    def __init__(self) -> None:
        # With stdout closed at the start (`>&-`) descriptor 1 is free, and may since have
        # become the database. Python tells: sys.stdout is None then.
        self._fd = None if sys.stdout is None else sys.stdout.fileno()
        self._failed = False

    def write(self, text: str) -> None:
        r"""Write all of `text` before returning.

        Args:
            text: Anything; a lone surrogate, which UTF-8 has no form for, becomes
                ``\udXXX``.

        Raises:
            ReaderLeft: Nobody reads any more.
            OutputError: Closed, or the device is full or broken.
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
        if self._fd is None:
            raise OSError(errno.EBADF, "it is closed")
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:
                # Another program made the pipe non-blocking; wait until it takes more.
                select.select([], [self._fd], [])
