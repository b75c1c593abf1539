"""Read conversations in the form in which they are exported; `incoming` brings them in."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import datetime

from peewee import fn

from hfs_cli.conversations import Conversation
from hfs_cli.messages import Session
from hfs_cli.store import checkpoints, rows, sessions
from hfs_cli.store.engine import Connection, Engine, own
from hfs_cli.store.messages import lineage, transcript
from hfs_cli.store.tables import SessionRow

# For the uids of sessions whose own uid another owner has as well (RFC 9562, version 5).
_NAMESPACE = uuid.UUID("9b1c7a52-40f6-5d7e-a6c3-686673657870")


def conversations(
    engine: Engine,
    ids: Iterable[int] | None = None,
    *,
    tails: bool = True,
    since: datetime | None = None,
) -> Generator[Conversation]:
    """Sessions as they are exported, one by one, in order of use, which an import keeps.

    They are read as they are asked for, from one moment's view: close the generator if it
    is not read to its end.

    Args:
        ids: Which sessions, or None for all.
        tails: With the tails that were set aside from them.
        since: Only those used at or after this moment; with `tails`, also the sessions that
            these are branches of, for a branch whose parent is not among them carries the shared
            messages itself and comes as a session of its own.
    """
    with engine.reading() as db:
        yield from _conversations(db, ids, tails=tails, since=since)


def _conversations(
    db: Connection, ids: Iterable[int] | None, *, tails: bool, since: datetime | None
) -> Iterator[Conversation]:
    chosen = None if ids is None else set(ids)
    if since is not None:
        used = SessionRow.select(SessionRow.id, of=sessions.is_shown())
        used = used.where(SessionRow.updated_at >= rows.to_microseconds(since))
        recent = {number for (number,) in db.execute(used)}
        chosen = recent if chosen is None else chosen & recent
    if chosen is not None and tails:
        chosen = _with_tails(db, chosen)
        if since is not None:
            chosen |= {part.session_id for number in chosen for part in lineage(db, number)}
    # Listed sessions in order of use, then the tails.
    unlisted = SessionRow.use_seq.is_null()
    every = SessionRow.select(SessionRow.id, of=sessions.is_shown())
    every = every.order_by(unlisted, sessions.USE, SessionRow.created_at, SessionRow.uid)
    if ids is None and not tails:
        # Not listed and yet no tail: a session that never had a reply.
        every = every.where(SessionRow.use_seq.is_null(False) | (SessionRow.origin == "chat"))
    uids = _own_uids(db) if db.owners == "every" else {}
    for (number,) in list(db.execute(every)):
        if chosen is None or number in chosen:
            yield conversation(db, sessions.get(db, number), chosen, whole=not tails, uids=uids)


def _with_tails(db: Connection, chosen: set[int]) -> set[int]:
    unlisted = own(SessionRow.use_seq.is_null(), SessionRow)
    tails = list(db.execute(SessionRow.select(SessionRow.id, SessionRow.parent_id, of=unlisted)))
    more = chosen
    while more:
        more = {number for number, parent in tails if parent in chosen} - chosen
        chosen |= more
    return chosen


def _own_uids(db: Connection) -> dict[int, str]:
    """Other uids for sessions whose uid several owners have, each by its number.

    Whoever brought the same history in has the same uids. The first of the owners, by name, keeps
    them; the others' are made of owner and uid, so that they are the same at each export.
    """
    several = SessionRow.select(SessionRow.uid, of=sessions.is_shown())
    several = several.group_by(SessionRow.uid).having(fn.COUNT(SessionRow.id) > 1)
    columns = (SessionRow.id, SessionRow.uid, SessionRow.owner)
    shared = SessionRow.select(*columns, of=sessions.is_shown())
    shared = shared.where(SessionRow.uid.in_(several))
    found, seen = {}, set()
    for number, uid, owner in db.execute(shared.order_by(SessionRow.owner)):
        if uid in seen:
            found[number] = uuid.uuid5(_NAMESPACE, f"{owner}:{uid}").hex
        seen.add(uid)
    return found


def conversation(
    db: Connection,
    session: Session,
    chosen: set[int] | None,
    *,
    whole: bool,
    uids: Mapping[int, str] | None = None,
) -> Conversation:
    """A session in the form in which it is exported.

    Args:
        chosen: The sessions that are exported with it, or None for all.
        whole: With the messages that it shares with its parent, even if that is exported too.
        uids: The uids that stand for those of some sessions, by the sessions' numbers.
    """
    uids = uids or {}
    parent = None
    if session.parent_id is not None and not whole:
        parent = session.parent_id if chosen is None or session.parent_id in chosen else None
    shared = 0 if parent is None else session.fork_position
    there = transcript(db, session.id)
    # Elsewhere a message is known by its position and not by the database's number.
    positions: dict[int | None, int] = {m.id: m.position for m in there}
    messages = [m._replace(id=m.position, reply_to=positions.get(m.reply_to)) for m in there]
    parent_uid = None
    if parent is not None:
        parent_uid = uids.get(parent) or sessions.get(db, parent).uid
    return Conversation(
        uid=uids.get(session.id, session.uid),
        name=session.name,
        origin=session.origin,
        listed=session.listed,
        model=session.model,
        created_at=session.created_at,
        updated_at=session.updated_at,
        messages=tuple(messages[shared:]),
        parent_uid=parent_uid,
        fork_position=None if parent is None else session.fork_position,
        checkpoints=checkpoints.of(db, session.id),
    )
