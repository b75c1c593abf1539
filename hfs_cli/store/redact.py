"""Find keys in all that is kept, and take them out: every table and column that can hold text."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from peewee import ColumnBase, Field, Model, Select

from hfs_cli.conversations import KeptKey
from hfs_cli.errors import StoreError
from hfs_cli.files import read_file, write_file
from hfs_cli.redact.find import Finding, find, redacted, redacted_value, strings, text_in
from hfs_cli.store import deletion, messages, rows, sessions, spill
from hfs_cli.store.engine import BadRow, ByOwners, Connection, only_own
from hfs_cli.store.messages import Part
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

# What may hold a key, and what that is called where it is shown. All other columns are words of our
# own, names of models, and digests; a test tells when one is added.
TEXTS: Mapping[type[Model], Mapping[str, str]] = {
    SessionRow: {"name": "name"},
    MessageRow: {
        "content": "text",
        "reasoning": "reasoning",
        "error": "error",
        "finish_raw": "finish reason",
        "state": "state",
        "citations": "citations",
        "extra": "extra",
    },
    PieceRow: {"content": "text", "reasoning": "reasoning"},
    CallRow: {
        "call_id": "call",
        "name": "call",
        "arguments": "arguments",
        "result": "result",
        "extra": "extra",
    },
    MessageAttachmentRow: {"name": "attachment", "url": "attachment"},
    AttachmentRow: {"data": "attachment"},
    CheckpointRow: {"label": "checkpoint"},
}
_JSON = {"state", "citations", "extra"}
# What of a message came piece by piece, and what tells whether its last piece came.
_CAME = {"content", "reasoning"}
_ENDING = (MessageRow.status, MessageRow.finish_reason)
# Rows of a transaction: some milliseconds.
_AT_ONCE = 50
# Of a reply's file: what a reply may have at most, in bytes, with all its calls.
_MAX_FILE = 1_000_000_000
# So much of a key in a name is more than how all of them begin: automatic names cut messages.
_BEGINNING = 12


class Place(NamedTuple):
    """A row that holds keys.

    Args:
        table: Its table.
        key: Its key there; of an attachment's name, that of its message and its place.
        name: Of a session: its name without them.
    """

    table: type[Model]
    key: Any
    name: str = ""


def keys(db: Connection, session_id: int | None) -> list[tuple[KeptKey, Place]]:
    """The keys that are kept, each with its row, in the order of sessions and messages.

    Args:
        session_id: The session whose transcript, and whose tails that were set aside, to look
            at; None for everything.
    """
    search = _Search(db)
    parts: Sequence[Part | None] = [None] if session_id is None else _parts(db, session_id)
    for part in parts:
        search.look_at_messages(part)
        search.look_at_calls(part)
        search.look_at_attachments(part)
        search.look_at_checkpoints(part)
    # At last: an automatic name may hold the beginning of a key of any message above it.
    for part in parts:
        search.look_at_names(part)
    return search.found()


def _parts(db: Connection, session_id: int) -> list[Part]:
    tails = deletion.going_with(db, [session_id])
    return [*messages.lineage(db, session_id), *(Part(t.id, rows.LARGEST) for t in tails)]


class _Search:
    """One look at what is kept.

    Args:
        db: Where.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._found: list[tuple[KeptKey, Place]] = []
        # What was found in the messages of each session: the key, and how it was found.
        self._keys: defaultdict[int, dict[str, Finding]] = defaultdict(dict)
        self._read: set[str] = set()

    def found(self) -> list[tuple[KeptKey, Place]]:
        """All of it; names of sessions are without keys."""
        numbers = {kept.session_id for kept, _ in self._found if kept.session_id is not None}
        names: dict[int | None, str] = {}
        for number in numbers:
            named = SessionRow.select(SessionRow.name).where(SessionRow.id == number)
            row = self._db.execute(named).fetchone()
            names[number] = self._clean(number, rows.texts(row)[0])[0] if row else ""
        told = [(kept._replace(session_name=names[kept.session_id]), p) for kept, p in self._found]
        return sorted(told, key=lambda one: (one[0].session_id or 0, one[0].position or 0))

    def look_at_messages(self, part: Part | None) -> None:
        own = MessageRow.select(MessageRow.id, MessageRow.session_id, MessageRow.position)
        own = own.select_extend(*_ENDING, *_columns(MessageRow)).where(*_within(part))
        for number, session_id, position, status, reason, *kept in self._rows(own):
            values = dict(zip(TEXTS[MessageRow], kept, strict=True))
            if status == "partial":
                values |= _whole(self._db, number, values)
            cut = _breaks_off(status, reason)
            self._look(Place(MessageRow, number), values, session_id, position, broken_off=cut)

    def look_at_calls(self, part: Part | None) -> None:
        own = CallRow.select(CallRow.id, MessageRow.session_id, MessageRow.position)
        own = own.select_extend(*_columns(CallRow))
        own = own.join(MessageRow, on=CallRow.message_id == MessageRow.id).where(*_within(part))
        for number, session_id, position, *kept in self._rows(own):
            values = dict(zip(TEXTS[CallRow], kept, strict=True))
            self._look(Place(CallRow, number), values, session_id, position)

    def look_at_attachments(self, part: Part | None) -> None:
        tie = MessageAttachmentRow
        own = tie.select(MessageRow.session_id, MessageRow.position, tie.message_id, tie.position)
        own = own.select_extend(tie.media_type, tie.sha256, *_columns(tie))
        own = own.join(MessageRow, on=tie.message_id == MessageRow.id).where(*_within(part))
        for session_id, position, message_id, place, media_type, digest, *kept in self._rows(own):
            values = dict(zip(TEXTS[tie], kept, strict=True))
            self._look(Place(tie, (message_id, place)), values, session_id, position)
            if digest is None or digest in self._read:
                continue
            self._read.add(digest)
            if (text := _text_of(self._db, digest, media_type)) is not None:
                self._look(Place(AttachmentRow, digest), {"data": text}, session_id, position)

    def look_at_checkpoints(self, part: Part | None) -> None:
        own = CheckpointRow.select(CheckpointRow.id, CheckpointRow.session_id)
        own = own.select_extend(CheckpointRow.position, CheckpointRow.label)
        if part is not None:
            own = own.where(CheckpointRow.session_id == part.session_id)
        elif self._db.owners:
            own = own.where(sessions.is_of_shown(CheckpointRow.session_id))
        for number, session_id, position, label in self._rows(own):
            self._look(Place(CheckpointRow, number), {"label": label}, session_id, position)

    def look_at_names(self, part: Part | None) -> None:
        own = only_own(self._db, SessionRow.select(SessionRow.id, SessionRow.name), SessionRow)
        if part is not None:
            own = own.where(SessionRow.id == part.session_id)
        for number, name in list(self._rows(own)):
            instead, found = self._clean(number, *rows.texts((name,)))
            for finding in found:
                kept = KeptKey(number, "", None, "name", finding.family, finding.excerpt)
                self._found.append((kept, Place(SessionRow, number, instead)))

    def _clean(self, number: int, name: str) -> tuple[str, list[Finding]]:
        """The name of a session without keys, and without the beginnings of those above it."""
        found = find(name)
        name = redacted(name, found)
        above = messages.lineage(self._db, number) if self._keys else []
        for key, finding in [
            pair for part in above for pair in self._keys[part.session_id].items()
        ]:
            if (cut := _beginning(key, name)) is not None:
                name = name.replace(cut, f"[redacted {finding.family}]")
                begins = finding.excerpt.partition("…")[0]
                found.append(finding._replace(excerpt=f"{begins}…"))
        return name, found

    def _rows(self, query: Select) -> Iterable[tuple[Any, ...]]:
        return self._db.execute(query)

    def _look(
        self,
        place: Place,
        values: Mapping[str, object],
        session_id: int,
        position: int,
        *,
        broken_off: bool = False,
    ) -> None:
        for column, value in values.items():
            cut = broken_off and column in _CAME
            for text in _texts(column, value):
                for finding in find(text, broken_off=cut):
                    self._keys[session_id][text[finding.start : finding.end]] = finding
                    what = TEXTS[place.table][column]
                    kept = KeptKey(session_id, "", position, what, finding.family, finding.excerpt)
                    self._found.append((kept, place))


def _breaks_off(status: object, reason: object) -> bool:
    return status == "partial" or reason == "length"


def _columns(table: type[Model]) -> list[Field[object]]:
    return [getattr(table, column) for column in TEXTS[table]]


def _within(part: Part | None) -> tuple[ColumnBase, ...]:
    if part is None:
        mine = sessions.is_of_shown(MessageRow.session_id)
        return (ByOwners(MessageRow.id.is_null(False), one=mine),)
    return (MessageRow.session_id == part.session_id, MessageRow.position <= part.upto)


def _texts(column: str, value: object) -> Iterator[str]:
    """The texts of a column: of JSON, each string by itself."""
    if value is None:
        return
    if not isinstance(value, str):
        raise BadRow(f"a {column} that is not text")
    if column in _JSON and (inside := _json(value)) is not None:
        yield from strings(inside)
    else:
        yield value


def _json(kept: str) -> object:
    """The value of a JSON text; None where it is not JSON after all."""
    try:
        return json.loads(kept)
    except (ValueError, RecursionError):
        return None


def _whole(db: Connection, number: int, kept: Mapping[str, object]) -> dict[str, object]:
    """Text and reasoning of a partial reply with its pieces: a key may lie across two."""
    content, reasoning = rows.texts((kept["content"], kept["reasoning"]))
    pieces = messages.pieces(db, number)
    return {
        "content": content + "".join(text for text, _ in pieces),
        "reasoning": reasoning + "".join(thought for _, thought in pieces),
    }


def _text_of(db: Connection, digest: str, media_type: str) -> str | None:
    """What is attached, where it is text."""
    if text_in(b"", media_type) is None:  # not read for nothing: pictures are large
        return None
    kept = AttachmentRow.select(AttachmentRow.data).where(AttachmentRow.sha256 == digest)
    row = db.execute(kept).fetchone()
    return text_in(bytes(row[0]), media_type) if row else None


def _beginning(key: str, name: str) -> str | None:
    """As much of the beginning of a key as a name holds, where that is much."""
    if key[:_BEGINNING] not in name:
        return None
    size = _BEGINNING
    while size < len(key) and key[: size + 1] in name:
        size += 1
    return key[:size]


# --- taken out ------------------------------------------------------------------------


def portions(places: Iterable[Place]) -> Iterator[list[Place]]:
    """Each row once, as many at a time as nobody waits long for."""
    once = list(dict.fromkeys(places))
    for start in range(0, len(once), _AT_ONCE):
        yield once[start : start + _AT_ONCE]


def take_out(db: Connection, places: Iterable[Place]) -> None:
    """Put what stands for them in the place of the keys of rows, and of the words that are found.

    A row that is gone, or has changed meanwhile, is taken as it is now.
    """
    for place in places:
        _TAKE_OUT[place.table](db, place)


def _from_message(db: Connection, place: Place) -> None:
    number = place.key
    columns = MessageRow.select(*_ENDING, *_columns(MessageRow))
    row = db.execute(columns.where(MessageRow.id == number)).fetchone()
    if row is None:
        return
    before = dict(zip(TEXTS[MessageRow], row[len(_ENDING) :], strict=True))
    now = before | _whole(db, number, before) if row[0] == "partial" else before
    after = _without_keys(now, broken_off=_breaks_off(row[0], row[1]))
    if after == now:
        return
    if after["state"] != now["state"]:
        # The vendor has signed it: changed, it would refuse the next request.
        after["state"] = None
    if after["content"] != now["content"] and after["citations"] is not None:
        # The passages that rest on them are elsewhere now.
        cited = _json(str(after["citations"]))
        if isinstance(cited, list):
            after["citations"] = json.dumps([[*source[:3], None, None] for source in cited])
    if row[0] == "complete" and after["content"] != now["content"]:
        db.unindex_message(number, rows.texts((now["content"],))[0])
        db.index_message(number, str(after["content"]))
    MessageRow.update(**after).where(MessageRow.id == number).execute(db)
    PieceRow.delete().where(PieceRow.message_id == number).execute(db)
    # It is not what the model said any more.
    RequestRow.delete().where(RequestRow.message_id == number).execute(db)


def _from_call(db: Connection, place: Place) -> None:
    columns = CallRow.select(*_columns(CallRow)).where(CallRow.id == place.key)
    row = db.execute(columns).fetchone()
    if row is None:
        return
    before = dict(zip(TEXTS[CallRow], row, strict=True))
    if before["result"] is not None:
        db.unindex_call(place.key)
    CallRow.update(**_without_keys(before)).where(CallRow.id == place.key).execute(db)
    if before["result"] is not None:
        db.index_call(place.key)


def _from_tie(db: Connection, place: Place) -> None:
    tie = MessageAttachmentRow
    at = (tie.message_id == place.key[0], tie.position == place.key[1])
    if row := db.execute(tie.select(*_columns(tie)).where(*at)).fetchone():
        after = _without_keys(dict(zip(TEXTS[tie], row, strict=True)))
        tie.update(**after).where(*at).execute(db)


def _from_attachment(db: Connection, place: Place) -> None:
    tie = MessageAttachmentRow
    if (text := _text_of(db, place.key, "text/plain")) is None:
        return
    data = redacted(text).encode()
    digest = sha256(data).hexdigest()
    if digest == place.key:
        return
    messages.put_bytes(db, digest, data)
    # Another owner's messages may carry the same: what becomes of these is theirs to say.
    carried = tie.sha256 == place.key
    mine = MessageRow.select(MessageRow.id).where(sessions.is_of_shown(MessageRow.session_id))
    tie.update(sha256=digest).where(
        ByOwners(carried, one=carried & tie.message_id.in_(mine))
    ).execute(db)
    messages.drop_bytes(db, [place.key])


def _from_checkpoint(db: Connection, place: Place) -> None:
    mark = CheckpointRow
    row = db.execute(
        mark.select(mark.session_id, mark.label).where(mark.id == place.key)
    ).fetchone()
    if row is None or row[1] is None:
        return
    label = free = redacted(row[1])
    number = 1
    while mark.select().where(mark.session_id == row[0], mark.label == free).exists(db):
        number += 1
        free = f"{label} ({number})"
    mark.update(label=free).where(mark.id == place.key).execute(db)


def _from_name(db: Connection, place: Place) -> None:
    row = db.execute(
        SessionRow.select(SessionRow.name).where(SessionRow.id == place.key)
    ).fetchone()
    if row is None:
        return
    db.unindex_name(place.key, row[0])
    name = sessions.free_name(db, place.name)
    SessionRow.update(name=name).where(SessionRow.id == place.key).execute(db)
    db.index_name(place.key, name)


_TAKE_OUT: Mapping[type[Model], Callable[[Connection, Place], None]] = {
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
        cut = broken_off and column in _CAME
        if not any(find(text, broken_off=cut) for text in _texts(column, value)):
            continue
        text = str(value)
        inside = _json(text) if column in _JSON else None
        if inside is None:
            after[column] = redacted(text, broken_off=cut)
        else:
            after[column] = json.dumps(redacted_value(inside), ensure_ascii=False)
    return after


# --- replies in files of their own -----------------------------------------------------


def spilled_keys(directory: Path, session_id: int | None) -> Iterator[tuple[Path, KeptKey]]:
    """The keys in replies that the database would not take."""
    for path in spill.spilled(directory, session_id):
        for key in find(_spilled_text(path)):
            number = spill.session_of(path)
            yield path, KeptKey(number, "", None, "file", key.family, key.excerpt, str(path))


def redact_spilled(directory: Path, session_id: int | None) -> list[KeptKey]:
    """Replace the keys in them; what was replaced.

    Raises:
        StoreError: A file cannot be written.
    """
    found = list(spilled_keys(directory, session_id))
    for path in dict.fromkeys(path for path, _ in found):
        try:
            write_file(path, redacted(_spilled_text(path)).encode(), replace=True)
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}") from error
    return [key for _, key in found]


def _spilled_text(path: Path) -> str:
    return read_file(path, _MAX_FILE, failure=StoreError).decode("utf-8", "replace")
