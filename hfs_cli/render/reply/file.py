"""Write the reply to a file: whole or not at all, and nothing is overwritten by chance."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from hfs_cli.errors import OutputError, UsageError
from hfs_cli.messages import Opened, Outcome
from hfs_cli.turn.run import Renderer


class FileSink:
    """Collects beside the file (0600) and takes its name only when all is there.

    Args:
        path: The file to be.
        force: It may exist already, and is replaced then.

    Raises:
        UsageError: It exists, is no regular file, or its directory cannot be written:
            said before a request is sent and paid for.
    """

    def __init__(self, path: Path, *, force: bool) -> None:
        self._path = path
        self._force = force
        self._fd = -1
        self._temporary: Path | None = None
        self._refuse_existing()
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise UsageError(f"cannot write in {path.parent}: choose another --output")

    def _refuse_existing(self) -> None:
        try:
            mode = self._path.lstat().st_mode
        except FileNotFoundError:
            return
        except OSError as error:
            raise UsageError(f"cannot write {self._path}: {error.strerror}") from error
        if not stat.S_ISREG(mode):
            raise UsageError(f"{self._path} is not a regular file: choose another --output")
        if not self._force:
            raise UsageError(f"{self._path} exists: choose another --output, or --force")

    def open(self) -> None:
        """Make the file beside it.

        Raises:
            OutputError: The disk is full or broken.
        """
        import tempfile

        try:
            self._fd, name = tempfile.mkstemp(
                dir=self._path.parent, prefix=f".{self._path.name[:100]}."
            )
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror}") from error
        self._temporary = Path(name)

    def write(self, text: str) -> None:
        """Add to the file to be.

        Raises:
            OutputError: The disk is full or broken.
        """
        rest = memoryview(text.encode("utf-8", "backslashreplace"))
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror}") from error

    def finish(self, *, keep: bool) -> None:
        """Give the file its name, or leave no trace of it.

        Args:
            keep: It is whole.

        Raises:
            OutputError: It could not be written, or something took its name meanwhile.
        """
        if self._temporary is None:
            return
        try:
            if keep:
                self._take_name(self._temporary)
        except FileExistsError:
            raise OutputError(f"{self._path} has been made by another meanwhile") from None
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror}") from error
        finally:
            os.close(self._fd)
            self._temporary.unlink(missing_ok=True)

    def _take_name(self, temporary: Path) -> None:
        os.fsync(self._fd)
        if self._force:
            temporary.replace(self._path)
        else:
            self._path.hardlink_to(temporary)


class Kept:
    """A renderer whose output is a file: it stands when the turn has ended well.

    Args:
        inner: Writes to the file.
        file: The file.
    """

    def __init__(self, inner: Renderer, file: FileSink) -> None:
        self._inner = inner
        self._file = file

    def opened(self, opened: Opened) -> None:
        """Make room for it before the request goes out."""
        self._file.open()
        self._inner.opened(opened)

    def reasoning(self, text: str) -> None:
        """Pass on."""
        self._inner.reasoning(text)

    def text(self, text: str) -> None:
        """Pass on."""
        self._inner.text(text)

    def close(self, outcome: Outcome) -> None:
        """Write the rest; name the file if the reply came whole, else remove it."""
        whole = False
        try:
            self._inner.close(outcome)
            whole = outcome.error is None
        finally:
            self._file.finish(keep=whole)
