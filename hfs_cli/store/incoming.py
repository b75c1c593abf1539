"""Bring conversations in: all of them or none, while everybody else goes on writing.

What is there already gains what is new in it (`meeting`), and what was deleted stays so.

An import is many short transactions. Each adds rows that are not shown yet, because the row of
their import says that it goes on; the last one says that it has ended, and all is there at once.
Whoever kills it in between leaves rows that nobody sees and the next import takes away.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum, auto
from functools import partial
from itertools import chain, count, islice
from typing import Any, NamedTuple, Protocol, Self

from peewee import Query, Select, fn

from hfs_cli import signals
from hfs_cli.conversations import Checkpoint, Conversation, End, Imported, Incoming
from hfs_cli.errors import StoreError, UsageError
from hfs_cli.messages import Message
from hfs_cli.naming import check_name, normalise
from hfs_cli.store import checkpoints, deleted, meeting, rows, sessions
from hfs_cli.store.branches import move
from hfs_cli.store.engine import Connection, Engine, only_own, own, statement
from hfs_cli.store.messages import attach, drop_bytes, lineage, put_call
from hfs_cli.store.tables import (
    CallRow,
    CheckpointRow,
    DeletedRow,
    ImportRow,
    MessageAttachmentRow,
    MessageRow,
    SessionRow,
)

# How much one transaction writes: as many messages as take a tenth of a second at most, or as
# many characters. Whoever waits for the database waits for one of them, and a chat does so a few
# times: beside an import of a million messages the longest of 40 took 0.98 s with this many, 1.23 s
# with twice as many, which are in a tenth sooner.
_MESSAGES = 1000
_CHARACTERS = 1_000_000
_SESSIONS = 50
# How many uids an import has in mind, some 20 MB, before it asks the database for each.
_IN_MIND = 250_000
_MANY_VALUES = 50_000
# What `_Written.add` gives of a message.
_COLUMNS = (
    *("id", "session_id", "position", "role", "content", "created_at", "extra", "stands_for"),
    *("reply_to", *rows.COMMON),
)
_MARK = ("session_id", "position", "label", "created_at")
# Conversations whose names and places are looked for at once, in one statement.
_AHEAD = 500
# Places that are taken, where they lie, before an import asks for each.
_PLACES = 10_000
_NOTHING_SAID = "conversation in which nothing was said"
_OF_DELETED = "branch of a session that was deleted here"


class Branch(NamedTuple):
    """A conversation that begins with messages of another one.

    Args:
        answers: By the position of a reply, the position of the shared question it answers.
        messages: How many it has of its own.
        attachments: How many these carry.
        calls: How many calls of tools they ask for.
        derived: As `Conversation.derived`.
    """

    uid: str
    name: str
    parent_uid: str
    fork_position: int
    answers: dict[int, int]
    messages: int
    attachments: int
    calls: int
    derived: bool


class Look(Enum):
    """What there is of a conversation that arrives."""

    NOTHING = auto()
    DELETED = auto()
    SOME = auto()
    ALL = auto()


_DONE = (Look.DELETED, Look.ALL)


class Place(Protocol):
    """Where conversations go: a database, or nowhere when it is only tried."""

    def length_of(self, uid: str) -> int | None:
        """How many messages the session of a uid has; None when there is none."""
        ...

    def is_deleted(self, uid: str) -> bool:
        """Whether it was deleted, and is to stay so."""
        ...

    def look(self, uid: str, end: End | None) -> Look:
        """What there is of a conversation that ends so; None where nobody knows the end."""
        ...

    def meet(self, conversation: Conversation, parent: str | None) -> meeting.Met | None:
        """As `meeting.meet`."""
        ...

    def overlap(self, conversation: Conversation, parents: Sequence[str]) -> tuple[str, int]:
        """As `meeting.overlap`."""
        ...

    def grow(self, growth: meeting.Growth) -> None:
        """Keep what a session has gained."""
        ...

    def mark(self, uid: str, marks: Sequence[Checkpoint]) -> None:
        """Keep the named checkpoints that a session has gained."""
        ...

    def add(self, conversation: Conversation) -> None:
        """Keep a conversation, tied to no parent yet."""
        ...

    def tie(self, branch: Branch) -> None:
        """Make a conversation that was added a branch of another that is there."""
        ...

    def release(self, branch: Branch) -> None:
        """List an added conversation by itself: it shares nothing with the parent it lacks."""
        ...

    def remove(self, branch: Branch) -> None:
        """Take an added conversation away again."""
        ...


def receive(
    place: Place, incoming: Iterable[Incoming], *, broken: Callable[[str], None] | None
) -> Imported:
    """Put conversations into a place, parents and branches in any order.

    Args:
        broken: Called with the error of each that cannot be kept, which is then passed over;
            None refuses the whole.

    Raises:
        UsageError: One of them cannot be kept.
    """
    reception = _Reception(place, broken)
    thresholds = gc.get_threshold()
    # Looking for circles among values that have none took a tenth of the time.
    gc.set_threshold(_MANY_VALUES, *thresholds[1:])
    try:
        for item in incoming:
            reception.take(item)
        reception.end()
    finally:
        gc.set_threshold(*thresholds)
    return reception.done


class _Reception:
    """Takes conversations one by one, and ties branches as soon as that can be done."""

    def __init__(self, place: Place, broken: Callable[[str], None] | None) -> None:
        self.done = Imported()
        self._place = place
        self._broken = broken
        # Branches whose parent has not come yet, or waits for its own, by the parent's uid. A
        # parent that goes round in a circle never stops waiting.
        self._waiting: dict[str, list[Branch]] = {}
        self._unsettled: set[str] = set()
        self._lost: list[Branch] = []
        # What has come, as numbers: sixteen digits of a uid tell it, in half the memory.
        self._came: set[int] = set()
        # Which session holds all of one that came, where it is not that of its own uid.
        self._homes: dict[str, str] = {}
        # What has gained something, or has come in part: which session had the beginning of it, up
        # to which position.
        self._grown: dict[str, tuple[str, int]] = {}
        # What says nothing itself and was rewound here: where it is depends on its parent, by whose
        # uid it waits; and what waits no more.
        self._postponed: dict[str, list[Conversation]] = {}
        self._ready: deque[Conversation] = deque()
        self._gone: set[str] = set()

    def take(self, item: Incoming) -> None:
        is_new = False
        if item.uid is not None:
            found = self._look(item.uid, item.end())
            if found in _DONE:
                return
            is_new = found is Look.NOTHING
        try:
            family = item.read()
            if not family:
                self._leave_out(_NOTHING_SAID, 1)
                return
            for conversation in family:
                check_name(conversation.name)
            answers = [_answers_to_shared(conversation) for conversation in family]
            for conversation, answered in zip(family, answers, strict=True):
                # What was looked for a moment ago need not be looked for again.
                if is_new and conversation.uid == item.uid:
                    self._bring(conversation, answered)
                else:
                    self._receive(conversation, answered)
        except UsageError as error:
            self._refuse(error)
        self._receive_ready()

    def _look(self, uid: str, end: End | None) -> Look:
        """What there is of it; counted when nothing of it comes in."""
        found = self._place.look(uid, end)
        if found is Look.DELETED:
            self.done.deleted += 1
            self._gone.add(uid)
        elif found is Look.ALL:
            self.done.present += 1
            self._settle(uid)
        return found

    def _receive(self, conversation: Conversation, answers: dict[int, int]) -> None:
        found = self._look(conversation.uid, conversation.end())
        if found in _DONE:
            return
        if found is Look.NOTHING:
            self._bring(conversation, answers)
            return
        length = self._place.length_of(conversation.uid) or 0
        parent = conversation.parent_uid
        waits = not conversation.messages and length < conversation.length
        if waits and parent is not None and not self._has_come(parent):
            self._postponed.setdefault(parent, []).append(conversation)
        else:
            self._meet(conversation, answers)

    def _receive_ready(self) -> None:
        while self._ready:
            try:
                self._meet(self._ready.popleft(), {})
            except UsageError as error:
                self._refuse(error)

    def _meet(self, conversation: Conversation, answers: dict[int, int]) -> None:
        """A conversation whose uid is that of a session which is there."""
        if conversation.uid in self._grown:
            raise UsageError(
                f'"{conversation.name}" comes twice, and what it says differs: import the two '
                "files one after the other"
            )
        met = self._place.meet(conversation, self._home_of_start(conversation))
        if met is None:
            self._receive(meeting.apart(conversation), answers)
            return
        if met.marks:
            self._place.mark(conversation.uid, met.marks)
        if met.growth is None:
            self.done.present += 1
        elif self._place.is_deleted(met.growth.tail.uid):
            self.done.deleted += 1
            self._gone.add(conversation.uid)
            return
        else:
            self._grow(conversation.uid, met.growth)
        if met.home != conversation.uid:
            self._homes[conversation.uid] = met.home
        self._settle(conversation.uid)

    def _home_of_start(self, branch: Conversation) -> str | None:
        """Which session holds what a branch shares; None where its parent has not come."""
        parent = branch.parent_uid
        if parent is None or not self._has_come(parent):
            return None
        # What its parent has gained hangs on nothing yet, and nothing can be followed through it.
        session, position = self._grown.get(parent, ("", -1))
        return (
            session if (branch.fork_position or 0) <= position else self._homes.get(parent, parent)
        )

    def _grow(self, uid: str, growth: meeting.Growth) -> None:
        self._grown[uid] = growth.session.uid, growth.tail.fork_position or 0
        self._place.grow(growth)
        self.done.extended += growth.extends
        self.done.parted += not growth.extends
        self.done.messages += len(growth.tail.messages)
        self.done.attachments += _attachments(growth.tail)
        self.done.calls += _calls(growth.tail)

    def _bring(self, conversation: Conversation, answers: dict[int, int]) -> None:
        """A conversation that is not there, or of which only another one's branch has all."""
        uid, parent = conversation.uid, conversation.parent_uid
        shared = conversation.fork_position or 0
        parted = meeting.is_anywhere(conversation)
        settled = parent is not None and self._has_come(parent) and parent not in self._unsettled
        if parent is not None and (settled or parted):
            home = self._homes.get(parent, parent)
            start = self._home_of_start(conversation)
            parents = [home, parent] if start is None else [home, start, parent]
            there, position = self._place.overlap(conversation, parents)
            if parted and shared < position == conversation.length:
                # What an import elsewhere made a branch of is part of a session here.
                self.done.present += 1
                self._homes[uid] = there
                self._settle(uid)
                return
            if settled and (position > shared or there != parent):
                own = conversation.messages[position - shared :]
                conversation = replace(
                    conversation, parent_uid=there, fork_position=position, messages=own
                )
                answers = _answers_to_shared(conversation)
                self._grown[uid] = there, position
                self._place.add(conversation)
                self._count(conversation)
                self._place.tie(_branch(conversation, answers))
                self._settle(uid)
                return
        self._place.add(conversation)
        self._count(conversation)
        self._tie(conversation, answers)

    def _has_come(self, uid: str) -> bool:
        return _digits(uid) in self._came

    def _count(self, conversation: Conversation) -> None:
        self.done.sessions += 1
        self.done.messages += len(conversation.messages)
        self.done.branches += conversation.parent_uid is not None
        self.done.attachments += _attachments(conversation)
        self.done.calls += _calls(conversation)
        for reason, often in conversation.left_out.items():
            self._leave_out(reason, often)

    def _leave_out(self, reason: str, often: int) -> None:
        self.done.left_out[reason] = self.done.left_out.get(reason, 0) + often

    def _tie(self, conversation: Conversation, answers: dict[int, int]) -> None:
        if conversation.parent_uid is None:
            self._settle(conversation.uid)
            return
        branch = _branch(conversation, answers)
        self._waiting.setdefault(branch.parent_uid, []).append(branch)
        self._unsettled.add(branch.uid)
        self._came.add(_digits(branch.uid))
        if self._has_come(branch.parent_uid) and branch.parent_uid not in self._unsettled:
            self._settle(branch.parent_uid)

    def _settle(self, uid: str) -> None:
        """Tie what waits for a session, and what waits for that."""
        # Not recursion: a fork of a fork of a fork may go on longer than Python's stack.
        self._came.add(_digits(uid))
        todo = deque([uid])
        while todo:
            uid = todo.popleft()
            self._ready += self._postponed.pop(uid, ())
            home = self._homes.get(uid, uid)
            for branch in self._waiting.pop(uid, ()):
                length = self._place.length_of(home)
                if length is None or length < branch.fork_position:
                    self._lost.append(branch)
                    continue
                self._unsettled.discard(branch.uid)
                self._place.tie(branch._replace(parent_uid=home))
                todo.append(branch.uid)

    def end(self) -> None:
        """Refuse what waits for something that did not come, or goes round in a circle.

        What another program kept in a file of its own needs no parent that it shares nothing with.
        """
        # Parents that did not come, and are there.
        for conversations in self._postponed.values():
            self._ready += conversations
        self._receive_ready()
        for uid in list(self._waiting):
            if uid not in self._unsettled and self._place.length_of(uid) is not None:
                self._settle(uid)
        waiting = [branch for branches in self._waiting.values() for branch in branches]
        of_parent: dict[str, list[str]] = {}
        for branch in (*self._lost, *waiting):
            of_parent.setdefault(branch.parent_uid, []).append(branch.uid)
        self._gone |= {uid for uid in of_parent if self._place.is_deleted(uid)}
        going = deque(self._gone)
        while going:
            more = {*of_parent.get(going.popleft(), ())} - self._gone
            self._gone |= more
            going += more
        for branch in (*self._lost, *waiting):
            apart = branch.parent_uid not in self._gone | self._unsettled
            if branch.derived and branch.fork_position == 0 and apart:
                self._place.release(branch)
                self.done.branches -= 1
                self._unsettled.discard(branch.uid)
                self._settle(branch.uid)
        for branch in (*self._lost, *waiting):
            if branch.uid not in self._unsettled:
                continue
            if branch.parent_uid in self._gone:
                self._leave_out(_OF_DELETED, 1)
            else:
                self._refuse(
                    UsageError(
                        f'"{branch.name}" is a branch of a session that is not there, or too '
                        "short, or of itself: import the file that holds both"
                    )
                )
            self._place.remove(branch)
            self.done.sessions -= 1
            self.done.branches -= 1
            self.done.messages -= branch.messages
            self.done.attachments -= branch.attachments
            self.done.calls -= branch.calls

    def _refuse(self, error: UsageError) -> None:
        if self._broken is None:
            raise error
        self.done.broken += 1
        self._broken(error.message)


def _digits(uid: str) -> int:
    return int(uid[:15], 16)


def _branch(conversation: Conversation, answers: dict[int, int]) -> Branch:
    return Branch(
        conversation.uid,
        conversation.name,
        conversation.parent_uid or "",
        conversation.fork_position or 0,
        answers,
        len(conversation.messages),
        _attachments(conversation),
        _calls(conversation),
        conversation.derived,
    )


def _answers_to_shared(conversation: Conversation) -> dict[int, int]:
    """Which replies answer a question that the conversation shares with its parent.

    Raises:
        UsageError: One answers no message before it.
    """
    shared = conversation.fork_position or 0
    found = {}
    for message in conversation.messages:
        question = message.reply_to
        if question is None:
            continue
        if not 0 < question < message.position:
            raise UsageError(
                f'"{conversation.name}": message {message.position} answers none before it'
            )
        if question <= shared:
            found[message.position] = question
    return found


def _attachments(conversation: Conversation) -> int:
    return sum(len(message.attachments) for message in conversation.messages)


def _calls(conversation: Conversation) -> int:
    return sum(len(message.tool_calls) for message in conversation.messages)


class Nowhere:
    """A place for a dry run: it only remembers how long each conversation would be.

    Args:
        engine: The database that they would go to, which is only read.
    """

    def __init__(self, engine: Engine, *, restore: bool) -> None:
        self._engine = engine
        self._restore = restore
        self._lengths: dict[bytes, int] = {}

    def length_of(self, uid: str) -> int | None:
        """As `Place.length_of`."""
        length = self._lengths.get(bytes.fromhex(uid))
        if length is not None:
            return length
        with self._engine.reading() as db:
            row = _of_uid(db, uid).fetchone()
            # What an import that was killed has left is not there.
            there = row is not None and sessions.of_id(db, row[0]) is not None
        return int(row[1]) if row is not None and there else None

    def is_deleted(self, uid: str) -> bool:
        """As `Place.is_deleted`."""
        with self._engine.reading() as db:
            return not self._restore and deleted.is_deleted(db, uid)

    def look(self, uid: str, end: End | None) -> Look:
        """As `Place.look`."""
        length = self._lengths.get(bytes.fromhex(uid))
        if length is not None:
            return Look.ALL if end is not None and length >= end.length else Look.SOME
        with self._engine.reading() as db:
            if self.length_of(uid) is not None:
                return Look.ALL if meeting.holds(db, uid, end) else Look.SOME
            return Look.DELETED if self.is_deleted(uid) else Look.NOTHING

    def meet(self, conversation: Conversation, parent: str | None) -> meeting.Met | None:
        """As `Place.meet`."""
        if bytes.fromhex(conversation.uid) in self._lengths:
            return meeting.Met(conversation.uid)
        with self._engine.reading() as db:
            return meeting.meet(db, conversation, parent)

    def overlap(self, conversation: Conversation, parents: Sequence[str]) -> tuple[str, int]:
        """As `Place.overlap`."""
        with self._engine.reading() as db:
            return meeting.overlap(db, conversation, parents)

    def grow(self, growth: meeting.Growth) -> None:
        """As `Place.grow`."""
        self.add(growth.tail)

    def mark(self, uid: str, marks: Sequence[Checkpoint]) -> None:
        """As `Place.mark`: there is nothing to mark."""

    def add(self, conversation: Conversation) -> None:
        """As `Place.add`."""
        self._lengths[bytes.fromhex(conversation.uid)] = conversation.length

    def tie(self, branch: Branch) -> None:
        """As `Place.tie`: there is nothing to tie."""

    def release(self, branch: Branch) -> None:
        """As `Place.release`: there is nothing to list."""

    def remove(self, branch: Branch) -> None:
        """As `Place.remove`."""
        del self._lengths[bytes.fromhex(branch.uid)]


class Import:
    """A place in the database, for one import; a context manager.

    Nothing of it is shown until `finish`. Without that the end of the block takes it back, unless
    a signal wants it to end soon: then the next import does.

    Args:
        engine: The database.
        in_order: What comes is in the order of its use, whatever its times say.
        restore: Bring back what was deleted, too.
    """

    def __init__(self, engine: Engine, *, in_order: bool, restore: bool) -> None:
        self._engine = engine
        self._in_order = in_order
        self._restore = restore
        # What sessions that are shown have gained, until all is shown.
        self._growths: list[_Joining] = []
        self._marks: list[tuple[str, Checkpoint]] = []
        # Of what was deleted here and came: to be kept in mind for longer.
        self._deleted: list[str] = []
        self._number: int | None = None
        # What there is or was when it began, and what came: nobody else brings in a uid that may
        # arrive. None where that would be too many to have in mind.
        self._known = self._known_uids()
        # What is to be written: conversations, and their lengths by uid until they are.
        self._queue: deque[Conversation] = deque()
        self._queued: dict[str, int] = {}
        self._messages = self._characters = 0
        self._half: _Half | None = None
        # Branches whose parent came with this import, and those that hang, by themselves or by
        # their parents, on what is shown already. What is tied at the end alone, by uid.
        self._ties: list[Branch] = []
        self._late: list[Branch] = []
        self._untied: set[str] = set()
        self._last_place: int | None = None

    def _known_uids(self) -> set[int] | None:
        with self._engine.reading() as db:
            uids = [
                only_own(db, table.select(table.uid), table).limit(_IN_MIND + 1)
                for table in (SessionRow, DeletedRow)
            ]
            there, gone = map(db.execute, uids)
            try:
                known = {_digits(uid) for (uid,) in chain(there, gone)}
            except ValueError:  # a uid that hfs never gave
                return None
        return known if len(known) <= _IN_MIND else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self._number is not None and signals.received() is None:
            take_back(self._engine)

    def length_of(self, uid: str) -> int | None:
        """As `Place.length_of`."""
        if uid in self._queued:
            return self._queued[uid]
        with self._engine.reading() as db:
            row = _of_uid(db, uid).fetchone()
        return None if row is None else int(row[1])

    def is_deleted(self, uid: str) -> bool:
        """As `Place.is_deleted`."""
        if self._restore:
            return False
        with self._engine.reading() as db:
            found = deleted.is_deleted(db, uid)
        if found:
            self._deleted.append(uid)
            if len(self._deleted) > _MESSAGES:
                self._write_deleted()
        return found

    def look(self, uid: str, end: End | None) -> Look:
        """As `Place.look`."""
        if uid in self._queued:
            if end is None:
                return Look.SOME
            self._write_all()
        if self._known is not None and _digits(uid) not in self._known:
            return Look.NOTHING
        with self._engine.reading() as db:
            holds = meeting.holds(db, uid, end)
            if holds is not None:
                return Look.ALL if holds else Look.SOME
            was_deleted = not self._restore and deleted.is_deleted(db, uid)
        return Look.DELETED if was_deleted and self.is_deleted(uid) else Look.NOTHING

    def _write_deleted(self) -> None:
        with self._engine.staging() as db:
            deleted.met(db, self._deleted)
        self._deleted.clear()

    def meet(self, conversation: Conversation, parent: str | None) -> meeting.Met | None:
        """As `Place.meet`."""
        self._write_all()
        with self._engine.reading() as db:
            return meeting.meet(db, conversation, parent)

    def overlap(self, conversation: Conversation, parents: Sequence[str]) -> tuple[str, int]:
        """As `Place.overlap`."""
        if not {*parents} <= self._queued.keys():
            with self._engine.reading() as db:
                found = [_of_uid(db, uid).fetchone() for uid in parents]
                # What has come with this import holds nothing twice.
                if any(row and (row[2] is None or row[2] != self._number) for row in found):
                    return meeting.overlap(db, conversation, parents)
        return parents[0], conversation.fork_position or 0

    def grow(self, growth: meeting.Growth) -> None:
        """As `Place.grow`."""
        self.add(growth.tail)
        # The messages are on their way; in mind is kept only where they go.
        tail = replace(growth.tail, messages=(), checkpoints=())
        answers = _answers_to_shared(growth.tail)
        self._growths.append(_Joining(growth._replace(tail=tail), answers))
        self._untied.add(tail.uid)

    def mark(self, uid: str, marks: Sequence[Checkpoint]) -> None:
        """As `Place.mark`."""
        self._marks += ((uid, mark) for mark in marks)

    def add(self, conversation: Conversation) -> None:
        """As `Place.add`."""
        if self._known is not None:
            self._known.add(_digits(conversation.uid))
            if len(self._known) > _IN_MIND:
                self._known = None
        self._queue.append(conversation)
        self._queued[conversation.uid] = conversation.length
        self._messages += len(conversation.messages)
        self._characters += sum(map(_weight, conversation.messages))
        while self._messages > _MESSAGES or self._characters > _CHARACTERS:
            self._write()

    def tie(self, branch: Branch) -> None:
        """As `Place.tie`."""
        self._ties.append(branch)
        if len(self._ties) > _MESSAGES:
            self._write_all()

    def release(self, branch: Branch) -> None:
        """As `Place.release`."""
        self._write_all()
        with self._engine.staging() as db:
            session = meeting.of_uid(db, branch.uid)
            assert session is not None
            if not session.listed:
                use_seq = self._use_place(partial(_free_place, db), session.updated_at)
                sessions.change(db, session.id, use_seq=use_seq)

    def remove(self, branch: Branch) -> None:
        """As `Place.remove`."""
        self._write_all()
        while True:
            with self._engine.staging() as db:
                session_id = _id_of(db, branch.uid)
                # Each message by itself: what the database cascades stays in its search index.
                if _remove_messages(db, session_id, _MESSAGES):
                    _remove_session(db, session_id)
                    return

    def finish(self, done: Imported) -> None:
        """Show all that came, at once.

        Args:
            done: What was counted; a session that went on meanwhile gets a branch after all.

        Raises:
            UsageError: A session that one of them is a branch of has been deleted meanwhile, or
                cut short.
            StoreError: Somebody has taken the import back.
        """
        self._write_all()
        if self._deleted:
            self._write_deleted()
        if self._number is None and not self._marks:
            return
        with self._engine.writing() as db:
            for uid, mark in self._marks:
                _put_mark(db, uid, mark)
            if self._number is None:
                return
            self._tie_all(db, done)
            if self._restore:
                deleted.restored(db, self._number)
            if not _end(db, _now(), self._number).rowcount:
                raise StoreError("another import has undone this one: nothing was imported")

    def _tie_all(self, db: Connection, done: Imported) -> None:
        """Hang what has waited for it on what is shown."""
        for branch in self._late:
            parent = _of_uid(db, branch.parent_uid).fetchone()
            if parent is None or parent[1] < branch.fork_position:
                raise UsageError(
                    f'the session that "{branch.name}" is a branch of was changed meanwhile: '
                    "nothing was imported"
                )
            _tie(db, branch, int(parent[0]))
        for joining in self._growths:
            if joining.growth.extends and not _join(db, joining):
                done.extended -= 1
                done.parted += 1
            elif not joining.growth.extends:
                _tie_tail(db, joining)
        # Once all hang where they belong, each has what it answers.
        for branch in self._late:
            _answer_shared(db, _id_of(db, branch.uid), branch.answers)

    def _write_all(self) -> None:
        while self._queue or self._ties:
            self._write()

    def _write(self) -> None:
        """One transaction."""
        with self._engine.staging() as db:
            if self._number is None:
                self._number = int(ImportRow.insert(started_at=_now()).execute(db))
            written = _Written(db)
            written.look_ahead(list(islice(self._queue, _AHEAD)), self._last_place)
            while self._queue and written.has_room():
                self._write_next(written)
            written.flush()
            if not self._queue:
                ties, self._ties = self._ties[:_MESSAGES], self._ties[_MESSAGES:]
                for branch in ties:
                    self._tie_or_wait(db, branch)
        self._messages -= written.messages
        self._characters -= written.characters

    def _write_next(self, written: _Written) -> None:
        """The next conversation, or as much of it as there is room for."""
        conversation = self._queue[0]
        half = self._half
        if half is None:
            half = _Half(next(written.sessions))
            self._add_session(written, conversation, half.session_id)
        for message in conversation.messages[half.written :]:
            if not written.has_room():
                self._half = half
                return
            half.ids[message.position] = written.add(half, message)
            half.written += 1
        for mark in conversation.checkpoints:
            created_at = rows.to_microseconds(mark.created_at)
            written.marks.append((half.session_id, mark.position, mark.label, created_at))
        self._half = None
        self._queue.popleft()
        del self._queued[conversation.uid]

    def _add_session(self, written: _Written, conversation: Conversation, session_id: int) -> None:
        last = conversation.messages[-1].status if conversation.messages else None
        columns = {
            "id": session_id,
            "uid": conversation.uid,
            "name": written.free_name(check_name(conversation.name)),
            "origin": conversation.origin,
            "model": conversation.model,
            "message_count": conversation.length,
            "last_status": last,
            "created_at": rows.to_microseconds(conversation.created_at),
            "updated_at": rows.to_microseconds(conversation.updated_at),
            "use_seq": self._use_place(written.free_place, conversation.updated_at)
            if conversation.listed
            else None,
            "import_id": self._number,
        }
        written.add_session(columns)

    def _use_place(self, free: Callable[[int], int], used: datetime) -> int:
        """A conversation's place in the order of use: by its time, below all that was used here.

        So an import never changes what ``-c`` continues.

        Args:
            free: Gives a place, or the next one that nothing has.
        """
        place = _wanted_place(used)
        if self._in_order and self._last_place is not None:
            # Whatever a clock has done to the times.
            place = max(place, self._last_place + 1)
        self._last_place = free(place)
        return self._last_place

    def _tie_or_wait(self, db: Connection, branch: Branch) -> None:
        parent = _of_uid(db, branch.parent_uid).fetchone()
        waits = branch.parent_uid in self._untied
        if parent is not None and parent[2] == self._number and not waits:
            _tie(db, branch, int(parent[0]))
            _answer_shared(db, _id_of(db, branch.uid), branch.answers)
        else:
            # Until all is shown nothing that is shown has a branch that is not.
            self._late.append(branch)
            self._untied.add(branch.uid)


class _Joining(NamedTuple):
    """What a session has gained, while its messages are on their way.

    Args:
        answers: By the position of a reply, the position of the shared question it answers.
    """

    growth: meeting.Growth
    answers: dict[int, int]


class _Half:
    """How much of a conversation is written: it may take more than one transaction."""

    def __init__(self, session_id: int) -> None:
        self.session_id = session_id
        self.written = 0
        self.ids: dict[int, int] = {}


class _Written:
    """The sessions and messages of one transaction, which are inserted together.

    Attributes:
        sessions: The numbers of the sessions that it adds.
        marks: Their checkpoints: session, position, label and time.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db
        self.sessions = count(db.first_free(SessionRow))
        self._numbers = count(db.first_free(MessageRow))
        self._sessions: list[dict[str, Any]] = []
        self.marks: list[tuple[object, ...]] = []
        # Names that are known to be free; and places that are taken, among those that are known.
        self._free_names: set[str] = set()
        self._taken_places: set[int] = set()
        self._known_places = range(0)
        self._rows: list[tuple[object, ...]] = []
        self._texts: list[tuple[int, str]] = []
        self._carrying: list[tuple[int, Message]] = []
        self.messages = self.characters = 0

    def look_ahead(self, coming: Sequence[Conversation], last_place: int | None) -> None:
        """See at once which names and places conversations can have, rather than one by one."""
        if not coming:
            return
        names = {normalise(conversation.name) for conversation in coming}
        there = own(SessionRow.name.in_(names), SessionRow)
        found = SessionRow.select(SessionRow.name).where(there)
        self._free_names = names - {name for (name,) in self._db.execute(found)}
        places = [_wanted_place(conversation.updated_at) for conversation in coming]
        if last_place is not None:
            places.append(last_place + 1)
        first, last = min(places), max(places) + 2 * len(coming)
        taken = [place for (place,) in _places(self._db, first, last, _PLACES)]
        if len(taken) < _PLACES:
            self._taken_places = {*taken}
            self._known_places = range(first, last + 1)

    def free_name(self, name: str) -> str:
        """A name, or one like it that no session has."""
        if name not in self._free_names:
            self._flush_sessions()
            name = sessions.free_name(self._db, name)
        self._free_names.discard(name)
        return name

    def free_place(self, place: int) -> int:
        """A place in the order of use, or the next one that no session has."""
        while place in self._taken_places:
            place += 1
        if place not in self._known_places:
            self._flush_sessions()
            place = _free_place(self._db, place)
        self._taken_places.add(place)
        return place

    def add_session(self, columns: dict[str, Any]) -> None:
        self._sessions.append(columns)

    def _flush_sessions(self) -> None:
        if not self._sessions:
            return
        columns = tuple(self._sessions[0])
        values = [tuple(session.values()) for session in self._sessions]
        self._db.insert_many(SessionRow, columns, values)
        self._db.index_names((row["id"], row["name"]) for row in self._sessions)
        self._sessions.clear()

    def has_room(self) -> bool:
        return self.messages < _MESSAGES and self.characters < _CHARACTERS

    def add(self, half: _Half, message: Message) -> int:
        """Its number."""
        number = next(self._numbers)
        row = (
            number,
            half.session_id,
            message.position,
            message.role,
            message.content,
            rows.to_microseconds(message.created_at),
            rows.as_json(message.extra),
            message.stands_for,
            # A question that another session shares is named when the two are tied.
            half.ids.get(message.reply_to or 0),
            *rows.message_values(message),
        )
        self._rows.append(row)
        if message.status == "complete":
            self._texts.append((number, message.content))
        self.messages += 1
        if message.attachments or message.tool_calls:
            self._carrying.append((number, message))
        self.characters += _weight(message)
        return number

    def flush(self) -> None:
        self._flush_sessions()
        if self.marks:
            self._db.insert_many(CheckpointRow, _MARK, self.marks)
        if not self._rows:
            return
        self._db.insert_many(MessageRow, _COLUMNS, self._rows)
        self._db.index_messages(self._texts)
        for number, message in self._carrying:
            attach(self._db, number, message.attachments)
            for place, call in enumerate(message.tool_calls, 1):
                put_call(self._db, number, place, call)


def _weight(message: Message) -> int:
    """What a message costs to write, in characters."""
    weight = len(message.content) + len(message.reasoning)
    if not message.attachments and not message.tool_calls:
        return weight
    for attachment in message.attachments:
        weight += len(attachment.data) // 10
    for call in message.tool_calls:
        weight += len(call.arguments) + len(call.result or "")
    return weight


def _now() -> int:
    return rows.to_microseconds(datetime.now(UTC))


def _join(db: Connection, joining: _Joining) -> bool:
    """Let a session go on with what it has gained; False when it stays a branch of it.

    That is so when the session has changed since it was looked at.
    """
    growth = joining.growth
    tail_id = _tie_tail(db, joining)
    known = meeting.of_uid(db, growth.session.uid)
    if known is None or known.messages != growth.session.messages:
        return False
    if known.messages and _message_at(db, known.id, known.messages) != growth.last:
        return False
    if growth.stale is not None:
        _remove_message(db, growth.stale)
    tail = meeting.of_uid(db, growth.tail.uid)
    assert tail is not None
    (use_seq,), (used,) = (
        _place_of(db, number).fetchone() or (None,) for number in (tail_id, known.id)
    )
    move(db, tail_id, known.id)
    SessionRow.update(parent_id=known.id).where(SessionRow.parent_id == tail_id).execute(db)
    _remove_session(db, tail_id)
    columns: dict[str, object] = {
        "message_count": tail.messages,
        "last_status": tail.last_status,
        "updated_at": rows.to_microseconds(max(tail.updated_at, known.updated_at)),
        "model": tail.model or known.model,
    }
    # Used here, it keeps its place in the order of use.
    if use_seq is not None and (used is None or used < min(use_seq, 0)):
        columns["use_seq"] = use_seq
    sessions.change(db, known.id, **columns)
    return True


def _tie_tail(db: Connection, joining: _Joining) -> int:
    """Make what a session has gained a branch of it; its number."""
    growth = joining.growth
    tail_id = _id_of(db, growth.tail.uid)
    position = growth.tail.fork_position or 0
    parent = meeting.of_uid(db, growth.session.uid)
    parent_id = None if parent is None else parent.id
    if position:
        # Whatever was rewound meanwhile: who has the message before it has all before that.
        row = None if growth.anchor is None else _holder(db, growth.anchor).fetchone()
        if row is None:
            raise UsageError(
                f'the session of "{growth.tail.name}" was changed meanwhile: nothing was imported'
            )
        if parent is None or not _reaches(db, parent.id, row[0], position):
            parent_id = row[0]
    if parent_id is not None:
        sessions.change(db, tail_id, parent_id=parent_id, fork_position=position)
        _answer_shared(db, tail_id, joining.answers)
    return tail_id


def _reaches(db: Connection, session_id: int, holder: int, position: int) -> bool:
    """Whether the message that a session keeps at a position is part of a transcript."""
    return any(
        part.session_id == holder and part.upto >= position
        for part in lineage(db, session_id, position)
    )


def _put_mark(db: Connection, uid: str, mark: Checkpoint) -> None:
    session = meeting.of_uid(db, uid)
    if session is None or mark.position > session.messages:
        return
    if all(there.label != mark.label for there in checkpoints.of(db, session.id)):
        moment = rows.to_microseconds(mark.created_at)
        checkpoints.insert(db, session.id, mark.position, mark.label, moment)


@statement
def _place_of(session_id: int) -> Select:
    return SessionRow.select(SessionRow.use_seq).where(SessionRow.id == session_id)


@statement
def _holder(message_id: int) -> Select:
    return MessageRow.select(MessageRow.session_id).where(MessageRow.id == message_id)


def _tie(db: Connection, branch: Branch, parent_id: int) -> None:
    session_id = _id_of(db, branch.uid)
    sessions.change(db, session_id, parent_id=parent_id, fork_position=branch.fork_position)


def _answer_shared(db: Connection, session_id: int, answers: dict[int, int]) -> None:
    for position, question in answers.items():
        asked = _message_at(db, session_id, question)
        replied = _message_at(db, session_id, position)
        _answer(db, replied, asked)


def _message_at(db: Connection, session_id: int, position: int) -> int:
    """The number of the message at a position of a transcript."""
    for part in lineage(db, session_id, position):
        if part.upto == position and (row := _at(db, part.session_id, position).fetchone()):
            return int(row[0])
    raise StoreError("a session that a branch came for was changed meanwhile: import it again")


def _id_of(db: Connection, uid: str) -> int:
    row = _of_uid(db, uid).fetchone()
    if row is None:
        raise StoreError("another import has undone this one: nothing was imported")
    return int(row[0])


@statement
def _of_uid(uid: str) -> Select:
    found = SessionRow.select(SessionRow.id, SessionRow.message_count, SessionRow.import_id)
    return found.where(own(SessionRow.uid == uid, SessionRow))


def _wanted_place(used: datetime) -> int:
    return rows.to_microseconds(used) - sessions.BEFORE_ALL_USE


def _free_place(db: Connection, place: int) -> int:
    """A place in the order of use, or the next one that no session has."""
    if _taken(db, place).fetchone() is None:
        return place
    row = _end_of_run(db, place).fetchone()
    assert row is not None
    return int(row[0]) + 1


@statement
def _places(first: int, last: int, limit: int) -> Select:
    there = (SessionRow.use_seq >= first) & (SessionRow.use_seq <= last)
    return SessionRow.select(SessionRow.use_seq).where(own(there, SessionRow)).limit(limit)


@statement
def _taken(place: int) -> Select:
    return SessionRow.select(SessionRow.id).where(own(SessionRow.use_seq == place, SessionRow))


@statement
def _end_of_run(place: int) -> Select:
    """The last of the places from one on that are all taken."""
    after = SessionRow.alias("after")
    next_one = after.select(after.id).where(own(after.use_seq == SessionRow.use_seq + 1, after))
    run = SessionRow.select(SessionRow.use_seq).where(own(SessionRow.use_seq >= place, SessionRow))
    return run.where(~fn.EXISTS(next_one)).order_by(SessionRow.use_seq).limit(1)


@statement
def _end(now: int, number: int) -> Query:
    return ImportRow.update(ended_at=now).where(ImportRow.id == number)


@statement
def _at(session_id: int, position: int) -> Select:
    there = MessageRow.select(MessageRow.id).where(MessageRow.session_id == session_id)
    return there.where(MessageRow.position == position)


@statement
def _answer(message_id: int, question_id: int) -> Query:
    return MessageRow.update(reply_to=question_id).where(MessageRow.id == message_id)


# --- taken back -----------------------------------------------------------------------


def take_back(engine: Engine) -> None:
    """Delete what one's own imports that did not end have brought, a little at a time.

    Only for who holds the lock of `Engine.importing`: then all of them are dead.
    """
    while True:
        with engine.staging() as db:
            going_on = own(ImportRow.ended_at.is_null(), ImportRow)
            row = db.execute(ImportRow.select(ImportRow.id).where(going_on))
            if (unfinished := row.fetchone()) is None:
                return
            _take_back_some(db, rows.numbers(unfinished)[0])


def _take_back_some(db: Connection, number: int) -> None:
    brought = SessionRow.select(SessionRow.id).where(SessionRow.import_id == number)
    left = _MESSAGES
    found = False
    for (session_id,) in list(db.execute(brought.limit(_SESSIONS))):
        found = True
        left = _remove_messages(db, session_id, left)
        if not left:
            return
        _remove_session(db, session_id)
    if not found:
        ImportRow.delete().where(ImportRow.id == number).execute(db)


def _remove_session(db: Connection, session_id: int) -> None:
    """Take away a session that is not shown, and whose messages are gone."""
    row = db.execute(SessionRow.select(SessionRow.name).where(SessionRow.id == session_id))
    db.unindex_name(session_id, *(row.fetchone() or ("",)))
    children = SessionRow.update(parent_id=None, fork_position=None)
    children.where(SessionRow.parent_id == session_id).execute(db)
    SessionRow.delete().where(SessionRow.id == session_id).execute(db)


def _remove_messages(db: Connection, session_id: int, most: int) -> int:
    """Take a session's messages away, up to a number; how many more that could have been."""
    own = MessageRow.select(MessageRow.id, MessageRow.content, MessageRow.status)
    own = own.where(MessageRow.session_id == session_id).limit(most)
    size = 0
    ids = []
    for message_id, content, status in db.execute(own):
        ids.append(message_id)
        size += len(content)
        if status == "complete":
            db.unindex_message(message_id, content)
        if size > _CHARACTERS:
            most = len(ids)
            break
    if ids:
        _remove_rows(db, ids)
    return most - len(ids)


def _remove_message(db: Connection, number: int) -> None:
    """Take one message away."""
    found = MessageRow.select(MessageRow.content).where(
        MessageRow.id == number, MessageRow.status == "complete"
    )
    for (content,) in list(db.execute(found)):
        db.unindex_message(number, content)
    _remove_rows(db, [number])


def _remove_rows(db: Connection, ids: Sequence[int]) -> None:
    """Take messages away that are not in the index any more, with what they carry."""
    _remove_carried(db, ids)
    called = CallRow.select(CallRow.id).where(CallRow.message_id.in_(ids))
    for (call_id,) in list(db.execute(called.where(CallRow.result.is_null(False)))):
        db.unindex_call(call_id)
    MessageRow.delete().where(MessageRow.id.in_(ids)).execute(db)


def _remove_carried(db: Connection, ids: Sequence[int]) -> None:
    """Take away the bytes that only these messages carry."""
    tie = MessageAttachmentRow
    carried = tie.select(tie.sha256).where(tie.message_id.in_(ids), tie.sha256.is_null(False))
    digests = [digest for (digest,) in db.execute(carried.distinct())]
    if digests:
        tie.delete().where(tie.message_id.in_(ids)).execute(db)
        drop_bytes(db, digests)
