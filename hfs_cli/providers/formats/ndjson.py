"""Lines of JSON: bytes in, lines out. Pure, incremental, with bounded memory."""

from hfs_cli.errors import IncompleteReplyError
from hfs_cli.providers.formats.sse import MAX_EVENT_BYTES


class NdjsonDecoder:
    """Cuts a body at line feeds alone: JSON text may contain other line separators (U+2028).

    Args:
        limit: The most bytes of one line.
    """

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._held = 0

    def feed(self, chunk: bytes) -> list[str]:
        """Take the next bytes, cut anywhere; returns the lines that they complete.

        Raises:
            IncompleteReplyError: A line is larger than the limit. The complete lines before it
                have been returned already.
        """
        if self._held > self._limit:
            raise IncompleteReplyError(
                f"the reply holds a line of more than {self._limit} bytes: it was given up"
            )
        whole, found, rest = chunk.rpartition(b"\n")
        lines = self.end(whole) if found else []
        self._pieces.append(rest)
        self._held += len(rest)
        return lines

    def end(self, last: bytes = b"") -> list[str]:
        """The lines in what is held, followed by `last`."""
        text = b"".join((*self._pieces, last)).decode("utf-8", "replace")
        self._pieces, self._held = [], 0
        return [line for line in text.split("\n") if line.strip()]
