"""Read files as an import does."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

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


def written(file: Path, *lines: object, end: str = "\n") -> Path:
    """A file of lines, each of them JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(json.dumps(line) for line in lines) + end)
    return file


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to each value inside nested lists and objects."""
    inner = value.items() if isinstance(value, dict) else enumerate(cast("list[object]", value))
    for key, item in inner:
        yield (*path, key)
        if isinstance(item, dict | list):
            yield from places(item, (*path, key))


def said(conversation: Conversation) -> list[tuple[str, str]]:
    """Who said what."""
    return [(message.role, message.content) for message in conversation.messages]


def counts(done: Imported) -> tuple[int, ...]:
    """What came: sessions, branches, messages, attachments and calls."""
    return (done.sessions, done.branches, done.messages, done.attachments, done.calls)
