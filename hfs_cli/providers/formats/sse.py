"""Server-sent events: bytes in, events out. Pure, incremental, with bounded memory.

The rules are the WHATWG's:
https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from hfs_cli.errors import IncompleteReplyError

MAX_EVENT_BYTES = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class SseDecoder:
    r"""Decodes one event stream, fed piece by piece.

    No format here needs event names, ids or retry times, so an event is its data alone. For
    example, three pieces of a body:

        data: {"a":1}\r\n\r      →  the event {"a":1}: the CR ends the blank line
        \ndata: x\nda           →  none: the LF belongs to that CR, and x may go on
        ta: y\n\n              →  an event of two lines, "x\ny"

    Args:
        limit: The most bytes of one event.
    """

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._held = 0
        self._last = b""
        self._skip_line_feed = False
        self._start: bytes | None = b""

    def feed(self, chunk: bytes) -> list[str]:
        r"""Take the next bytes of the body, cut anywhere.

        Args:
            chunk: The bytes.

        Returns:
            The data of each event that they complete.

        Raises:
            IncompleteReplyError: An event is larger than the limit. The complete events before it
                have been returned already.
        """
        if self._held > self._limit:
            raise IncompleteReplyError(
                f"the reply holds an event of more than {self._limit} bytes: it was given up"
            )
        if self._start is not None:
            chunk = self._without_bom(self._start + chunk)
        chunk = self._with_line_feeds(chunk)
        # Only the new bytes and the one before them can hold the end of an event; held bytes are
        # never searched again, so a long event costs linear time.
        if b"\n\n" not in self._last + chunk:
            self._hold(chunk)
            return []
        whole, _, rest = b"".join((*self._pieces, chunk)).rpartition(b"\n\n")
        self._pieces, self._held, self._last = [], 0, b""
        self._hold(rest)
        blocks = whole.decode("utf-8", "replace").split("\n\n")
        return [data for block in blocks if (data := _data(block)) is not None]

    def end(self) -> list[str]:
        """The last event, if it lacks its blank line at the end of the body.

        By the rules it is not an event. But servers do forget the blank line, so it is returned,
        and the caller tells from its content whether it was cut.
        """
        data = _data(b"".join((*self._pieces, self._start or b"")).decode("utf-8", "replace"))
        return [] if data is None else [data]

    def _without_bom(self, start: bytes) -> bytes:
        if len(start) < len(_BOM) and _BOM.startswith(start):
            self._start = start
            return b""
        self._start = None
        return start.removeprefix(_BOM)

    def _with_line_feeds(self, chunk: bytes) -> bytes:
        # CR, LF and CRLF each end a line. A CRLF may be cut in two: then the CR has ended the line,
        # and the LF that begins the next chunk is dropped.
        if self._skip_line_feed and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._skip_line_feed = False
        if b"\r" in chunk:
            self._skip_line_feed = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return chunk

    def _hold(self, chunk: bytes) -> None:
        if chunk:
            self._pieces.append(chunk)
            self._held += len(chunk)
            self._last = chunk[-1:]


def _data(block: str) -> str | None:
    """The data in one block of lines, or None where it has none."""
    if block.startswith("data: ") and "\n" not in block:
        return block[6:]
    values = []
    for line in block.split("\n"):
        name, _, value = line.partition(":")
        if name == "data":
            values.append(value.removeprefix(" "))
    return "\n".join(values) if values else None
