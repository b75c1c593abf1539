"""Read files as an import does."""

from collections.abc import Iterable
from pathlib import Path

from hfs_cli.conversations import Conversation, Imported, Incoming
from hfs_cli.exchange.detect import open_source
from hfs_cli.store.store import SessionStore


def read(incoming: Iterable[Incoming]) -> list[Conversation]:
    """All of them, whole."""
    return [found for item in incoming for found in item.read()]


def conversations_in(file: Path, key: str | None = None) -> list[Conversation]:
    """The conversations of a file, whole."""
    with open_source(file, key=key) as source:
        return read(source)


def bring_in(store: SessionStore, file: Path, **how) -> Imported:
    """Import a file."""
    with open_source(file) as source:
        return store.put(source, in_order=source.in_order, **how)
