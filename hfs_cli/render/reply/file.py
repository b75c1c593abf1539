"""Write the reply to a file: whole or not at all."""

from __future__ import annotations

from hfs_cli.files import OutputFile
from hfs_cli.messages import Opened, Outcome
from hfs_cli.turn.run import Renderer


class Kept:
    """A renderer whose output is a file: it stands when the turn has ended well.

    Args:
        inner: Writes to the file.
        file: The file.
    """

    def __init__(self, inner: Renderer, file: OutputFile) -> None:
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
