"""Rows to values and back."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hfs_cli.messages import Attachment, Message, Session, Usage

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SURROGATE = re.compile("[\ud800-\udfff]")
_USAGE = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")


def to_microseconds(moment: datetime) -> int:
    """A moment as it is kept: whole microseconds since 1970, UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def to_datetime(microseconds: int) -> datetime:
    """A kept moment, in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def storable(text: str) -> str:
    """Text that SQLite can hold: a lone surrogate, which UTF-8 cannot, becomes U+FFFD.

    Input with lone surrogates is refused earlier; a model may still send one as an escape
    in JSON, and its reply must not be lost for it.
    """
    # A search rather than a trial encoding: a long reply is not copied for it.
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def session(row: Mapping[str, Any]) -> Session:
    """A row of ``session`` as lists show it."""
    return Session(
        id=row["id"],
        uid=row["uid"],
        name=row["name"],
        model=row["model"],
        messages=row["message_count"],
        created_at=to_datetime(row["created_at"]),
        updated_at=to_datetime(row["updated_at"]),
        last_status=row["last_status"],
        parent_id=row["parent_id"],
        fork_position=row["fork_position"],
    )


def message(row: Mapping[str, Any], attachments: Iterable[Attachment] = ()) -> Message:
    """A row of ``message`` with what it carries."""
    return Message(
        id=row["id"],
        position=row["position"],
        role=row["role"],
        content=row["content"],
        created_at=to_datetime(row["created_at"]),
        status=row["status"],
        reasoning=row["reasoning"],
        finish_reason=row["finish_reason"],
        model=row["model"],
        usage=_usage(row),
        reply_to=row["reply_to"],
        error=row["error"],
        first_token_s=row["first_token_s"],
        total_s=row["total_s"],
        attachments=tuple(attachments),
        finish_raw=row["finish_raw"],
        tool_calls=tuple(json.loads(row["tool_calls"] or "[]")),
    )


def usage_columns(usage: Usage | None) -> dict[str, int | None]:
    """The columns that hold a turn's token counts."""
    return {name: None if usage is None else getattr(usage, name) for name in _USAGE}


def tool_calls_column(calls: tuple[str, ...]) -> str | None:
    """Tool calls as JSON, or None when there are none."""
    return json.dumps(calls) if calls else None


def _usage(row: Mapping[str, Any]) -> Usage | None:
    counts = {name: row[name] for name in _USAGE}
    return None if all(n is None for n in counts.values()) else Usage(**counts)
