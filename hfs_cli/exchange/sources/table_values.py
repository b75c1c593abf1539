"""Values of llm's database, which anybody may have written: the right type, or an error."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hfs_cli.errors import UsageError
from hfs_cli.exchange.sources.foreign import NO_FILE
from hfs_cli.messages import Attachment, Call
from hfs_cli.moments import from_iso

# All of a conversation, in characters and bytes, and what a count can be.
MAX_CONVERSATION = 128_000_000
_MAX_COUNT = 2**53


def text_of(row: sqlite3.Row, column: str) -> str:
    """A value as text; nothing where there is none.

    Raises:
        UsageError: It is bytes.
    """
    value = row[column]
    if isinstance(value, bytes):
        raise UsageError(f"a row of the database holds bytes where {column} should be text")
    return "" if value is None else str(value)


def count_of(value: object) -> int | None:
    """A count that a reply can have; anything else is left out."""
    return value if isinstance(value, int) and 0 <= value < _MAX_COUNT else None


def moment_of(text: str) -> datetime:
    """A time, or the beginning of 1970 where it is not one."""
    try:
        return from_iso(text)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)


def json_of(text: str) -> Any:  # noqa: ANN401  (JSON)
    """What stands in a column as JSON; the text itself where it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def extra_of(row: sqlite3.Row, columns: Iterable[str]) -> Mapping[str, object]:
    """The columns that have no place in a message, where they hold something."""
    found = {name: text_of(row, name) for name in columns}
    return {
        name.removesuffix("_json"): value
        for name, text in found.items()
        if text and (value := json_of(text)) not in ({}, [])
    }


def attachment_of(row: sqlite3.Row, left_out: Counter[str]) -> Attachment | None:
    """A row of ``attachments``; None for a file of which the path alone was kept."""
    data, url = row["content"], text_of(row, "url")
    if isinstance(data, bytes) and data:
        url = ""
    elif not url:
        left_out[NO_FILE] += 1
        return None
    return Attachment(
        name=Path(text_of(row, "path") or url or "attachment").name,
        media_type=text_of(row, "type") or "application/octet-stream",
        data=b"" if url else data,
        url=url or None,
    )


def with_result(calls: Iterable[Call], given: Call) -> list[Call]:
    """The calls with the result of one of them; with one more where none of them asked for it."""
    found = list(calls)
    for place, call in enumerate(found):
        if call.result is None and (call.id or call.name) == (given.id or given.name):
            found[place] = call._replace(result=given.result, failed=given.failed)
            return found
    return [*found, given]
