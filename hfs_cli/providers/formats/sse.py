"""Server-sent events: bytes in, events out. Pure, incremental and bounded.

The rules are the WHATWG's:
https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from hfs_cli.errors import IncompleteReplyError

MAX_EVENT_BYTES = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class SseDecoder:
    r"""Decodes one event stream; feed it the body as it comes.

    Event names, ids and retry times carry nothing that the formats spoken here need, so an
    event is its data alone. For example, of these three pieces of a body

        data: {"a":1}\r\n\r      →  an event, {"a":1}: the CR ends the blank line
        \ndata: x\nda           →  none: the LF belongs to that CR, and x goes on
        ta: y\n\n              →  an event of two lines, "x\ny"

    Args:
        limit: The most bytes one event may have.
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
            chunk: Bytes as they came.

        Returns:
            The data of each event that is whole now.

        Raises:
            IncompleteReplyError: An event is larger than the limit. Those that came whole in
                the same piece have been returned before.
        """
        if self._held > self._limit:
            raise IncompleteReplyError(
                f"the reply holds an event of more than {self._limit} bytes: it was given up"
            )
        if self._start is not None:
            chunk = self._without_bom(self._start + chunk)
        chunk = self._with_line_feeds(chunk)
        # Only the seam and the new bytes can hold the end of an event: what is held is not
        # searched again, however long an event grows.
        if b"\n\n" not in self._last + chunk:
            self._hold(chunk)
            return []
        whole, _, rest = b"".join((*self._pieces, chunk)).rpartition(b"\n\n")
        self._pieces, self._held, self._last = [], 0, b""
        self._hold(rest)
        blocks = whole.decode("utf-8", "replace").split("\n\n")
        return [data for block in blocks if (data := _data(block)) is not None]

    def end(self) -> list[str]:
        """What the body's end leaves without its blank line.

        By the rules it is not an event. Servers do forget the blank line, though, so it is
        handed on: the caller tells by its content whether it was cut.
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
        # CR, LF and CRLF each end a line, and a CRLF may be cut in two: the CR ends the line
        # at once, and an LF that follows it belongs to it.
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
    """The data of one block of lines, or None when it has no data."""
    if block.startswith("data: ") and "\n" not in block:
        return block[6:]
    values = []
    for line in block.split("\n"):
        name, _, value = line.partition(":")
        if name == "data":
            values.append(value.removeprefix(" "))
    return "\n".join(values) if values else None
