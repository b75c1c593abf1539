"""Part ways: fork a session, set its tail aside, and see the whole family.

A branch is a session that names its parent and how many of the parent's messages it begins
with. Nothing is copied: a fork is one row, and setting a tail aside gives the tail's rows to
a new session.
"""

from __future__ import annotations

from hfs_cli.conversations import Branch
from hfs_cli.errors import NotFoundError, UsageError
from hfs_cli.messages import Origin, Session
from hfs_cli.naming import check_name
from hfs_cli.store import checkpoints, messages, rows, sessions
from hfs_cli.store.engine import Connection
from hfs_cli.store.tables import CheckpointRow, MessageRow, SessionRow

_NAMES = {"rewind": "rewound", "undo": "undone", "retry": "variant"}


def fork(db: Connection, session_id: int, at: int | None, name: str | None) -> Session:
    """A new session that begins with another's messages; it is the last used one now.

    Args:
        at: How many messages; None for all of them.
        name: Its name, or None for the parent's with "(fork)".

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
    """Give messages and checkpoints of one session to another, by their position.

    Where the taker has a checkpoint of the same name, its own stays.
    """
    for table in (MessageRow, CheckpointRow):
        moved = (table.session_id == giver) & table.position.between(after + 1, upto)
        if table is CheckpointRow:
            mark = CheckpointRow.alias("mark")
            taken = mark.select(mark.label).where(mark.session_id == taker)
            taken = taken.where(mark.label.is_null(False))
            moved &= CheckpointRow.label.is_null() | CheckpointRow.label.not_in(taken)
        table.update(session_id=taker).where(moved).execute(db)


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
    """Let a session continue from a point in one of its branches; the branch of what followed."""
    # Say session 1 was rewound from 8 messages to 2: the branch 3 has those from 3 to 8, with a
    # checkpoint at 5, and 1 has gained other messages 3 and 4. To bring the checkpoint back the
    # new ones are set aside as the branch 4, and 3 to 5 are taken from the branch 3, which keeps
    # 6 to 8 and shares 5 with session 1 now. Between the two there may be branches of branches:
    # each on the way gives what it has up to where the next one parted from it.
    path = [sessions.get(db, holder)]
    while path[0].parent_id not in {session_id, None}:
        path.insert(0, sessions.get(db, path[0].parent_id or 0))
    parted = path[0].fork_position or 0
    branch = path[-1]
    if sessions.get(db, session_id).messages > parted:
        branch = set_aside(db, session_id, parted, "rewind")
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


def undo(db: Connection, session_id: int, turns: int) -> Session:
    """Set the last turns aside, each a user message and all that follows it; the branch.

    Raises:
        UsageError: The session does not have that many turns.
    """
    history = messages.transcript(db, session_id)
    questions = [m.position for m in history if m.role == "user"]
    if len(questions) < turns:
        raise UsageError(f"session {session_id} has {len(questions)} turns, not {turns}")
    keep = questions[-turns] - 1
    # A system prompt that came with the turn goes with it; the first one is the session's.
    prompts = {m.position for m in history if m.role == "system"}
    while keep > 1 and keep in prompts:
        keep -= 1
    return set_aside(db, session_id, keep, "undo")


def family(db: Connection, session_id: int) -> list[Branch]:
    """A session's family: the oldest first, each followed by what parted from it."""
    oldest = messages.lineage(db, session_id)[0].session_id
    found: list[Branch] = []
    # Not recursion: a fork of a fork of a fork may go on longer than Python's stack.
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
        children = SessionRow.select(rows.SESSION).where(SessionRow.parent_id == session.id)
        children = children.order_by(SessionRow.fork_position.desc(), SessionRow.id.desc())
        todo += [(rows.session(child), depth + 1) for child in db.execute(children)]
    return found


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
