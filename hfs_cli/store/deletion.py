"""Delete sessions, and leave their branches the messages that they share."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from peewee import Query, Select

from hfs_cli.messages import Session
from hfs_cli.store import deleted, sessions
from hfs_cli.store.branches import children, move
from hfs_cli.store.engine import Connection, only_own, own, statement
from hfs_cli.store.messages import drop_bytes
from hfs_cli.store.tables import (
    AttachmentRow,
    MessageAttachmentRow,
    MessageRow,
    SessionRow,
)


def delete(db: Connection, ids: Iterable[int]) -> int:
    """Delete sessions with all they hold, and the tails that were set aside from them.

    Forks keep the messages that they share: the one that shares the most takes them over.

    Returns:
        How many of them there were.
    """
    chosen = dict.fromkeys(ids)
    # All at once is quicker than one by one, and the newest soon shows when it is not all.
    # Sessions that never had a reply are not listed, but they have no parent either.
    whole = SessionRow.select(SessionRow.id, of=own(SessionRow.parent_id.is_null(), SessionRow))
    # One more than are chosen: a server sends every row that is asked for before the first is seen.
    most = len(chosen) + 1
    if all(number in chosen for (number,) in _listed(db, most)) and all(
        number in chosen for (number,) in db.execute(whole.limit(most))
    ):
        return _delete_all(db, chosen)
    count = 0
    for session_id in chosen:
        # Another owner's, whose tails are that owner's too, or one that is gone.
        if (session := sessions.of_id(db, session_id)) is None:
            continue
        for tail in _tails(db, session_id):
            _delete_one(db, tail)
        _delete_one(db, session)
        count += 1
    return count


@statement
def _listed(limit: int) -> Select:
    used = own(SessionRow.use_seq.is_null(False), SessionRow)
    listed = SessionRow.select(SessionRow.id, of=used)
    return listed.order_by(SessionRow.use_seq.desc()).limit(limit)


def _delete_all(db: Connection, chosen: dict[int, None]) -> int:
    """Delete all of one's own sessions, and with them all tails."""
    every = only_own(db, SessionRow.select(SessionRow.id, of=None), SessionRow)
    there = [number for (number,) in db.execute(every)]
    db.forget_words()
    deleted.note(db, sessions.is_shown())
    update = SessionRow.update(parent_id=None, fork_position=None)
    only_own(db, update, SessionRow).execute(db)
    # Messages, ties and checkpoints go with their sessions (ON DELETE CASCADE).
    only_own(db, SessionRow.delete(), SessionRow).execute(db)
    if not db.frees_attachments:
        AttachmentRow.delete().execute(db)
    return sum(number in chosen for number in there)


def going_with(db: Connection, ids: Iterable[int]) -> list[Session]:
    """The branches that were set aside from sessions, and would be deleted with them."""
    chosen = dict.fromkeys(ids)
    found = {tail.id: tail for session_id in chosen for tail in _tails(db, session_id)[::-1]}
    return [tail for tail in found.values() if tail.id not in chosen]


def _tails(db: Connection, session_id: int) -> list[Session]:
    """The tails of a session and the tails of these, never used since, the deepest first."""
    found: list[Session] = []
    todo, seen = [session_id], {session_id}
    while todo:
        for tail in sorted(children(db, todo.pop()), key=attrgetter("id")):
            if not tail.listed and tail.id not in seen:
                found.append(tail)
                todo.append(tail.id)
                seen.add(tail.id)
    return found[::-1]


def _delete_one(db: Connection, session: Session) -> None:
    _hand_over(db, session)
    db.unindex_messages(session.id)
    db.unindex("session", session.id, session.name)
    carried = [digest for (digest,) in _digests(db, session.id)]
    deleted.note(db, SessionRow.id == session.id)
    # Its messages, their attachments' ties and its checkpoints go with it (ON DELETE CASCADE).
    _remove(db, session.id)
    if carried:
        drop_bytes(db, carried)


@statement
def _remove(session_id: int) -> Query:
    return SessionRow.delete().where(SessionRow.id == session_id)


@statement
def _digests(session_id: int) -> Select:
    """The digests of the attachments that the session's own messages carry."""
    tie = MessageAttachmentRow
    own = tie.select(tie.sha256).join(MessageRow, on=tie.message_id == MessageRow.id)
    return own.where(MessageRow.session_id == session_id, tie.sha256.is_null(False)).distinct()


def _hand_over(db: Connection, session: Session) -> None:
    """Give the messages that branches share to the branch that shares the most of them."""
    # The one that shares the most first.
    heirs = [(one.id, one.fork_position or 0) for one in children(db, session.id)]
    heirs.sort(key=lambda one: -one[1])
    if not heirs:
        return
    # Say 1 has the messages 1 to 8 and the forks 2 (at 6) and 3 (at 4), and is deleted. 2 is the
    # heir: the messages 1 to 6 become its own, 7 and 8 go with 1. 3 becomes a fork of 2 at 4.
    parent, own_from = session.parent_id, session.fork_position or 0
    heir, share = heirs[0]
    move(db, session.id, heir, upto=share)
    # If 1 was itself a fork of 9 at 5, 2 takes its place under 9 at 5, with message 6 its own; and
    # 3 at 4, whose shared messages were 9's all along, becomes a fork of 9. Had 2 been at 3, it
    # would be a fork of 9 at 3: no branch begins with more than it shared.
    start = None if parent is None else min(share, own_from)
    sessions.change(db, heir, parent_id=parent, fork_position=start)
    for number, share in heirs[1:]:
        above = heir if parent is None or share > own_from else parent
        sessions.change(db, number, parent_id=above)
