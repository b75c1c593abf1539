"""Find keys in all that is kept: every table and column that can hold text."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from peewee import ColumnBase, Field, Model

from hfs_cli.conversations import KeptKey
from hfs_cli.redact.find import Finding, find, redacted, strings, text_in
from hfs_cli.store import deletion, messages, rows, sessions
from hfs_cli.store.engine import BadRow, ByOwners, Connection, only_own
from hfs_cli.store.messages import Part
from hfs_cli.store.tables import (
    AttachmentRow,
    CallRow,
    CheckpointRow,
    MessageAttachmentRow,
    MessageRow,
    PieceRow,
    SessionRow,
)

# What may hold a key, and what that is called where it is shown. All other columns hold words of
# our own, names of models, and digests; a test fails when a column is added.
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
JSON = {"state", "citations", "extra"}
# The columns that come in pieces, and those of a message that tell whether the last piece came. A
# vendor's state has the same thoughts and arguments.
STREAMED = {"content", "reasoning", "arguments", "state"}
ENDING = (MessageRow.status, MessageRow.finish_reason)
# An automatic name cuts the message that it is made of, and a key in it: what has this many of a
# key's characters has more of it than the beginning that all such keys share.
_BEGINNING = 12


class Holder(NamedTuple):
    """A row that holds keys.

    Args:
        table: Its table.
        key: Its primary key; of an attachment's name, the message and the place.
        name: Of a session: its name without keys.
    """

    table: type[Model]
    key: Any
    name: str = ""


def keys(db: Connection, session_id: int | None) -> list[tuple[KeptKey, Holder]]:
    """The keys that are kept, each with its row, in the order of sessions and messages.

    Args:
        session_id: The session whose transcript to look at, and whose tails that were set aside;
            None for everything.
    """
    search = _Search(db)
    parts: list[Part | None] = [None]
    if session_id is not None:
        tails = deletion.going_with(db, [session_id])
        aside = (Part(tail.id, rows.LARGEST) for tail in tails)
        parts = [*messages.lineage(db, session_id), *aside]
    for part in parts:
        search.look_at_messages(part)
        search.look_at_attachments(part)
        search.look_at_checkpoints(part)
    # Last: an automatic name may hold the beginning of a key of any message above it.
    for part in parts:
        search.look_at_names(part)
    return search.found()


class _Search:
    """Looks for keys in a part of a transcript, or, without one, in everything."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._found: list[tuple[KeptKey, Holder]] = []
        # What was found in the messages of each session: the key, and how it was found.
        self._keys: defaultdict[int, dict[str, Finding]] = defaultdict(dict)
        # The names of sessions without keys.
        self._names: dict[int, str] = {}
        self._read: set[str] = set()

    def found(self) -> list[tuple[KeptKey, Holder]]:
        """All keys, with the names of their sessions as they are without keys."""
        named = [
            (kept._replace(session_name=self._names.get(kept.session_id or 0, "")), holder)
            for kept, holder in self._found
        ]
        return sorted(named, key=lambda one: (one[0].session_id or 0, one[0].position or 0))

    def look_at_messages(self, part: Part | None) -> None:
        """Look at messages, and at the calls that they hold."""
        calls = CallRow.select(CallRow.id).join(MessageRow, on=CallRow.message_id == MessageRow.id)
        for table, ids in ((MessageRow, MessageRow.select(MessageRow.id)), (CallRow, calls)):
            own = ids.select_extend(MessageRow.session_id, MessageRow.position, *ENDING)
            own = own.select_extend(*fields(table)).where(_within(part))
            for number, session_id, position, status, reason, *kept in self._db.execute(own):
                values = named(table, kept)
                if table is MessageRow and status == "partial":
                    values = with_pieces(self._db, number, values)
                cut = is_broken_off(status, reason)
                self._look(Holder(table, number), values, session_id, position, broken_off=cut)

    def look_at_attachments(self, part: Part | None) -> None:
        tie = MessageAttachmentRow
        own = tie.select(MessageRow.session_id, MessageRow.position, tie.message_id, tie.position)
        own = own.select_extend(tie.media_type, tie.sha256, *fields(tie))
        own = own.join(MessageRow, on=tie.message_id == MessageRow.id).where(_within(part))
        for row in self._db.execute(own):
            session_id, position, message_id, place, media_type, digest, *kept = row
            values = named(tie, kept)
            self._look(Holder(tie, (message_id, place)), values, session_id, position)
            if digest is None or digest in self._read:
                continue
            self._read.add(digest)
            if (text := attached_text(self._db, digest, media_type)) is not None:
                self._look(Holder(AttachmentRow, digest), {"data": text}, session_id, position)

    def look_at_checkpoints(self, part: Part | None) -> None:
        own = CheckpointRow.select(CheckpointRow.id, CheckpointRow.session_id)
        own = own.select_extend(CheckpointRow.position, CheckpointRow.label)
        if part is not None:
            own = own.where(CheckpointRow.session_id == part.session_id)
        elif self._db.owners:
            own = own.where(sessions.is_of_shown(CheckpointRow.session_id))
        for number, session_id, position, label in self._db.execute(own):
            self._look(Holder(CheckpointRow, number), {"label": label}, session_id, position)

    def look_at_names(self, part: Part | None) -> None:
        own = SessionRow.select(SessionRow.id, SessionRow.name, of=None)
        own = only_own(self._db, own, SessionRow)
        if part is not None:
            own = own.where(SessionRow.id == part.session_id)
        for number, name in list(self._db.execute(own)):
            instead, found = self._clean(number, *rows.texts((name,)))
            self._names[number] = instead
            for finding in found:
                kept = KeptKey(number, "", None, "name", finding.family, finding.excerpt)
                self._found.append((kept, Holder(SessionRow, number, instead)))

    def _clean(self, number: int, name: str) -> tuple[str, list[Finding]]:
        """A session's name without keys and beginnings of keys, and what was found in it."""
        found = find(name)
        name = redacted(name, found)
        for part in messages.lineage(self._db, number) if self._keys else ():
            for key, finding in self._keys[part.session_id].items():
                if (cut := _beginning(key, name)) is not None:
                    name = name.replace(cut, f"[redacted {finding.family}]")
                    begins = finding.excerpt.partition("…")[0]
                    found.append(finding._replace(excerpt=f"{begins}…"))
        return name, found

    def _look(
        self,
        holder: Holder,
        values: Mapping[str, object],
        session_id: int,
        position: int,
        *,
        broken_off: bool = False,
    ) -> None:
        for column, value in values.items():
            cut = broken_off and column in STREAMED
            for text in texts_of(column, value):
                for finding in find(text, broken_off=cut):
                    self._keys[session_id][text[finding.start : finding.end]] = finding
                    what = TEXTS[holder.table][column]
                    kept = KeptKey(session_id, "", position, what, finding.family, finding.excerpt)
                    self._found.append((kept, holder))


def _within(part: Part | None) -> ColumnBase:
    if part is None:
        mine = sessions.is_of_shown(MessageRow.session_id)
        return ByOwners(MessageRow.id.is_null(False), one=mine)
    return (MessageRow.session_id == part.session_id) & (MessageRow.position <= part.upto)


def _beginning(key: str, name: str) -> str | None:
    """The longest beginning of a key that a name holds; None if it is a short one."""
    if key[:_BEGINNING] not in name:
        return None
    size = _BEGINNING
    while size < len(key) and key[: size + 1] in name:
        size += 1
    return key[:size]


def fields(table: type[Model]) -> list[Field[object]]:
    """The columns of a table that may hold a key."""
    return [getattr(table, column) for column in TEXTS[table]]


def named(table: type[Model], row: Sequence[object]) -> dict[str, object]:
    """The values of these columns by their names."""
    return dict(zip(TEXTS[table], row, strict=True))


def texts_of(column: str, value: object) -> Iterator[str]:
    """The texts of a column: of JSON, each string by itself."""
    if value is None:
        return
    if not isinstance(value, str):
        raise BadRow(f"a {column} that is not text")
    if column in JSON and (inside := parsed(value)) is not None:
        yield from strings(inside)
    else:
        yield value


def parsed(text: str) -> object:
    """The value of a JSON text; None where it is not JSON after all."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def is_broken_off(status: object, reason: object) -> bool:
    """Whether a reply that ended like this may end in the middle of a key."""
    return status == "partial" or reason == "length"


def with_pieces(db: Connection, number: int, kept: Mapping[str, object]) -> dict[str, object]:
    """The values of a partial reply with its pieces: a key may lie across two."""
    content, reasoning = rows.texts((kept["content"], kept["reasoning"]))
    content, reasoning = messages.with_pieces(db, number, content, reasoning)
    return {**kept, "content": content, "reasoning": reasoning}


def attached_text(db: Connection, digest: str, media_type: str) -> str | None:
    """The bytes of an attachment, where they are text."""
    if text_in(b"", media_type) is None:  # pictures are large, and not read in vain
        return None
    kept = AttachmentRow.select(AttachmentRow.data).where(AttachmentRow.sha256 == digest)
    row = db.execute(kept).fetchone()
    return text_in(bytes(row[0]), media_type) if row else None
