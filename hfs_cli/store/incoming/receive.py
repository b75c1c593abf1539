"""Receive conversations in any order: parents, branches, and what is there already."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from hfs_cli.conversations import Conversation, End, Imported, Incoming
from hfs_cli.errors import UsageError
from hfs_cli.naming import check_name
from hfs_cli.store.engine import Engine
from hfs_cli.store.incoming import meeting
from hfs_cli.store.incoming.join import Contents, PendingBranch, digits
from hfs_cli.store.incoming.meeting import Look
from hfs_cli.store.incoming.take_back import take_back
from hfs_cli.store.incoming.write import DryRun, Import

_DONE = (Look.DELETED, Look.ALL)
_MANY_VALUES = 50_000
_NOTHING_SAID = "conversation in which nothing was said"
_OF_DELETED = "branch of a session that was deleted here"


def put(
    engine: Engine,
    incoming: Iterable[Incoming],
    *,
    in_order: bool = True,
    dry_run: bool = False,
    restore: bool = False,
    broken: Callable[[str], None] | None = None,
    waiting: Callable[[], None] = lambda: None,
) -> Imported:
    """Bring in what is new of conversations: all of it, or nothing.

    A session that is the beginning of the one that arrives goes on with it; where it has gone
    another way, what arrives becomes a branch. Names stay as they are here.

    Others write in between: it is many short transactions, and nothing is shown before the
    last one. No lock is held while a conversation is read.

    Args:
        incoming: Parents and branches, in any order. However new they are, ``-c`` goes on with
            what was used here.
        in_order: They come in the order of their use; else their times tell.
        dry_run: Only look whether they could come in; nothing is written.
        restore: Bring back what was deleted here, too.
        broken: Called with the error of each that cannot be kept, which is then passed over;
            None refuses the whole.
        waiting: Called once, when another import has to end first.

    Raises:
        UsageError: One of them cannot be kept.
    """
    if dry_run:
        return _receive(DryRun(engine, restore=restore), incoming, broken)
    with engine.importing(waiting):
        take_back(engine)
        with Import(engine, in_order=in_order, restore=restore) as place:
            done = _receive(place, incoming, broken)
            place.finish(done)
    return done


def _receive(
    place: Import, incoming: Iterable[Incoming], broken: Callable[[str], None] | None
) -> Imported:
    reception = _Reception(place, broken)
    thresholds = gc.get_threshold()
    # Looking for circles among values that have none took a tenth of the time.
    gc.set_threshold(_MANY_VALUES, *thresholds[1:])
    try:
        reception.take_all(incoming)
        reception.end()
    finally:
        gc.set_threshold(*thresholds)
    return reception.done


class _Reception:
    """Takes conversations one by one, and ties branches as soon as that can be done."""

    def __init__(self, place: Import, broken: Callable[[str], None] | None) -> None:
        self.done = Imported()
        self._place = place
        self._broken = broken
        # Branches whose parent has not come yet, or waits for its own, by the parent's uid. A
        # parent that is part of a circle never stops waiting.
        self._waiting: dict[str, list[PendingBranch]] = {}
        self._unsettled: set[str] = set()
        self._lost: list[PendingBranch] = []
        self._came: set[int] = set()
        # By the uid of a conversation that came: the session that holds all of it, if it is not the
        # session of that uid.
        self._homes: dict[str, str] = {}
        # By the uid of what has gained something, or has come in part: the session that had the
        # beginning of it, and up to which position.
        self._grown: dict[str, tuple[str, int]] = {}
        # Branches without messages of their own that were rewound here: where they are depends on
        # their parent, by whose uid they wait; and those that wait no longer.
        self._postponed: dict[str, list[Conversation]] = {}
        self._ready: deque[Conversation] = deque()
        self._gone: set[str] = set()

    def take_all(self, incoming: Iterable[Incoming]) -> None:
        """Take conversations up to the end, or to where the file cannot be read any further."""
        coming = iter(incoming)
        while True:
            try:
                item = next(coming, None)
            except UsageError as error:
                if self._broken is None:
                    raise
                self._refuse(UsageError(error.what, "what follows it is not read"))
                return
            if item is None:
                return
            self.take(item)

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
            # All of it is looked over before any of it is kept.
            for conversation in family:
                check_name(conversation.name)
                meeting.answers_to_shared(conversation)
            for conversation in family:
                # What was looked for a moment ago need not be looked for again.
                if is_new and conversation.uid == item.uid:
                    self._bring(conversation)
                else:
                    self._receive(conversation)
        except UsageError as error:
            self._refuse(error)
        self._receive_ready()

    def end(self) -> None:
        """Refuse what waits for something that did not come, or is part of a circle.

        What another program kept in a file of its own needs no parent that it shares nothing with.
        """
        # Their parents did not come, but are there.
        for conversations in self._postponed.values():
            self._ready += conversations
        self._receive_ready()
        for uid in list(self._waiting):
            if uid not in self._unsettled and self._place.length_of(uid) is not None:
                self._settle(uid)
        stranded = [*self._lost, *(b for branches in self._waiting.values() for b in branches)]
        self._find_gone(stranded)
        for branch in stranded:
            apart = branch.parent_uid not in self._gone | self._unsettled
            if branch.derived and branch.fork_position == 0 and apart:
                self._place.release(branch)
                self.done.branches -= 1
                self._unsettled.discard(branch.uid)
                self._settle(branch.uid)
        for branch in stranded:
            if branch.uid in self._unsettled:
                self._drop(branch)

    def _find_gone(self, stranded: Iterable[PendingBranch]) -> None:
        """Note which branches, and branches of these, have a parent that was deleted here."""
        of_parent: dict[str, list[str]] = {}
        for branch in stranded:
            of_parent.setdefault(branch.parent_uid, []).append(branch.uid)
        self._gone |= {uid for uid in of_parent if self._place.is_deleted(uid)}
        todo = deque(self._gone)
        while todo:
            more = {*of_parent.get(todo.popleft(), ())} - self._gone
            self._gone |= more
            todo += more

    def _drop(self, branch: PendingBranch) -> None:
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
        self._count(branch.contents, -1)

    # --- what is there already ------------------------------------------------------------

    def _look(self, uid: str, end: End | None) -> Look:
        """How much of it is kept; counted when nothing of it comes in."""
        found = self._place.look(uid, end)
        if found is Look.DELETED:
            self.done.deleted += 1
            self._gone.add(uid)
        elif found is Look.ALL:
            self.done.present += 1
            self._settle(uid)
        return found

    def _receive(self, conversation: Conversation) -> None:
        found = self._look(conversation.uid, conversation.end())
        if found in _DONE:
            return
        if found is Look.NOTHING:
            self._bring(conversation)
            return
        length = self._place.length_of(conversation.uid) or 0
        parent = conversation.parent_uid
        waits = not conversation.messages and length < conversation.length
        if waits and parent is not None and not self._has_come(parent):
            self._postponed.setdefault(parent, []).append(conversation)
        else:
            self._meet(conversation)

    def _receive_ready(self) -> None:
        while self._ready:
            try:
                self._meet(self._ready.popleft())
            except UsageError as error:
                self._refuse(error)

    def _meet(self, conversation: Conversation) -> None:
        """Take what is new in a conversation whose uid a session has."""
        uid = conversation.uid
        if uid in self._grown:
            raise UsageError(
                f'"{conversation.name}" comes twice, and what it says differs: import the two '
                "files one after the other"
            )
        met = self._place.meet(conversation, self._home_of_start(conversation))
        if met is None:
            self._receive(meeting.apart(conversation))
            return
        if met.marks:
            self._place.mark(uid, met.marks)
        if met.growth is None:
            self.done.present += 1
        elif self._place.is_deleted(met.growth.tail.uid):
            self.done.deleted += 1
            self._gone.add(uid)
            return
        else:
            self._grow(uid, met.growth)
        if met.home != uid:
            self._homes[uid] = met.home
        self._settle(uid)

    def _home_of_start(self, branch: Conversation) -> str | None:
        """Which session holds what a branch shares; None where its parent has not come."""
        parent = branch.parent_uid
        if parent is None or not self._has_come(parent):
            return None
        # What its parent has gained is not tied to anything yet, and cannot be followed.
        session, position = self._grown.get(parent, ("", -1))
        if (branch.fork_position or 0) <= position:
            return session
        return self._homes.get(parent, parent)

    def _grow(self, uid: str, growth: meeting.Growth) -> None:
        self._grown[uid] = growth.session.uid, growth.tail.fork_position or 0
        self._place.grow(growth)
        self.done.extended += growth.extends
        self.done.parted += not growth.extends
        self._count(Contents.of(growth.tail))

    # --- what is new ----------------------------------------------------------------------

    def _bring(self, conversation: Conversation) -> None:
        """Add a conversation whose uid no session has: all of it, or what no session holds."""
        uid, parent = conversation.uid, conversation.parent_uid
        shared = conversation.fork_position or 0
        is_part = meeting.may_be_part(conversation)
        settled = parent is not None and self._has_come(parent) and parent not in self._unsettled
        if parent is not None and (settled or is_part):
            start = self._home_of_start(conversation)
            homes = [self._homes.get(parent, parent), start, parent]
            there, position = self._place.overlap(conversation, [h for h in homes if h is not None])
            if is_part and shared < position == conversation.length:
                # What an import elsewhere made a branch is part of a session here.
                self.done.present += 1
                self._homes[uid] = there
                self._settle(uid)
                return
            if settled and (position > shared or there != parent):
                self._bring_rest(conversation, there, position)
                return
        self._add(conversation)
        if parent is None:
            self._settle(uid)
        else:
            self._tie(PendingBranch.of(conversation))

    def _bring_rest(self, conversation: Conversation, home: str, position: int) -> None:
        """Add what follows a position of a branch, whose beginning another session holds."""
        own = conversation.messages[position - (conversation.fork_position or 0) :]
        rest = replace(conversation, parent_uid=home, fork_position=position, messages=own)
        self._grown[rest.uid] = home, position
        self._add(rest)
        self._place.tie(PendingBranch.of(rest))
        self._settle(rest.uid)

    def _add(self, conversation: Conversation) -> None:
        self._place.add(conversation)
        self.done.sessions += 1
        self.done.branches += conversation.parent_uid is not None
        self._count(Contents.of(conversation))
        for reason, often in conversation.left_out.items():
            self._leave_out(reason, often)

    def _tie(self, branch: PendingBranch) -> None:
        """Tie a branch to its parent as soon as that is there."""
        self._waiting.setdefault(branch.parent_uid, []).append(branch)
        self._unsettled.add(branch.uid)
        self._came.add(digits(branch.uid))
        if self._has_come(branch.parent_uid) and branch.parent_uid not in self._unsettled:
            self._settle(branch.parent_uid)

    def _settle(self, uid: str) -> None:
        """Tie what waits for a session, and what waits for that."""
        # Not recursion: a fork of a fork of a fork may go on longer than Python's stack.
        self._came.add(digits(uid))
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

    def _has_come(self, uid: str) -> bool:
        return digits(uid) in self._came

    # --- counted --------------------------------------------------------------------------

    def _count(self, contents: Contents, times: int = 1) -> None:
        self.done.messages += times * contents.messages
        self.done.attachments += times * contents.attachments
        self.done.calls += times * contents.calls

    def _leave_out(self, reason: str, often: int) -> None:
        self.done.left_out[reason] = self.done.left_out.get(reason, 0) + often

    def _refuse(self, error: UsageError) -> None:
        if self._broken is None:
            raise error
        self.done.broken += 1
        self._broken(error.message)
