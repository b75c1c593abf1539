"""Bring conversations in: all of them or none, while everybody else goes on writing.

An import is many short transactions. Each adds rows that are not shown yet, because the row of
their import says that it goes on; the last one says that it has ended, and all is there at once.
Whoever kills it in between leaves rows that nobody sees and the next import takes away.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import NamedTuple, Protocol, Self

from peewee import Query, Select, fn

from hfs_cli import signals
from hfs_cli.conversations import Conversation, Imported, Incoming
from hfs_cli.errors import StoreError, UsageError
from hfs_cli.messages import Message
from hfs_cli.naming import check_name
from hfs_cli.store import checkpoints, rows, sessions
from hfs_cli.store.engine import Connection, Engine, insert_many, statement
from hfs_cli.store.messages import attach, lineage, put_call
from hfs_cli.store.tables import (
    AttachmentRow,
    CallRow,
    ImportRow,
    MessageAttachmentRow,
    MessageRow,
    SessionRow,
)

# How much one transaction writes: as many messages as take a tenth of a second at most, or as
# many characters. Whoever waits for the database waits for one of them.
_MESSAGES = 500
_CHARACTERS = 500_000
_SESSIONS = 50
_NOTHING_SAID = "conversation in which nothing was said"


class Branch(NamedTuple):
    """A conversation that begins with messages of another one.

    Args:
        answers: By the position of a reply, the position of the shared question it answers.
        messages: How many it has of its own.
        attachments: How many these carry.
        calls: How many calls of tools they ask for.
    """

    uid: str
    name: str
    parent_uid: str
    fork_position: int
    answers: dict[int, int]
    messages: int
    attachments: int
    calls: int


class Place(Protocol):
    """Where conversations go: a database, or nowhere when it is only tried."""

    def length_of(self, uid: str) -> int | None:
        """How many messages the session of a uid has; None when there is none."""
        ...

    def add(self, conversation: Conversation) -> None:
        """Keep a conversation, tied to no parent yet."""
        ...

    def tie(self, branch: Branch) -> None:
        """Make a conversation that was added a branch of another that is there."""
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
    for item in incoming:
        reception.take(item)
    reception.end()
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

    def take(self, item: Incoming) -> None:
        if item.uid is not None and self._place.length_of(item.uid) is not None:
            self.done.present += 1
            return
        try:
            family = item.read()
            if not family:
                self._leave_out(_NOTHING_SAID, 1)
                return
            for conversation in family:
                check_name(conversation.name)
            answers = [_answers_to_shared(conversation) for conversation in family]
        except UsageError as error:
            self._refuse(error)
            return
        for conversation, answered in zip(family, answers, strict=True):
            known = conversation.uid == item.uid
            if not known and self._place.length_of(conversation.uid) is not None:
                self.done.present += 1
                continue
            self._place.add(conversation)
            self._count(conversation)
            self._tie(conversation, answered)

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
        branch = Branch(
            conversation.uid,
            conversation.name,
            conversation.parent_uid,
            conversation.fork_position or 0,
            answers,
            len(conversation.messages),
            _attachments(conversation),
            _calls(conversation),
        )
        self._waiting.setdefault(branch.parent_uid, []).append(branch)
        self._unsettled.add(branch.uid)
        there = self._place.length_of(branch.parent_uid) is not None
        if there and branch.parent_uid not in self._unsettled:
            self._settle(branch.parent_uid)

    def _settle(self, uid: str) -> None:
        """Tie what waits for a session, and what waits for that."""
        # Not recursion: a fork of a fork of a fork may go on longer than Python's stack.
        todo = deque([uid])
        while todo:
            for branch in self._waiting.pop(todo.popleft(), ()):
                length = self._place.length_of(branch.parent_uid)
                if length is None or length < branch.fork_position:
                    self._lost.append(branch)
                    continue
                self._unsettled.discard(branch.uid)
                self._place.tie(branch)
                todo.append(branch.uid)

    def end(self) -> None:
        """Refuse what waits for something that did not come, or goes round in a circle."""
        waiting = (branch for branches in self._waiting.values() for branch in branches)
        for branch in (*self._lost, *waiting):
            self._refuse(
                UsageError(
                    f'"{branch.name}" is a branch of a session that is not there, or too short, '
                    "or of itself: import the file that holds both"
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

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
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

    def add(self, conversation: Conversation) -> None:
        """As `Place.add`."""
        length = (conversation.fork_position or 0) + len(conversation.messages)
        self._lengths[bytes.fromhex(conversation.uid)] = length

    def tie(self, branch: Branch) -> None:
        """As `Place.tie`: there is nothing to tie."""

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
    """

    def __init__(self, engine: Engine, *, in_order: bool) -> None:
        self._engine = engine
        self._in_order = in_order
        self._number: int | None = None
        # What is to be written: conversations, and their lengths by uid until they are.
        self._queue: deque[Conversation] = deque()
        self._queued: dict[str, int] = {}
        self._messages = self._characters = 0
        self._half: _Half | None = None
        # Branches whose parent came with this import, and those whose parent is shown already.
        self._ties: list[Branch] = []
        self._late: list[Branch] = []
        self._last_place: int | None = None

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

    def add(self, conversation: Conversation) -> None:
        """As `Place.add`."""
        self._queue.append(conversation)
        self._queued[conversation.uid] = _length(conversation)
        self._messages += len(conversation.messages)
        self._characters += sum(_weight(message) for message in conversation.messages)
        while self._messages > _MESSAGES or self._characters > _CHARACTERS:
            self._write()

    def tie(self, branch: Branch) -> None:
        """As `Place.tie`."""
        self._ties.append(branch)
        if len(self._ties) > _MESSAGES:
            self._write_all()

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

    def finish(self) -> None:
        """Show all that came, at once.

        Raises:
            UsageError: A session that one of them is a branch of has been deleted meanwhile, or
                cut short.
            StoreError: Somebody has taken the import back.
        """
        self._write_all()
        if self._number is None:
            return
        with self._engine.writing() as db:
            for branch in self._late:
                parent = _of_uid(db, branch.parent_uid).fetchone()
                if parent is None or parent[1] < branch.fork_position:
                    raise UsageError(
                        f'the session that "{branch.name}" is a branch of was changed meanwhile: '
                        "nothing was imported"
                    )
                _tie(db, branch, int(parent[0]))
            if not _end(db, _now(), self._number).rowcount:
                raise StoreError("another import has taken this one back: nothing was imported")

    def _write_all(self) -> None:
        while self._queue or self._ties:
            self._write()

    def _write(self) -> None:
        """One transaction."""
        with self._engine.staging() as db:
            if self._number is None:
                self._number = int(ImportRow.insert(started_at=_now()).execute(db))
            written = _Written(db, db.first_free(MessageRow))
            while self._queue and written.has_room():
                self._write_next(db, written)
            written.flush()
            if not self._queue:
                ties, self._ties = self._ties[:_MESSAGES], self._ties[_MESSAGES:]
                for branch in ties:
                    self._tie_or_wait(db, branch)
        self._messages -= written.messages
        self._characters -= written.characters

    def _write_next(self, db: Connection, written: _Written) -> None:
        """The next conversation, or as much of it as there is room for."""
        conversation = self._queue[0]
        half = self._half
        if half is None:
            half = _Half(self._add_session(db, conversation))
        for message in conversation.messages[half.written :]:
            if not written.has_room():
                self._half = half
                return
            half.ids[message.position] = written.add(half, message)
            half.written += 1
        for mark in conversation.checkpoints:
            created_at = rows.to_microseconds(mark.created_at)
            checkpoints.insert(db, half.session_id, mark.position, mark.label, created_at)
        self._half = None
        self._queue.popleft()
        del self._queued[conversation.uid]

    def _add_session(self, db: Connection, conversation: Conversation) -> int:
        name = sessions.free_name(db, check_name(conversation.name))
        last = conversation.messages[-1].status if conversation.messages else None
        session_id = db.first_free(SessionRow)
        columns = {
            "id": session_id,
            "uid": conversation.uid,
            "name": name,
            "origin": conversation.origin,
            "model": conversation.model,
            "message_count": _length(conversation),
            "last_status": last,
            "created_at": rows.to_microseconds(conversation.created_at),
            "updated_at": rows.to_microseconds(conversation.updated_at),
            "use_seq": self._place(db, conversation) if conversation.listed else None,
            "import_id": self._number,
        }
        insert_many(db, SessionRow, tuple(columns), [tuple(columns.values())])
        db.index_name(session_id, name)
        return session_id

    def _place(self, db: Connection, conversation: Conversation) -> int:
        """Its place in the order of use: by its time, below all that was used here.

        So an import never changes what ``-c`` continues.
        """
        place = rows.to_microseconds(conversation.updated_at) - sessions.BEFORE_ALL_USE
        if self._in_order and self._last_place is not None:
            # Whatever a clock has done to the times.
            place = max(place, self._last_place + 1)
        if _taken(db, place).fetchone():
            row = _end_of_run(db, place).fetchone()
            assert row is not None
            place = int(row[0]) + 1
        self._last_place = place
        return place

    def _tie_or_wait(self, db: Connection, branch: Branch) -> None:
        parent = _of_uid(db, branch.parent_uid).fetchone()
        if parent is not None and parent[2] == self._number:
            _tie(db, branch, int(parent[0]))
        else:
            # Until all is shown nothing that is shown has a branch that is not.
            self._late.append(branch)


class _Half:
    """How much of a conversation is written: it may take more than one transaction."""

    def __init__(self, session_id: int) -> None:
        self.session_id = session_id
        self.written = 0
        self.ids: dict[int, int] = {}


class _Written:
    """The messages of one transaction, which are inserted together."""

    def __init__(self, db: Connection, first: int) -> None:
        self._db = db
        self._numbers = count(first)
        self._rows: list[tuple[object, ...]] = []
        self._columns: Sequence[str] = ()
        self._texts: list[tuple[int, str]] = []
        self._carrying: list[tuple[int, Message]] = []
        self.messages = self.characters = 0

    def has_room(self) -> bool:
        return self.messages < _MESSAGES and self.characters < _CHARACTERS

    def add(self, half: _Half, message: Message) -> int:
        """Its number."""
        number = next(self._numbers)
        columns = rows.message_columns(message)
        columns |= {
            "id": number,
            "session_id": half.session_id,
            "position": message.position,
            "role": message.role,
            "content": message.content,
            "created_at": rows.to_microseconds(message.created_at),
            "extra": rows.as_json(message.extra),
            # A question that another session shares is named when the two are tied.
            "reply_to": half.ids.get(message.reply_to or 0),
        }
        self._columns = tuple(columns)
        self._rows.append(tuple(columns.values()))
        if message.status == "complete":
            self._texts.append((number, message.content))
        if message.attachments or message.tool_calls:
            self._carrying.append((number, message))
        self.messages += 1
        self.characters += _weight(message)
        return number

    def flush(self) -> None:
        if not self._rows:
            return
        insert_many(self._db, MessageRow, self._columns, self._rows)
        self._db.index_messages(self._texts)
        for number, message in self._carrying:
            attach(self._db, number, message.attachments)
            for place, call in enumerate(message.tool_calls, 1):
                put_call(self._db, number, place, call)


def _length(conversation: Conversation) -> int:
    return (conversation.fork_position or 0) + len(conversation.messages)


def _weight(message: Message) -> int:
    """What a message costs to write, in characters."""
    weight = len(message.content) + len(message.reasoning)
    for attachment in message.attachments:
        weight += len(attachment.data) // 10
    for call in message.tool_calls:
        weight += len(call.arguments) + len(call.result or "")
    return weight


def _now() -> int:
    return rows.to_microseconds(datetime.now(UTC))


def _tie(db: Connection, branch: Branch, parent_id: int) -> None:
    session_id = _id_of(db, branch.uid)
    sessions.change(db, session_id, parent_id=parent_id, fork_position=branch.fork_position)
    for position, question in branch.answers.items():
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
        raise StoreError("another import has taken this one back: nothing was imported")
    return int(row[0])


@statement
def _of_uid(uid: str) -> Select:
    found = SessionRow.select(SessionRow.id, SessionRow.message_count, SessionRow.import_id)
    return found.where(SessionRow.uid == uid)


@statement
def _taken(place: int) -> Select:
    return SessionRow.select(SessionRow.id).where(SessionRow.use_seq == place)


@statement
def _end_of_run(place: int) -> Select:
    """The last of the places from one on that are all taken."""
    after = SessionRow.alias("after")
    next_one = after.select(after.id).where(after.use_seq == SessionRow.use_seq + 1)
    run = SessionRow.select(SessionRow.use_seq).where(SessionRow.use_seq >= place)
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
    """Delete what imports that did not end have brought, a little at a time.

    Only for who holds the lock of `Engine.importing`: then all of them are dead.
    """
    while True:
        with engine.staging() as db:
            row = db.execute(ImportRow.select(ImportRow.id).where(ImportRow.ended_at.is_null()))
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
        _remove_carried(db, ids)
        called = CallRow.select(CallRow.id).where(CallRow.message_id.in_(ids))
        for (call_id,) in list(db.execute(called.where(CallRow.result.is_null(False)))):
            db.unindex_call(call_id)
        MessageRow.delete().where(MessageRow.id.in_(ids)).execute(db)
    return most - len(ids)


def _remove_carried(db: Connection, ids: Sequence[int]) -> None:
    """Take away the bytes that only these messages carry."""
    tie = MessageAttachmentRow
    carried = tie.select(tie.sha256).where(tie.message_id.in_(ids), tie.sha256.is_null(False))
    digests = [digest for (digest,) in db.execute(carried.distinct())]
    if not digests:
        return
    tie.delete().where(tie.message_id.in_(ids)).execute(db)
    still = [d for (d,) in db.execute(tie.select(tie.sha256).where(tie.sha256.in_(digests)))]
    AttachmentRow.delete().where(AttachmentRow.sha256.in_({*digests} - {*still})).execute(db)
