"""Make values of rows, and rows of values: only this module knows a column by its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING

from peewee import Field, FloatField, IntegerField, Model, Star, TextField

from hfs_cli.messages import (
    Attachment,
    Call,
    Citation,
    KeptState,
    Message,
    Reply,
    Role,
    Session,
    Status,
    Usage,
)
from hfs_cli.store.engine import BadRow, Row
from hfs_cli.store.tables import CallRow, CheckpointRow, MessageRow, SessionRow

if TYPE_CHECKING:
    from hfs_cli.conversations import Checkpoint

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# The largest whole number that every engine can keep.
LARGEST = 2**63 - 1
_NO_USAGE = (None,) * len(Usage._fields)
_SURROGATE = re.compile("[\ud800-\udfff]")

# All columns of a row, in the order that `session`, `message` and `checkpoint` take them.
SESSION, MESSAGE, CHECKPOINT = Star(SessionRow), Star(MessageRow), Star(CheckpointRow)


def to_microseconds(moment: datetime) -> int:
    """A moment as it is kept: whole microseconds since 1970, UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def now() -> int:
    """This moment as it is kept."""
    return to_microseconds(datetime.now(UTC))


def to_datetime(microseconds: int) -> datetime:
    """A kept moment, in UTC.

    Raises:
        BadRow: No calendar has it.
    """
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError as error:
        raise BadRow(f"the time {microseconds} is not in the calendar") from error


def storable(text: str) -> str:
    """Text that a database can hold: a lone surrogate, which UTF-8 has no form for, becomes U+FFFD.

    Input with lone surrogates is refused earlier. A model may still send one as an escape in JSON,
    and its reply must not be lost for that.
    """
    # A search rather than a trial encoding: a long reply is not copied for it.
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def numbers(row: Row) -> tuple[int, ...]:
    """Columns that are whole numbers.

    Raises:
        BadRow: One is not.
    """
    if not all(isinstance(value, int) for value in row):
        raise BadRow("a position, a time or a reference that is not a whole number")
    return row


def texts(row: Row) -> tuple[str, ...]:
    """Columns that are text.

    Raises:
        BadRow: One is not.
    """
    if not all(isinstance(value, str) for value in row):
        raise BadRow("something else where a text should be")
    return row


def session(row: Row) -> Session:
    """A row of ``session`` as lists show it.

    Raises:
        BadRow: Its values are not what hfs writes.
    """
    _check(SessionRow, row)
    number, uid, name, origin, model, count, state, created, updated, used = row[:10]
    parent, shared, _, owner = row[10:]
    return Session(
        id=number,
        uid=uid,
        name=name,
        model=model,
        messages=count,
        created_at=to_datetime(created),
        updated_at=to_datetime(updated),
        last_status=None if state is None else status(state),
        parent_id=parent,
        fork_position=shared,
        origin=origin,
        listed=used is not None,
        owner=owner,
    )


def message(
    row: Row, attachments: Iterable[Attachment] = (), calls: Iterable[Call] = ()
) -> Message:
    """A row of ``message`` with its attachments and calls.

    Raises:
        BadRow: Its values are not what hfs writes.
    """
    _check(MessageRow, row)
    (number, _, position, word, content, reasoning, state, finish_reason, finish_raw, model) = row[
        :10
    ]
    *counts, state_kept, error, first_token_s, total_s, created_at, reply_to = row[10:20]
    cited, step, extra, stands_for = row[20:]
    return Message(
        id=number,
        position=position,
        role=role(word),
        content=content,
        created_at=to_datetime(created_at),
        status=status(state),
        reasoning=reasoning,
        finish_reason=finish_reason,
        model=model,
        usage=None if counts == [None] * 4 else Usage(*counts),
        reply_to=reply_to,
        error=error,
        first_token_s=_seconds(first_token_s),
        total_s=_seconds(total_s),
        attachments=tuple(attachments),
        finish_raw=finish_raw,
        tool_calls=tuple(calls),
        citations=() if cited is None else _citations(cited),
        step=step,
        state=None if state_kept is None else _state(state_kept),
        extra=None if extra is None else _object(extra),
        stands_for=stands_for,
    )


def status(value: object) -> Status:
    """A message's status.

    Raises:
        BadRow: It is another word.
    """
    match value:
        case "complete" | "partial":
            return value
    raise BadRow("a status that is neither complete nor partial")


def attachment(columns: Sequence[object]) -> Attachment:
    """An attachment of its name, media type, bytes and address.

    Raises:
        BadRow: Its values are not what hfs writes.
    """
    match columns:
        case [str(name), str(media_type), bytes(data), None]:
            return Attachment(name, media_type, data)
        case [str(name), str(media_type), None, str(url)]:
            return Attachment(name, media_type, url=url)
    raise BadRow("an attachment has neither its bytes nor an address")


def role(value: object) -> Role:
    """A message's role.

    Raises:
        BadRow: It is another word.
    """
    match value:
        case "system" | "user" | "assistant" | "tool":
            return value
    raise BadRow("a role that is not one")


# The columns that a new reply and an imported message both fill, in the order of the table.
COMMON = (
    "reasoning",
    "status",
    "finish_reason",
    "finish_raw",
    "model",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "state",
    "error",
    "first_token_s",
    "total_s",
    "citations",
    "step",
)


def message_columns(kept: Message | Reply) -> dict[str, object]:
    """The columns of `COMMON` with their values."""
    return dict(zip(COMMON, message_values(kept), strict=True))


def message_values(kept: Message | Reply) -> tuple[object, ...]:
    """The values of `COMMON`.

    No other value may be the reason that a reply's text is not kept: a number or a word of a
    server's that slipped through the decoders, and that no database can hold, is left out.
    """
    usage = kept.usage
    return (
        storable(kept.reasoning),
        kept.status,
        _word(kept.finish_reason),
        _word(kept.finish_raw),
        _word(kept.model),
        *(_NO_USAGE if usage is None else map(_count, usage)),
        None if kept.state is None else as_json(kept.state._asdict()),
        _word(kept.error),
        _seconds(kept.first_token_s),
        _seconds(kept.total_s),
        json.dumps(kept.citations) if kept.citations else None,
        _count(kept.step) or 0,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and 0 <= value <= LARGEST else None


def _seconds(value: object) -> float | None:
    # NaN and infinity are neither times nor JSON.
    return value if isinstance(value, (int, float)) and 0 <= value <= LARGEST else None


def _word(value: object) -> str | None:
    return storable(value) if isinstance(value, str) else None


def checkpoint(row: Row) -> Checkpoint:
    """A row of ``checkpoint``.

    Raises:
        BadRow: Its values are not what hfs writes.
    """
    from hfs_cli.conversations import Checkpoint

    _check(CheckpointRow, row)
    number, session_id, position, label, created_at = row
    return Checkpoint(number, session_id, position, label, to_datetime(created_at))


def call(row: Row) -> Call:
    """A row of ``tool_call``.

    Raises:
        BadRow: Its values are not what hfs writes.
    """
    _check(CallRow, row)
    _, _, _, call_id, name, arguments, result, failed, extra, started, ended = row
    return Call(
        id=call_id,
        name=name,
        arguments=arguments,
        result=result,
        failed=bool(failed),
        extra=None if extra is None else _object(extra),
        started_at=None if started is None else to_datetime(started),
        ended_at=None if ended is None else to_datetime(ended),
    )


def call_columns(kept: Call) -> dict[str, object]:
    """The columns of a call; what no database can hold is replaced or left out."""
    return {
        "call_id": storable(kept.id),
        "name": storable(kept.name),
        "arguments": storable(kept.arguments),
        "result": None if kept.result is None else storable(kept.result),
        "failed": int(kept.failed),
        "extra": as_json(kept.extra),
        "started_at": None if kept.started_at is None else to_microseconds(kept.started_at),
        "ended_at": None if kept.ended_at is None else to_microseconds(kept.ended_at),
    }


def as_json(value: Mapping[str, object] | None) -> str | None:
    """A vendor's object as JSON; None where there is none, or it has no form in JSON."""
    if value is None:
        return None
    try:
        return storable(json.dumps(value, ensure_ascii=False, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return None


def _object(kept: str) -> Mapping[str, object]:
    try:
        found = json.loads(kept)
    except (ValueError, RecursionError) as error:
        raise BadRow(f"an object of a vendor's that is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadRow("something else where an object of a vendor's should be")
    return found


def _state(kept: str) -> KeptState:
    match _object(kept):
        case {"provider": str(provider), "items": list(items)}:
            objects = tuple(item for item in items if isinstance(item, dict))
            if len(objects) == len(items):
                return KeptState(provider, objects)
    raise BadRow("a vendor's state that is not what hfs writes")


def _citations(kept: str) -> tuple[Citation, ...]:
    try:
        found = tuple(Citation(*source) for source in json.loads(kept))
    except (ValueError, TypeError, RecursionError) as error:
        raise BadRow(f"citations that are not what hfs writes: {error}") from error
    for source in found:
        *words, start, end = source
        if not all(isinstance(word, str) for word in words) or not all(
            place is None or type(place) is int for place in (start, end)
        ):
            raise BadRow("a citation with values of another type")
    return found


def _check(table: type[Model], row: Row) -> None:
    """Refuse values of other types than the table's columns, for SQLite keeps any.

    Raises:
        BadRow: One has another type.
    """
    kinds = _kinds(table)
    if len(row) != len(kinds) or not all(map(isinstance, row, kinds)):
        raise BadRow(f"a {table.__name__.removesuffix('Row').lower()} with values of another type")


@cache
def _kinds(table: type[Model]) -> tuple[tuple[type, ...], ...]:
    fields = table._meta.sorted_fields  # noqa: SLF001  (Peewee's documented way)
    return tuple(
        (*kinds, NoneType) if field.null else kinds
        for field in fields
        for base, kinds in _KINDS.items()
        if isinstance(field, base)
    )


_KINDS: dict[type[Field[object]], tuple[type, ...]] = {
    IntegerField: (int,),
    TextField: (str,),
    FloatField: (float, int),
}
