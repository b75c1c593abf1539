"""Tie imported branches to their parents, and sessions to what they have gained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Self

from peewee import Query, Select

from hfs_cli.conversations import Checkpoint, Conversation, Imported
from hfs_cli.errors import StoreError, UsageError
from hfs_cli.store import checkpoints, rows, sessions
from hfs_cli.store.branches import move
from hfs_cli.store.engine import Connection, own, statement
from hfs_cli.store.incoming import kept
from hfs_cli.store.incoming.meeting import Growth, answers_to_shared
from hfs_cli.store.incoming.take_back import remove_message, remove_session
from hfs_cli.store.messages import holds
from hfs_cli.store.tables import MessageRow, SessionRow


class Contents(NamedTuple):
    """How many messages a conversation has of its own, and what they carry."""

    messages: int
    attachments: int
    calls: int

    @classmethod
    def of(cls, conversation: Conversation) -> Self:
        """What a conversation has."""
        messages = conversation.messages
        return cls(
            len(messages),
            sum(len(message.attachments) for message in messages),
            sum(len(message.tool_calls) for message in messages),
        )


class PendingBranch(NamedTuple):
    """A conversation that was added, and begins with messages of another one.

    Args:
        answers: By the position of a reply, the position of the shared question it answers.
        contents: What came with it.
        derived: As `Conversation.derived`.
    """

    uid: str
    name: str
    parent_uid: str
    fork_position: int
    answers: Mapping[int, int]
    contents: Contents
    derived: bool

    @classmethod
    def of(cls, branch: Conversation) -> Self:
        """A branch that was added.

        Raises:
            UsageError: As `answers_to_shared`.
        """
        return cls(
            branch.uid,
            branch.name,
            branch.parent_uid or "",
            branch.fork_position or 0,
            answers_to_shared(branch),
            Contents.of(branch),
            branch.derived,
        )


def digits(uid: str) -> int:
    """The first 15 digits of a uid: they identify it, in half the memory."""
    return int(uid[:15], 16)


def tie_all(
    db: Connection,
    branches: Sequence[PendingBranch],
    growths: Iterable[Growth],
    done: Imported,
) -> None:
    """Tie branches and growths to sessions that are shown already.

    Args:
        branches: Parents before their own branches.
        growths: What sessions have gained.
        done: Counts a branch where a session has changed since its growth was found.

    Raises:
        UsageError: A parent was deleted meanwhile, or cut short.
    """
    for branch in branches:
        parent = of_uid(db, branch.parent_uid).fetchone()
        if parent is None or parent[1] < branch.fork_position:
            raise UsageError(
                f'the session that "{branch.name}" is a branch of was changed meanwhile: '
                "nothing was imported"
            )
        tie(db, branch, int(parent[0]))
    for growth in growths:
        if not growth.extends:
            _tie_tail(db, growth)
        elif not _extend(db, growth):
            done.extended -= 1
            done.parted += 1
    # Only once all hang where they belong does each transcript hold what it answers.
    for branch in branches:
        answer_shared(db, id_of(db, branch.uid), branch.answers)


def tie(db: Connection, branch: PendingBranch, parent_id: int) -> None:
    """Make a session that an import has brought a branch."""
    session_id = id_of(db, branch.uid)
    sessions.change(db, session_id, parent_id=parent_id, fork_position=branch.fork_position)


def answer_shared(db: Connection, session_id: int, answers: Mapping[int, int]) -> None:
    """Name the questions that a session's replies answer and that its parent holds."""
    for position, question in answers.items():
        _answer(db, _number_at(db, session_id, position), _number_at(db, session_id, question))


def put_mark(db: Connection, uid: str, mark: Checkpoint) -> None:
    """Add a named checkpoint, unless the session has one of that name or is too short now."""
    session = kept.session_of_uid(db, uid)
    if session is None or mark.position > session.messages:
        return
    if all(there.label != mark.label for there in checkpoints.of(db, session.id)):
        moment = rows.to_microseconds(mark.created_at)
        checkpoints.insert(db, session.id, mark.position, mark.label, moment)


def id_of(db: Connection, uid: str) -> int:
    """The number of a session that this import has brought.

    Raises:
        StoreError: Somebody has taken the import back.
    """
    row = of_uid(db, uid).fetchone()
    if row is None:
        raise StoreError("another import has undone this one: nothing was imported")
    return int(row[0])


@statement
def of_uid(uid: str) -> Select:
    """The number, length and import of the session with a uid."""
    found = (SessionRow.id, SessionRow.message_count, SessionRow.import_id)
    return SessionRow.select(*found, of=own(SessionRow.uid == uid, SessionRow))


def _extend(db: Connection, growth: Growth) -> bool:
    """Let a session go on with what it has gained.

    Returns:
        False when the session has changed since it was compared: then that stays a branch of it.
    """
    tail_id = _tie_tail(db, growth)
    known = kept.session_of_uid(db, growth.session.uid)
    if known is None or known.messages != growth.session.messages:
        return False
    if known.messages and _number_at(db, known.id, known.messages) != growth.last:
        return False
    if growth.stale is not None:
        remove_message(db, growth.stale)
    tail = kept.session(db, tail_id)
    arrived, used = (row[0] for number in (tail_id, known.id) for row in _use_seq(db, number))
    move(db, tail_id, known.id)
    SessionRow.update(parent_id=known.id).where(SessionRow.parent_id == tail_id).execute(db)
    remove_session(db, tail_id)
    columns: dict[str, object] = {
        "message_count": tail.messages,
        "last_status": tail.last_status,
        "updated_at": rows.to_microseconds(max(tail.updated_at, known.updated_at)),
        "model": tail.model or known.model,
    }
    # A session that was used here keeps its place in the order of use.
    if arrived is not None and (used is None or used < min(arrived, 0)):
        columns["use_seq"] = arrived
    sessions.change(db, known.id, **columns)
    return True


def _tie_tail(db: Connection, growth: Growth) -> int:
    """Make what a session has gained a branch of it; its number."""
    tail_id = id_of(db, growth.tail.uid)
    position = growth.tail.fork_position or 0
    parent = kept.session_of_uid(db, growth.session.uid)
    parent_id = None if parent is None else parent.id
    if position:
        # Whatever was rewound meanwhile: who has the message before it has all before that.
        anchor = None if growth.anchor is None else kept.message(db, growth.anchor)
        if anchor is None:
            raise UsageError(
                f'the session of "{growth.tail.name}" was changed meanwhile: nothing was imported'
            )
        if parent is None or not holds(db, parent.id, anchor.session_id, position):
            parent_id = anchor.session_id
    if parent_id is not None:
        sessions.change(db, tail_id, parent_id=parent_id, fork_position=position)
        answer_shared(db, tail_id, growth.answers)
    return tail_id


def _number_at(db: Connection, session_id: int, position: int) -> int:
    """The number of the message at a position of a transcript.

    Raises:
        StoreError: There is no such message any more.
    """
    found = kept.message_at(db, session_id, position)
    if found is None:
        raise StoreError("a session that a branch came for was changed meanwhile: import it again")
    return found.number


@statement
def _use_seq(session_id: int) -> Select:
    return SessionRow.select(SessionRow.use_seq, of=None).where(SessionRow.id == session_id)


@statement
def _answer(message_id: int, question_id: int) -> Query:
    return MessageRow.update(reply_to=question_id).where(MessageRow.id == message_id)
