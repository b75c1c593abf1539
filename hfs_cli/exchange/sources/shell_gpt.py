"""The chats of shell_gpt: JSON, a bare list of roles and contents.

Times are not kept; the file's own stands for them, and its name is the conversation's. Calls and
their results are as OpenAI's API has them (shell_gpt 1.5.1 from PyPI, run and read 2026-11-29).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hfs_cli.conversations import Incoming
from hfs_cli.exchange.sources.foreign import listed


def fits(first: object) -> bool:
    """Whether the first element of an array is a message."""
    return isinstance(first, dict) and {"role", "content"} <= first.keys()


def conversations(document: list[object], path: Path) -> Iterator[Incoming]:
    """The conversation of a file."""
    yield from listed("shell_gpt", path, document)
