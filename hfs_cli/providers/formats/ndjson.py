"""Lines of JSON: bytes in, lines out. Pure, incremental and bounded."""

from hfs_cli.errors import IncompleteReplyError
from hfs_cli.providers.formats.sse import MAX_EVENT_BYTES


class NdjsonDecoder:
    r"""Cuts a body at its line feeds, and nowhere else: U+2028 is a character of JSON text.

    Args:
        limit: The most bytes one line may have.
    """

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._held = 0

    def feed(self, chunk: bytes) -> list[str]:
        """Take the next bytes, cut anywhere; the lines that are whole now.

        Raises:
            IncompleteReplyError: A line is larger than the limit. Those that came whole in
                the same piece have been returned before.
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
        """The lines in all that is held and in `last`."""
        text = b"".join((*self._pieces, last)).decode("utf-8", "replace")
        self._pieces, self._held = [], 0
        return [line for line in text.split("\n") if line.strip()]
