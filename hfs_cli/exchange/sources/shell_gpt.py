"""The chats of shell_gpt: JSON, a bare list of roles and contents.

Times are not kept; the file's own stands for them, and its name is the conversation's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hfs_cli.conversations import Conversation
from hfs_cli.exchange.sources.foreign import listed


def fits(document: object) -> bool:
    """Whether it is a list of messages."""
    return (
        isinstance(document, list)
        and bool(document)
        and isinstance(document[0], dict)
        and {"role", "content"} <= document[0].keys()
    )


def conversations(document: list[object], path: Path) -> Iterator[Conversation]:
    """The conversation of a file.

    Raises:
        UsageError: It is not what it should be.
    """
    yield from listed("shell_gpt", path, document)
