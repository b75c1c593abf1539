"""Write what comes in: many short transactions, and one that shows all of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain, islice
from typing import Self

from hfs_cli import signals
from hfs_cli.conversations import Checkpoint, Conversation, End, Imported
from hfs_cli.errors import StoreError
from hfs_cli.store import deleted, rows, sessions
from hfs_cli.store.engine import Connection, Engine, only_own
from hfs_cli.store.incoming import bulk, join, kept, meeting
from hfs_cli.store.incoming.bulk import BulkInsert, Progress
from hfs_cli.store.incoming.join import PendingBranch, digits, of_uid
from hfs_cli.store.incoming.meeting import Look
from hfs_cli.store.incoming.take_back import remove_messages, remove_session, take_back
from hfs_cli.store.tables import DeletedRow, ImportRow, SessionRow

# How many uids an import keeps in memory, some 20 MB; beyond that it asks the database for each.
_IN_MIND = 250_000


class Import:
    """One import into the database; a context manager.

    Nothing of it is shown until `finish`. Without that the end of the block takes it back, unless
    a signal asks for a quick end: then the next import does.

    Args:
        engine: The database.
        in_order: What comes is in the order of its use, whatever its times say.
        restore: Bring back what was deleted, too.
    """

    def __init__(self, engine: Engine, *, in_order: bool = True, restore: bool) -> None:
        self._engine = engine
        self._in_order = in_order
        self._restore = restore
        # What sessions that are shown have gained, until all is shown.
        self._growths: list[meeting.Growth] = []
        self._marks: list[tuple[str, Checkpoint]] = []
        # Uids that came and were deleted here, which are remembered for another year.
        self._deleted: list[str] = []
        self._number: int | None = None
        # The uids there were when it began, and those that came since: nobody else brings in a uid
        # that may arrive. None where those would be too many to have in mind.
        self._known = self._known_uids()
        # The conversations still to be written, and their lengths by uid.
        self._queue: deque[Conversation] = deque()
        self._queued: dict[str, int] = {}
        self._messages = self._characters = 0
        self._progress: Progress | None = None
        # Branches whose parent came with this import; those that hang, by themselves or by their
        # parents, on what is shown already; and the uids of all that is tied only at the end.
        self._ties: list[PendingBranch] = []
        self._late: list[PendingBranch] = []
        self._untied: set[str] = set()
        self._last_place: int | None = None

    def _known_uids(self) -> set[int] | None:
        with self._engine.reading() as db:
            kept = only_own(db, SessionRow.select(SessionRow.uid, of=None), SessionRow)
            gone = only_own(db, DeletedRow.select(DeletedRow.uid), DeletedRow)
            uids = chain(*(db.execute(query.limit(_IN_MIND + 1)) for query in (kept, gone)))
            try:
                known = {digits(uid) for (uid,) in uids}
            except ValueError:  # a uid that hfs never gave
                return None
        return known if len(known) <= _IN_MIND else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self._number is not None and signals.received() is None:
            take_back(self._engine)

    # --- what is there already ------------------------------------------------------------

    def length_of(self, uid: str) -> int | None:
        """How many messages the session with a uid has; None when there is no such session."""
        if uid in self._queued:
            return self._queued[uid]
        with self._engine.reading() as db:
            row = of_uid(db, uid).fetchone()
            if row is None:
                return None
            # A dry run may come upon what a killed import has left, which does not count.
            is_there = row[2] in {None, self._number} or sessions.of_id(db, row[0])
        return int(row[1]) if is_there else None

    def is_deleted(self, uid: str) -> bool:
        """Whether a session was deleted, and is to stay so."""
        if self._restore:
            return False
        with self._engine.reading() as db:
            was_deleted = deleted.is_deleted(db, uid)
        if was_deleted:
            self._note_deleted(uid)
        return was_deleted

    def look(self, uid: str, end: End | None) -> Look:
        """How much is kept of a conversation.

        Args:
            end: Where it ends; None if that is not known.
        """
        if uid in self._queued:
            if end is None:
                return Look.SOME
            self._write_all()
        if self._known is not None and digits(uid) not in self._known:
            return Look.NOTHING
        with self._engine.reading() as db:
            found = meeting.look(db, uid, end, restore=self._restore)
        if found is Look.DELETED:
            self._note_deleted(uid)
        return found

    def _note_deleted(self, uid: str) -> None:
        self._deleted.append(uid)
        if len(self._deleted) > bulk.MESSAGES:
            self._write_deleted()

    def _write_deleted(self) -> None:
        with self._engine.staging() as db:
            deleted.met(db, self._deleted)
        self._deleted.clear()

    def meet(self, conversation: Conversation, parent: str | None) -> meeting.Met | None:
        """As `meeting.meet`."""
        self._write_all()
        with self._engine.reading() as db:
            return meeting.meet(db, conversation, parent)

    def overlap(self, conversation: Conversation, parents: Sequence[str]) -> tuple[str, int]:
        """As `meeting.overlap`."""
        if not {*parents} <= self._queued.keys():
            with self._engine.reading() as db:
                found = [of_uid(db, uid).fetchone() for uid in parents]
                # What has come with this import holds nothing twice.
                if any(row and (row[2] is None or row[2] != self._number) for row in found):
                    return meeting.overlap(db, conversation, parents)
        return parents[0], conversation.fork_position or 0

    # --- what comes in --------------------------------------------------------------------

    def grow(self, growth: meeting.Growth) -> None:
        """Keep what a session has gained."""
        self.add(growth.tail)
        # Without the messages, which would stay in memory.
        tail = replace(growth.tail, messages=(), checkpoints=())
        self._growths.append(growth._replace(tail=tail))
        self._untied.add(tail.uid)

    def mark(self, uid: str, marks: Sequence[Checkpoint]) -> None:
        """Keep the named checkpoints that a session has gained."""
        self._marks += ((uid, mark) for mark in marks)

    def add(self, conversation: Conversation) -> None:
        """Keep a conversation, which is not tied to its parent yet."""
        if self._known is not None:
            self._known.add(digits(conversation.uid))
            if len(self._known) > _IN_MIND:
                self._known = None
        self._queue.append(conversation)
        self._queued[conversation.uid] = conversation.length
        self._messages += len(conversation.messages)
        self._characters += sum(map(bulk.weight, conversation.messages))
        while (
            self._messages > bulk.MESSAGES
            or self._characters > bulk.CHARACTERS
            or len(self._queue) > bulk.SESSIONS
        ):
            self._write()

    def tie(self, branch: PendingBranch) -> None:
        """Tie a conversation that was added to its parent, which is there."""
        self._ties.append(branch)
        if len(self._ties) > bulk.MESSAGES:
            self._write_all()

    def release(self, branch: PendingBranch) -> None:
        """List an added conversation by itself: it shares nothing with the parent it lacks."""
        self._write_all()
        with self._engine.staging() as db:
            session = kept.session(db, join.id_of(db, branch.uid))
            if not session.listed:
                use_seq = self._use_place(partial(bulk.free_place, db), session.updated_at)
                sessions.change(db, session.id, use_seq=use_seq)

    def remove(self, branch: PendingBranch) -> None:
        """Remove a conversation that was added."""
        self._write_all()
        while True:
            with self._engine.staging() as db:
                session_id = join.id_of(db, branch.uid)
                # Each message by itself: what the database cascades stays in its search index.
                if remove_messages(db, session_id, bulk.MESSAGES):
                    remove_session(db, session_id)
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
                join.put_mark(db, uid, mark)
            if self._number is None:
                return
            join.tie_all(db, self._late, self._growths, done)
            if self._restore:
                deleted.restored(db, self._number)
            ends = ImportRow.update(ended_at=rows.now()).where(ImportRow.id == self._number)
            if not ends.execute(db):
                raise StoreError("another import has undone this one: nothing was imported")

    # --- one transaction ------------------------------------------------------------------

    def _write_all(self) -> None:
        while self._queue or self._ties:
            self._write()

    def _write(self) -> None:
        """One transaction."""
        with self._engine.staging() as db:
            if self._number is None:
                self._number = int(ImportRow.insert(started_at=rows.now()).execute(db))
            inserting = BulkInsert(db)
            inserting.look_ahead(list(islice(self._queue, bulk.SESSIONS)), self._last_place)
            for _ in range(bulk.SESSIONS):
                if not self._queue or not inserting.has_room():
                    break
                self._write_next(inserting)
            inserting.flush()
            if not self._queue:
                ties, self._ties = self._ties[: bulk.MESSAGES], self._ties[bulk.MESSAGES :]
                for branch in ties:
                    self._tie_or_wait(db, branch)
        self._messages -= inserting.messages
        self._characters -= inserting.characters

    def _write_next(self, inserting: BulkInsert) -> None:
        """The next conversation, or as much of it as there is room for."""
        conversation = self._queue[0]
        progress = self._progress
        if progress is None:
            place = None
            if conversation.listed:
                place = self._use_place(inserting.free_place, conversation.updated_at)
            progress = Progress(
                inserting.add_session(conversation, import_id=self._number, use_seq=place)
            )
        for message in conversation.messages[progress.written :]:
            if not inserting.has_room():
                self._progress = progress
                return
            inserting.add(progress, message)
        inserting.mark(progress.session_id, conversation.checkpoints)
        self._progress = None
        self._queue.popleft()
        del self._queued[conversation.uid]

    def _use_place(self, free: Callable[[int], int], used: datetime) -> int:
        """A conversation's place in the order of use: by its time, below all that was used here.

        So an import never changes what ``-c`` continues.

        Args:
            free: Gives a place, or the next one that nothing has.
        """
        place = bulk.wanted_place(used)
        if self._in_order and self._last_place is not None:
            # Whatever a clock has done to the times.
            place = max(place, self._last_place + 1)
        self._last_place = free(place)
        return self._last_place

    def _tie_or_wait(self, db: Connection, branch: PendingBranch) -> None:
        parent = of_uid(db, branch.parent_uid).fetchone()
        waits = branch.parent_uid in self._untied
        if parent is not None and parent[2] == self._number and not waits:
            join.tie(db, branch, int(parent[0]))
            join.answer_shared(db, join.id_of(db, branch.uid), branch.answers)
        else:
            # Until all is shown nothing that is shown has a branch that is not.
            self._late.append(branch)
            self._untied.add(branch.uid)


class DryRun(Import):
    """An import that writes nothing: it only remembers how long each conversation would be."""

    def look(self, uid: str, end: End | None) -> Look:
        """As an import does; what came before is judged by its length."""
        if uid in self._queued:
            is_all = end is not None and self._queued[uid] >= end.length
            return Look.ALL if is_all else Look.SOME
        if self.length_of(uid) is None:
            return Look.DELETED if self.is_deleted(uid) else Look.NOTHING
        return super().look(uid, end)

    def meet(self, conversation: Conversation, parent: str | None) -> meeting.Met | None:
        """As an import does; what came before is taken to be the same."""
        if conversation.uid in self._queued:
            return meeting.Met(conversation.uid)
        return super().meet(conversation, parent)

    def add(self, conversation: Conversation) -> None:
        """Remember its length."""
        self._queued[conversation.uid] = conversation.length

    def tie(self, branch: PendingBranch) -> None:
        """Do nothing: only its length is remembered."""

    release = remove = tie

    def _note_deleted(self, uid: str) -> None:
        """Do nothing: it would have to be written."""
