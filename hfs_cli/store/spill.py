"""The last resort: a reply that the database would not take goes into a file of its own."""

import os
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from hfs_cli.errors import StoreError
from hfs_cli.files import write_file
from hfs_cli.messages import Opened, Reply
from hfs_cli.store.rows import storable


def spill(directory: Path, opened: Opened, reply: Reply) -> str:
    """Write the reply's text, and the calls of tools with their results, to a new private file.

    Args:
        directory: Where to try first. The system's temporary directory comes next, because the
            disk that is full may be the database's.

    Returns:
        The file's path.

    Raises:
        StoreError: Neither directory takes it.
    """
    session = "none" if opened.session is None else str(opened.session.id)
    name = f"hfs-reply-{session}-{uuid.uuid4().hex[:8]}.md"
    for place in _places(directory):
        try:
            write_file(place / name, storable(_text(reply)).encode(), replace=False)
        except OSError as error:
            failure = error
        else:
            return str(place / name)
    raise StoreError(f"the reply could not be kept anywhere: {failure}") from failure


def _places(directory: Path) -> list[Path]:
    try:
        return [directory, Path(tempfile.gettempdir())]
    except FileNotFoundError:  # wherever a temporary file may be, none can be written
        return [directory]


def spilled(directory: Path, session_id: int | None = None) -> Iterator[Path]:
    """The files of spilled replies that still exist.

    Args:
        directory: Where `spill` tried first.
        session_id: Only those of a session; None for all.
    """
    number = "*" if session_id is None else str(session_id)
    for place in set(_places(directory)):
        for path in sorted(place.glob(f"hfs-reply-{number}-*.md")):
            # Anybody may create files in a temporary directory.
            if path.is_symlink() or not path.is_file():
                continue
            if sys.platform == "win32" or path.stat().st_uid == os.geteuid():
                yield path


def session_of(path: Path) -> int | None:
    """The session whose reply a file holds, as its name says."""
    number = path.name.removeprefix("hfs-reply-").partition("-")[0]
    return int(number) if number.isdecimal() else None


def _text(reply: Reply) -> str:
    calls = (
        f"\n\n--- {call.label} {call.arguments}\n"
        f"{'(no result)' if call.result is None else call.result}"
        for call in reply.tool_calls
    )
    return reply.text + "".join(calls)
