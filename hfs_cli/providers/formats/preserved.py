"""Replies of Claude models as they came, to be sent back unchanged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

from hfs_cli.providers.formats.events import MOST_STATE

if TYPE_CHECKING:
    import hashlib


class Prefix:
    """A digest of everything in a request that precedes a message.

    Args:
        body: The request, whose system prompt and tools precede every message.
    """

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._head = [body.get("system"), body.get("tools")]
        self._hash: hashlib._Hash | None = None
        self._hashed = 0

    def of(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """The digest after these messages, to which the caller only appends between calls."""
        if self._hash is None:
            import hashlib

            self._hash = hashlib.sha256(json.dumps(self._head, sort_keys=True).encode())
        for message in messages[self._hashed :]:
            self._hash.update(json.dumps(message, sort_keys=True).encode())
        self._hashed = len(messages)
        return self._hash.hexdigest()

    def restart(self) -> None:
        """Hash the messages from the first again: some were changed or removed."""
        self._hash, self._hashed = None, 0


class Blocks:
    """Collects the content blocks of a reply, for when they must go back."""

    def __init__(self) -> None:
        self._blocks: dict[int, dict[str, Any]] = {}
        self._texts: dict[tuple[int, str], StringIO] = {}
        self._last = -1
        self._size = 0
        # Where the last piece went, because `add` runs once for each token.
        self._open: tuple[object, str] | None = None
        self._into = StringIO()

    def begin(self, index: object, block: Mapping[str, Any]) -> None:
        """Add a block, whose text may come later.

        Args:
            index: The vendor's number for it, or anything else where it gives none.
            block: The block as it came.
        """
        self._last = index if type(index) is int else self._last + 1
        self._blocks[self._last] = {k: v for k, v in block.items() if v is not None}
        self._open = None

    def add(self, index: object, field: str, piece: str) -> None:
        """Append a piece of text to a field of a block."""
        self._size += len(piece)
        if self._size > MOST_STATE:
            return
        if (index, field) != self._open:
            self._open = index, field
            at = index if type(index) is int else self._last
            self._into = self._texts.setdefault((at, field), StringIO())
        self._into.write(piece)

    def cite(self, index: object, citation: object) -> None:
        """Append a citation to a block."""
        block = self._blocks.get(index if type(index) is int else self._last)
        if block is not None:
            block["citations"] = [*block.get("citations", ()), citation]

    def whole(self, *, always: bool) -> list[dict[str, Any]] | None:
        """All blocks in order, or None where they are too large or need not go back.

        Args:
            always: Whether blocks go back that hold nothing but text and calls, too. hfs can
                write those itself.
        """
        plain = {str(block.get("type")) for block in self._blocks.values()} <= {"text", "tool_use"}
        if self._size > MOST_STATE or (plain and not always):
            return None
        from hfs_cli.providers.formats.calls import object_of

        for (at, field), pieces in self._texts.items():
            block, text = self._blocks.get(at, {}), pieces.getvalue()
            if field == "input":
                block[field] = object_of(text) if text else block.get(field) or {}
            else:
                block[field] = (block.get(field) or "") + text
        blocks = [self._blocks[at] for at in sorted(self._blocks)]
        return [block for block in blocks if block.get("type") != "text" or block.get("text")]
