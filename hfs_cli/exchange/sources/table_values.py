"""Read values from another program's tables: each has the right type, or is an error."""

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

# The size of a conversation, in characters or bytes, and the largest count.
MAX_CONVERSATION = 128_000_000
_MAX_COUNT = 2**53


def value_of(row: sqlite3.Row, column: str) -> object:
    """A value of any type.

    Raises:
        UsageError: There is no such column.
    """
    try:
        return row[column]
    except IndexError:
        raise UsageError(f"a table of the database has no column {column}") from None


def text_of(row: sqlite3.Row, column: str) -> str:
    """A value as text, which is empty for NULL.

    Raises:
        UsageError: It is bytes, or there is no such column.
    """
    value = value_of(row, column)
    if isinstance(value, bytes):
        raise UsageError(f"a row of the database holds bytes where {column} should be text")
    return "" if value is None else str(value)


def count_of(value: object) -> int | None:
    """A count; None for anything else."""
    return value if isinstance(value, int) and 0 <= value < _MAX_COUNT else None


def moment_of(text: str) -> datetime:
    """A time in ISO 8601, or the beginning of 1970 for anything else."""
    try:
        return from_iso(text)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)


def json_of(text: str) -> Any:  # noqa: ANN401  (JSON)
    """The value of a JSON text, or the text itself if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def extra_of(row: sqlite3.Row, columns: Iterable[str]) -> Mapping[str, object]:
    """The columns that have no field in a message, unless they are empty."""
    found = {name: text_of(row, name) for name in columns}
    return {
        name.removesuffix("_json"): value
        for name, text in found.items()
        if text and (value := json_of(text)) not in ({}, [])
    }


def attachment_of(row: sqlite3.Row, left_out: Counter[str]) -> Attachment | None:
    """A row of ``attachments``; None for a file of which only the path was kept."""
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
    """The calls, one of them with its result; a result that none asked for is one call more."""
    found = list(calls)
    for place, call in enumerate(found):
        if call.result is None and (call.id or call.name) == (given.id or given.name):
            found[place] = call._replace(result=given.result, failed=given.failed)
            return found
    return [*found, given]
