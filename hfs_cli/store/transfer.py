"""Take conversations out of the database, as they travel; `incoming` takes them in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from hfs_cli.conversations import Conversation
from hfs_cli.messages import Session
from hfs_cli.store import checkpoints, rows, sessions
from hfs_cli.store.engine import Connection, own
from hfs_cli.store.messages import lineage, transcript
from hfs_cli.store.tables import SessionRow


def conversations(
    db: Connection, ids: Iterable[int] | None, *, tails: bool, since: datetime | None = None
) -> Iterator[Conversation]:
    """Sessions one by one, in order of use; an import keeps this order.

    A branch whose parent is not among them carries the shared messages itself.

    Args:
        ids: Which, or None for all.
        tails: With the tails that were set aside from them.
        since: Of these only what was used at or after a moment, and with `tails` what that is a
            branch of: without its parent a branch would come as a session of its own.
    """
    chosen = None if ids is None else set(ids)
    if since is not None:
        used = SessionRow.select(SessionRow.id).where(
            SessionRow.updated_at >= rows.to_microseconds(since), sessions.is_shown()
        )
        recent = {number for (number,) in db.execute(used)}
        chosen = recent if chosen is None else chosen & recent
    if chosen is not None and tails:
        chosen = _with_tails(db, chosen)
    if chosen is not None and since is not None and tails:
        chosen |= {part.session_id for number in chosen for part in lineage(db, number)}
    # Listed sessions in order of use, then the tails.
    unlisted = SessionRow.use_seq.is_null()
    every = SessionRow.select(SessionRow.id).where(sessions.is_shown())
    every = every.order_by(unlisted, sessions.USE, SessionRow.created_at, SessionRow.uid)
    if ids is None and not tails:
        # Not listed and yet no tail: a session that never had a reply.
        every = every.where(SessionRow.use_seq.is_null(False) | (SessionRow.origin == "chat"))
    for (number,) in list(db.execute(every)):
        if chosen is None or number in chosen:
            yield conversation(db, sessions.get(db, number), chosen, whole=not tails)


def _with_tails(db: Connection, chosen: set[int]) -> set[int]:
    unlisted = SessionRow.select(SessionRow.id, SessionRow.parent_id)
    tails = list(db.execute(unlisted.where(own(SessionRow.use_seq.is_null(), SessionRow))))
    more = chosen
    while more:
        more = {number for number, parent in tails if parent in chosen} - chosen
        chosen |= more
    return chosen


def conversation(
    db: Connection, session: Session, chosen: set[int] | None, *, whole: bool
) -> Conversation:
    """A session as it travels.

    Args:
        chosen: The sessions that travel with it, or None for all.
        whole: With the messages that it shares with its parent, though that travels too.
    """
    parent = None
    if session.parent_id is not None and not whole:
        parent = session.parent_id if chosen is None or session.parent_id in chosen else None
    shared = 0 if parent is None else session.fork_position
    there = transcript(db, session.id)
    # Elsewhere a message is known by its position and not by the database's number.
    positions: dict[int | None, int] = {m.id: m.position for m in there}
    messages = [m._replace(id=m.position, reply_to=positions.get(m.reply_to)) for m in there]
    return Conversation(
        uid=session.uid,
        name=session.name,
        origin=session.origin,
        listed=session.listed,
        model=session.model,
        created_at=session.created_at,
        updated_at=session.updated_at,
        messages=tuple(messages[shared:]),
        parent_uid=None if parent is None else sessions.get(db, parent).uid,
        fork_position=None if parent is None else session.fork_position,
        checkpoints=checkpoints.of(db, session.id),
    )
