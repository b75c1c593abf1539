"""Take keys out of all that is kept: out of rows, words of the index, and spilled replies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from peewee import Model

from hfs_cli.conversations import KeptKey
from hfs_cli.errors import StoreError
from hfs_cli.files import read_file, refusing, write_file
from hfs_cli.redact.find import find, redacted, redacted_value
from hfs_cli.store import messages, rows, sessions, spill, words
from hfs_cli.store.engine import ByOwners, Connection, Engine
from hfs_cli.store.incoming.take_back import take_back
from hfs_cli.store.keys import (
    ENDING,
    JSON,
    STREAMED,
    Holder,
    attached_text,
    fields,
    is_broken_off,
    keys,
    named,
    parsed,
    texts_of,
    with_pieces,
)
from hfs_cli.store.tables import (
    AttachmentRow,
    CallRow,
    CheckpointRow,
    MessageAttachmentRow,
    MessageRow,
    PieceRow,
    RequestRow,
    SessionRow,
)

# Rows of a transaction: some milliseconds.
_AT_ONCE = 50
# What a reply's file may have at most, in bytes, with all its calls.
_MAX_FILE = 1_000_000_000


def kept_keys(engine: Engine, session_id: int | None = None) -> list[KeptKey]:
    """Where keys and tokens of the big vendors stand in what is kept.

    Args:
        session_id: Only in its transcript, with what was set aside from it; None for all.
    """
    with engine.reading() as db:
        found = [key for key, _ in keys(db, session_id)]
    return found + [key for _, key in _spilled_keys(engine.spill_directory, session_id)]


def redact(
    engine: Engine, session_id: int | None = None, waiting: Callable[[], None] = lambda: None
) -> list[KeptKey]:
    """Put the name of its kind in the place of each key, and see that none can be read again.

    Many short transactions: where it is broken off, the rest is found the next time. The
    database is written anew in the end, whether or not anything was found.

    Args:
        session_id: As of `kept_keys`.
        waiting: Called once, when an import has to end first.

    Returns:
        What was replaced.

    Raises:
        StoreError: It cannot be written, or another process reads what was there before.
    """
    if not engine.exists():
        return _redact_spilled(engine.spill_directory, session_id)
    with engine.importing(waiting):
        take_back(engine)
        with engine.reading() as db:
            found = keys(db, session_id)
        holders = list(dict.fromkeys(holder for _, holder in found))
        for start in range(0, len(holders), _AT_ONCE):
            with engine.staging() as db:
                for holder in holders[start : start + _AT_ONCE]:
                    # A row that is gone is passed over; one that has changed is taken as it is now.
                    _TAKE_OUT[holder.table](db, holder)
        spilled = _redact_spilled(engine.spill_directory, session_id)
        engine.forget()
    return [key for key, _ in found] + spilled


# --- rows -----------------------------------------------------------------------------


def _from_message(db: Connection, holder: Holder) -> None:
    number = holder.key
    kept = MessageRow.select(*ENDING, *fields(MessageRow))
    row = db.execute(kept.where(MessageRow.id == number)).fetchone()
    if row is None:
        return
    status, reason, *values = row
    now = named(MessageRow, values)
    if status == "partial":
        now = with_pieces(db, number, now)
    after = _without_keys(now, broken_off=is_broken_off(status, reason))
    if after == now:
        return
    if after["content"] != now["content"] and after["citations"] is not None:
        # The passages that rest on them are elsewhere now.
        cited = parsed(str(after["citations"]))
        if isinstance(cited, list):
            after["citations"] = json.dumps([[*source[:3], None, None] for source in cited])
    if status == "complete" and after["content"] != now["content"]:
        db.unindex("message", number, rows.texts((now["content"],))[0])
        db.index("message", number, str(after["content"]))
    MessageRow.update(**after).where(MessageRow.id == number).execute(db)
    PieceRow.delete().where(PieceRow.message_id == number).execute(db)
    # It is not what the model said any more.
    RequestRow.delete().where(RequestRow.message_id == number).execute(db)


def _from_call(db: Connection, holder: Holder) -> None:
    kept = CallRow.select(*ENDING, *fields(CallRow))
    kept = kept.join(MessageRow, on=CallRow.message_id == MessageRow.id)
    row = db.execute(kept.where(CallRow.id == holder.key)).fetchone()
    if row is None:
        return
    status, reason, *values = row
    now = named(CallRow, values)
    after = _without_keys(now, broken_off=is_broken_off(status, reason))
    if now["result"] is not None:
        db.unindex("call", holder.key, words.of_call(now))
    CallRow.update(**after).where(CallRow.id == holder.key).execute(db)
    if now["result"] is not None:
        db.index("call", holder.key, words.of_call(after))


def _from_tie(db: Connection, holder: Holder) -> None:
    tie = MessageAttachmentRow
    at = (tie.message_id == holder.key[0], tie.position == holder.key[1])
    if row := db.execute(tie.select(*fields(tie)).where(*at)).fetchone():
        tie.update(**_without_keys(named(tie, row))).where(*at).execute(db)


def _from_attachment(db: Connection, holder: Holder) -> None:
    tie = MessageAttachmentRow
    if (text := attached_text(db, holder.key, "text/plain")) is None:
        return
    data = redacted(text).encode()
    digest = sha256(data).hexdigest()
    if digest == holder.key:
        return
    messages.put_bytes(db, digest, data)
    # Another owner's messages may carry the same bytes: what becomes of these is theirs to say.
    carried = tie.sha256 == holder.key
    mine = MessageRow.select(MessageRow.id).where(sessions.is_of_shown(MessageRow.session_id))
    tie.update(sha256=digest).where(
        ByOwners(carried, one=carried & tie.message_id.in_(mine))
    ).execute(db)
    messages.drop_bytes(db, [holder.key])


def _from_checkpoint(db: Connection, holder: Holder) -> None:
    mark = CheckpointRow
    kept = mark.select(mark.session_id, mark.label).where(mark.id == holder.key)
    row = db.execute(kept).fetchone()
    if row is None or row[1] is None:
        return
    label = free = redacted(row[1])
    number = 1
    while mark.select().where(mark.session_id == row[0], mark.label == free).exists(db):
        number += 1
        free = f"{label} ({number})"
    mark.update(label=free).where(mark.id == holder.key).execute(db)


def _from_name(db: Connection, holder: Holder) -> None:
    kept = SessionRow.select(SessionRow.name, of=None).where(SessionRow.id == holder.key)
    row = db.execute(kept).fetchone()
    if row is None:
        return
    db.unindex("session", holder.key, row[0])
    name = sessions.free_name(db, holder.name)
    sessions.change(db, holder.key, name=name)
    db.index("session", holder.key, name)


_TAKE_OUT: Mapping[type[Model], Callable[[Connection, Holder], None]] = {
    MessageRow: _from_message,
    CallRow: _from_call,
    MessageAttachmentRow: _from_tie,
    AttachmentRow: _from_attachment,
    CheckpointRow: _from_checkpoint,
    SessionRow: _from_name,
}


def _without_keys(values: Mapping[str, object], *, broken_off: bool = False) -> dict[str, object]:
    after = dict(values)
    for column, value in values.items():
        cut = broken_off and column in STREAMED
        if not any(find(text, broken_off=cut) for text in texts_of(column, value)):
            continue
        text = str(value)
        inside = parsed(text) if column in JSON else None
        if column == "state":
            # The vendor has signed it, and would refuse the next request with another one.
            after[column] = None
        elif inside is None:
            after[column] = redacted(text, broken_off=cut)
        else:
            after[column] = json.dumps(redacted_value(inside), ensure_ascii=False)
    return after


# --- replies in files of their own -----------------------------------------------------


def _spilled_keys(directory: Path, session_id: int | None) -> Iterator[tuple[Path, KeptKey]]:
    """The keys in such files, each with its file; see `spill.spilled`."""
    for path in spill.spilled(directory, session_id):
        # The reply may have broken off, too.
        for key in find(_spilled_text(path), broken_off=True):
            number = spill.session_of(path)
            yield path, KeptKey(number, "", None, "file", key.family, key.excerpt, str(path))


def _redact_spilled(directory: Path, session_id: int | None) -> list[KeptKey]:
    """Replace the keys in such files; what was replaced.

    Raises:
        StoreError: A file cannot be written.
    """
    found = list(_spilled_keys(directory, session_id))
    for path in dict.fromkeys(path for path, _ in found):
        with refusing(StoreError, f"cannot write {path}"):
            text = redacted(_spilled_text(path), broken_off=True)
            write_file(path, text.encode(), replace=True)
    return [key for _, key in found]


def _spilled_text(path: Path) -> str:
    return read_file(path, _MAX_FILE, failure=StoreError).decode("utf-8", "replace")
