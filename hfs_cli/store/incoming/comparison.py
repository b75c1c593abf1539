"""Follow a conversation that arrives through the sessions that are kept, while they are the same.

No number names a message on two machines. What identifies it is its position, its role, its time
in microseconds and its text; and two transcripts that share a message share all that came before
it. So a transcript that arrives is followed through the session of its uid and, where that went
another way, through the branches of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hfs_cli.conversations import Conversation, answered_calls
from hfs_cli.messages import Message, Session
from hfs_cli.store import rows
from hfs_cli.store.engine import Connection
from hfs_cli.store.incoming import kept
from hfs_cli.store.incoming.kept import KeptMessage


class Reached(NamedTuple):
    """How far a transcript was followed: in which session, to which position and message."""

    session: Session
    position: int
    anchor: int | None


class Comparison:
    """Follows a conversation that arrives through sessions that are kept."""

    def __init__(self, db: Connection, arriving: Conversation, session: Session) -> None:
        self._db = db
        self._arriving = arriving
        self._shared = arriving.fork_position or 0
        # Programs that keep no times give every message the time of their file, which changes.
        self._no_time = None
        if arriving.origin == "import" == session.origin:
            self._no_time = rows.to_microseconds(arriving.created_at)

    def at(self, position: int) -> Message:
        """The message that arrives at a position."""
        return self._arriving.messages[position - self._shared - 1]

    def from_start(self, session: Session, parent: str | None) -> Reached | None:
        """How far it goes along the session of its uid, or else that of its parent.

        Returns:
            None where neither begins with what it shares, nor any branch has its first message.
        """
        start: Session | None = session
        path = kept.path(self._db, session.id, self._shared)
        if not self._shares_start(path, session):
            start = None if parent is None else kept.session_of_uid(self._db, parent)
            path = [] if start is None else kept.path(self._db, start.id, self._shared)
        if start is not None and start.messages >= self._shared:
            return self.follow(start, path, self._shared)
        return self._along_any_branch(session)

    def follow(self, session: Session, path: Sequence[KeptMessage], position: int) -> Reached:
        """How far it goes along a session.

        Args:
            path: The session's messages after the position up to which they are known to agree.
            position: That position.
        """
        anchor = None
        for ours in path:
            if position >= self._arriving.length or ours.position != position + 1:
                break
            theirs = self.at(ours.position)
            # A reply at the end gives way to what has become of it: more text, or more results.
            is_last = ours is path[-1]
            if not self._is_same(ours, theirs) or (is_last and self.is_outdated(ours, theirs)):
                break
            position, anchor = ours.position, ours.number
        if anchor is None and position:
            before = kept.message_at(self._db, session.id, position)
            anchor = None if before is None else before.number
        return Reached(session, position, anchor)

    def through_branches(self, reached: Reached) -> Reached:
        """How much further it goes through all that parted from a session."""
        if reached.position >= self._arriving.length:
            return reached
        family = kept.family(self._db, reached.session.id)
        while reached.position < self._arriving.length:
            further = reached
            for number in kept.holders(self._db, family, reached.position + 1):
                found = self._along_branch(number, reached)
                if found.position > further.position:
                    further = found
            if further is reached:
                break
            reached = further
        return reached

    def is_outdated(self, ours: KeptMessage, theirs: Message) -> bool:
        """Whether more of a kept reply arrives: more of its text, or more results."""
        content = rows.storable(theirs.content)
        moment = rows.to_microseconds(theirs.created_at)
        if (ours.role, ours.moment) != (theirs.role, moment):
            return False
        if ours.status == "partial":
            longer = theirs.status == "complete" or len(theirs.content) > len(ours.content)
            return longer and content.startswith(ours.content)
        answered = answered_calls(theirs)
        return ours.content == content and answered > kept.answered(self._db, ours.number)

    def _is_same(self, ours: KeptMessage, theirs: Message) -> bool:
        """Whether a kept message is the one that arrives, or holds more of it."""
        moment = rows.to_microseconds(theirs.created_at)
        if ours.role != theirs.role or moment not in {ours.moment, self._no_time}:
            return False
        content = rows.storable(theirs.content)
        if ours.content == content:
            return True
        return theirs.status == "partial" and ours.content.startswith(content)

    def _shares_start(self, path: Sequence[KeptMessage], session: Session) -> bool:
        """Whether the session of its uid begins with the messages that it shares."""
        # One message in common means one past. And a fork begins with what it began with until it
        # is rewound, which only makes its share smaller.
        if self._shared <= (session.fork_position or 0):
            return True
        pairs = zip(path, self._arriving.messages, strict=False)
        return any(self._is_same(ours, theirs) for ours, theirs in pairs)

    def _along_any_branch(self, session: Session) -> Reached | None:
        """How far it goes along the branch that has its first message, if one has."""
        best = Reached(session, self._shared, None)
        family = kept.family(self._db, session.id)
        for number in kept.holders(self._db, family, self._shared + 1):
            branch = kept.session(self._db, number)
            found = self.follow(branch, self._own_after(number, self._shared), self._shared)
            if found.position > best.position:
                best = found
        return best if best.position > self._shared else None

    def _along_branch(self, number: int, reached: Reached) -> Reached:
        rest = self._own_after(number, reached.position)
        if not rest or not self._is_same(rest[0], self.at(rest[0].position)):
            return reached
        before = kept.message_at(self._db, number, reached.position) if reached.position else None
        if before is not None and before.number != reached.anchor:
            # The same message may be kept twice.
            anchor = kept.message(self._db, reached.anchor or 0)
            if anchor is None or (anchor.moment, anchor.content) != (before.moment, before.content):
                return reached
        return self.follow(kept.session(self._db, number), rest, reached.position)

    def _own_after(self, number: int, position: int) -> list[KeptMessage]:
        return [ours for ours in kept.own_messages(self._db, number) if ours.position > position]
