"""Branches of a session: fork it, set its tail aside, and list its whole family.

A branch is a session that names its parent and how many of the parent's messages it begins
with. Nothing is copied: a fork is one row, and setting a tail aside moves the tail's rows to
a new session.
"""

from __future__ import annotations

from peewee import Select

from hfs_cli.conversations import Branch
from hfs_cli.errors import NotFoundError, UsageError
from hfs_cli.messages import Origin, Session
from hfs_cli.naming import check_name
from hfs_cli.store import checkpoints, messages, rows, sessions
from hfs_cli.store.engine import Connection, statement
from hfs_cli.store.tables import CheckpointRow, MessageRow, SessionRow
from hfs_cli.wording import plural

_NAMES = {"rewind": "rewound", "undo": "undone", "retry": "variant"}


def fork(
    db: Connection, session_id: int, *, at: int | None = None, name: str | None = None
) -> Session:
    """A new session that begins with another's messages, which the two share; it counts as used.

    Args:
        at: How many of its messages; None for all.
        name: The fork's name, or None for an automatic one.

    Raises:
        NotFoundError: The session, or that many messages, are not there.
        UsageError: The name cannot be used or is taken.
    """
    session = sessions.get(db, session_id)
    at = session.messages if at is None else at
    _check_position(session, at, first=1)
    if name is None:
        name = sessions.free_name(db, f"{session.name} (fork)")
    else:
        name = check_name(name)
        sessions.refuse_taken(db, name)
    forked = sessions.add(
        db,
        name,
        "fork",
        parent_id=session_id,
        fork_position=at,
        message_count=at,
        model=session.model,
        last_status=messages.status_at(db, session_id, at),
    )
    return sessions.touch(db, forked)


def set_aside(db: Connection, session_id: int, keep: int, origin: Origin) -> Session:
    """Let a session continue from an earlier point; what followed becomes a branch.

    Args:
        keep: How many messages the session keeps.
        origin: Why.

    Returns:
        The branch, which is not listed until it is used.

    Raises:
        NotFoundError: The session does not have that many messages.
        UsageError: There is nothing after them.
    """
    session = sessions.get(db, session_id)
    _check_position(session, keep, first=0)
    if keep == session.messages:
        raise UsageError(f"session {session_id} already ends at message {keep}")
    # Say session 5 has 8 messages and is rewound to 4: the branch gets the messages 5 to 8, their
    # checkpoints, and the forks made after 4; it is a child of 5 that shares 4.
    parent, shares = session_id, keep
    # If 5 is itself a fork that shares the first 6 messages with its parent 2, the cut lies in
    # what is not its own. Then 5 becomes a shorter fork of 2, sharing 4, and the branch takes the
    # place that 5 had: a child of 2 that shares 6, with 7 and 8 of its own.
    if session.parent_id is not None and keep < (session.fork_position or 0):
        parent, shares = session.parent_id, session.fork_position or 0
        sessions.change(db, session_id, fork_position=keep)
    branch = sessions.add(
        db,
        sessions.free_name(db, f"{session.name} ({_NAMES[origin]})"),
        origin,
        parent_id=parent,
        fork_position=shares,
        message_count=session.messages,
        model=session.model,
        last_status=session.last_status,
        updated_at=rows.to_microseconds(session.updated_at),
    )
    move(db, session_id, branch, after=keep)
    forks = (SessionRow.parent_id == session_id) & (SessionRow.fork_position > keep)
    SessionRow.update(parent_id=branch).where(forks & (SessionRow.id != branch)).execute(db)
    status = messages.status_at(db, session_id, keep)
    sessions.change(db, session_id, message_count=keep, last_status=status)
    sessions.touch(db, session_id)
    return sessions.get(db, branch)


def move(
    db: Connection, giver: int, taker: int, *, after: int = 0, upto: int = rows.LARGEST
) -> None:
    """Move messages and checkpoints from one session to another, by their positions.

    Where the taker has a checkpoint of the same name, that one stays.
    """
    own = MessageRow.session_id == giver
    moved = MessageRow.update(session_id=taker)
    moved.where(own & MessageRow.position.between(after + 1, upto)).execute(db)
    mark = CheckpointRow.alias("mark")
    taken = mark.select(mark.label).where(mark.session_id == taker, mark.label.is_null(False))
    own = CheckpointRow.session_id == giver
    is_free = CheckpointRow.label.is_null() | CheckpointRow.label.not_in(taken)
    moved = CheckpointRow.update(session_id=taker)
    moved.where(own & CheckpointRow.position.between(after + 1, upto) & is_free).execute(db)


def rewind(db: Connection, session_id: int, to: str) -> Session:
    """Let a session continue from an earlier point, or from one that was set aside.

    Args:
        to: How many messages it keeps, or a checkpoint's name. If that checkpoint was set aside in
            a branch, the messages up to it come back.

    Returns:
        The branch that holds what followed.

    Raises:
        NotFoundError: There is no such session, message or checkpoint.
        UsageError: The session ends there already.
    """
    holder, position = checkpoints.find(db, session_id, to)
    if holder == session_id:
        return set_aside(db, session_id, position, "rewind")
    return _bring_back(db, session_id, holder, position)


def _bring_back(db: Connection, session_id: int, holder: int, position: int) -> Session:
    """Let a session continue from a point in one of its branches; the branch with what followed."""
    # Say session 1 was rewound from 8 messages to 2: the branch 3 has those from 3 to 8, with a
    # checkpoint at 5, and 1 has gained other messages 3 and 4. To bring the checkpoint back the
    # new ones are set aside as the branch 4, and 3 to 5 are taken from the branch 3, which keeps
    # 6 to 8 and shares 5 with session 1 now. Between the two there may be branches of branches:
    # each of them gives what it has up to where the next one was forked from it.
    path = [sessions.get(db, holder)]
    while path[0].parent_id not in {session_id, None}:
        path.insert(0, sessions.get(db, path[0].parent_id or 0))
    forked_at = path[0].fork_position or 0
    branch = path[-1]
    if sessions.get(db, session_id).messages > forked_at:
        branch = set_aside(db, session_id, forked_at, "rewind")
    ends = [*(s.fork_position or 0 for s in path[1:]), position]
    for giver, end in zip(path, ends, strict=True):
        start = giver.fork_position or 0
        move(db, giver.id, session_id, after=start, upto=end)
        forks = (SessionRow.parent_id == giver.id) & (SessionRow.fork_position <= end)
        SessionRow.update(parent_id=session_id).where(forks).execute(db)
        sessions.change(db, giver.id, fork_position=max(start, end))
    status = messages.status_at(db, session_id, position)
    sessions.change(db, session_id, message_count=position, last_status=status)
    sessions.touch(db, session_id)
    return sessions.get(db, branch.id)


def undo(db: Connection, session_id: int, turns: int = 1) -> Session:
    """Set a session's last turns aside; a turn is a question and all that follows it.

    Returns:
        The branch that holds them.

    Raises:
        NotFoundError: There is no such session.
        UsageError: It does not have that many turns.
    """
    history = messages.transcript(db, session_id)
    questions = [m.position for m in history if m.role == "user"]
    if not questions:
        raise UsageError(f"there is no turn to take back in session {session_id}")
    if len(questions) < turns:
        raise UsageError(f"session {session_id} has {plural(len(questions), 'turn')}, not {turns}")
    keep = questions[-turns] - 1
    # A system prompt that came with the turn goes with it; the session's first one stays.
    prompts = {m.position for m in history if m.role == "system"}
    while keep > 1 and keep in prompts:
        keep -= 1
    return set_aside(db, session_id, keep, "undo")


def family(db: Connection, session_id: int) -> list[Branch]:
    """The sessions that a session is a branch of, and its own branches.

    The oldest comes first, and each is followed by its branches.

    Raises:
        NotFoundError: There is no such session.
    """
    oldest = messages.lineage(db, session_id)[0].session_id
    found: list[Branch] = []
    # Not by recursion: forks of forks may be nested more deeply than Python's stack.
    todo = [(sessions.get(db, oldest), 0)]
    while todo:
        session, depth = todo.pop()
        found.append(
            Branch(
                session=session,
                origin=session.origin,
                listed=session.listed,
                depth=depth,
                turns=_turn_ends(db, session),
                checkpoints=checkpoints.of(db, session.id),
            )
        )
        todo += [(child, depth + 1) for child in reversed(children(db, session.id))]
    return found


def children(db: Connection, session_id: int) -> list[Session]:
    """A session's branches, by how many messages they share and then by their ids."""
    return [rows.session(row) for row in _children(db, session_id)]


@statement
def _children(session_id: int) -> Select:
    branches = SessionRow.select(rows.SESSION, of=None).where(SessionRow.parent_id == session_id)
    return branches.order_by(SessionRow.fork_position, SessionRow.id)


def _turn_ends(db: Connection, session: Session) -> tuple[int, ...]:
    """Where the session's own turns end: before the next question, and at the end."""
    asked = (MessageRow.session_id == session.id) & (MessageRow.role == "user")
    questions = MessageRow.select(MessageRow.position).where(asked).order_by(MessageRow.position)
    ends = (*(rows.numbers(row)[0] - 1 for row in db.execute(questions)), session.messages)
    return tuple(e for e in dict.fromkeys(ends) if e > (session.fork_position or 0))


def _check_position(session: Session, position: int, *, first: int) -> None:
    count = session.messages
    if not first <= position <= count:
        raise NotFoundError(
            f"session {session.id} has messages {min(first, count)} to {count}, not {position}"
        )
