"""Undo gzip and deflate with a bound, so that a small body cannot fill the memory."""

from __future__ import annotations

import zlib

from hfs_cli.errors import IncompleteReplyError, ProviderError

ACCEPTED = "gzip, deflate"
MAX_INFLATED_BYTES = 16 * 1024 * 1024


class Inflater:
    """Decodes a compressed body piece by piece.

    Args:
        encoding: The response's ``Content-Encoding``, perhaps empty.

    Raises:
        ProviderError: It is one that was not asked for.
    """

    def __init__(self, encoding: str) -> None:
        encoding = encoding.strip().lower()
        self._inflate: zlib._Decompress | None = None
        if encoding in {"gzip", "x-gzip", "deflate"}:
            # 32 + 15: gzip or zlib, told apart by their first bytes.
            self._inflate = zlib.decompressobj(wbits=47)
        elif encoding not in {"", "identity"}:
            raise ProviderError(
                f"it sent a body encoded as {encoding[:40]}, which was not asked for"
            )

    def feed(self, data: bytes) -> bytes:
        """The decoded bytes.

        Raises:
            IncompleteReplyError: They cannot be decoded, or are far more than were sent.
        """
        if self._inflate is None:
            return data
        try:
            out = self._inflate.decompress(data, MAX_INFLATED_BYTES)
        except zlib.error as error:
            raise IncompleteReplyError(f"the reply's compression is broken: {error}") from error
        if self._inflate.unconsumed_tail:
            raise IncompleteReplyError("the reply inflates to far more than was sent: given up")
        return out
