"""Write what a user wants in a file (``--output``): whole or not at all, and over nothing."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from hfs_cli.errors import OutputError, UsageError
from hfs_cli.files import NewFile
from hfs_cli.render.output import ForwardingRenderer

if TYPE_CHECKING:
    from hfs_cli.messages import Opened, Outcome
    from hfs_cli.turn.protocols import Renderer


class OutputFile:
    """A file that a user asked for (``--output``); nothing is overwritten by accident.

    As a context manager it is kept if the block ends without an exception.

    Args:
        path: The file; a link of that name is not followed.
        force: Whether a regular file of that name may be replaced.

    Raises:
        UsageError: It exists, is not a regular file, or its directory cannot be written. This is
            checked at once, before a request is sent and paid for.
    """

    def __init__(self, path: Path, *, force: bool) -> None:
        self._path = path
        self._force = force
        self._new: NewFile | None = None
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            pass
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from error
        else:
            if not stat.S_ISREG(mode):
                raise UsageError(f"{path} is not a regular file: choose another name")
            if not force:
                raise self._taken()
        if not path.parent.is_dir():
            raise UsageError(f"there is no directory {path.parent}: make it, or choose another")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            reason = os.strerror(_why_unwritable(path.parent)).lower()
            raise UsageError(
                f"cannot write in {path.parent.absolute()} ({reason}): choose another directory"
            )

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.finish(keep=kind is None)

    def open(self) -> None:
        """Begin the file.

        Raises:
            OutputError: The disk is full or broken.
        """
        with self._errors():
            self._new = NewFile(self._path)

    def write(self, text: str) -> None:
        """Add text to it.

        Raises:
            OutputError: The disk is full or broken.
        """
        assert self._new is not None
        with self._errors():
            self._new.write(text.encode("utf-8", "backslashreplace"))

    def finish(self, *, keep: bool) -> None:
        """Give the file its name, or remove it.

        Args:
            keep: Whether it is complete.

        Raises:
            UsageError: Its name was taken meanwhile.
            OutputError: It could not be written.
        """
        if self._new is None:
            return
        with self._errors(), self._new as new:
            self._new = None
            if keep:
                new.take_name(replace=self._force)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except FileExistsError:
            raise self._taken() from None
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror}") from error

    def _taken(self) -> UsageError:
        return UsageError(f"{self._path} exists: choose another name, or --force to replace it")


def _why_unwritable(directory: Path) -> int:
    """The number of the error that a new file in a directory would meet; `os.access` gives none."""
    if sys.platform != "win32" and os.statvfs(directory).f_flag & os.ST_RDONLY:
        return errno.EROFS
    return errno.EACCES


class FileRenderer(ForwardingRenderer):
    """Writes to a file, which appears only when the turn has ended well.

    Args:
        inner: Writes the text.
        file: The file.
    """

    def __init__(self, inner: Renderer, file: OutputFile) -> None:
        super().__init__(inner)
        self._file = file

    def opened(self, opened: Opened) -> None:
        """Create the file before the request is sent."""
        self._file.open()
        self.inner.opened(opened)

    def close(self, outcome: Outcome) -> None:
        """Write the rest; give the file its name if the reply is complete, else remove it."""
        complete = False
        try:
            self.inner.close(outcome)
            complete = outcome.error is None
        finally:
            self._file.finish(keep=complete)
