"""Messages that come in pieces: a reply block by block, and the results of its calls later."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from hfs_cli.conversations import Conversation
from hfs_cli.exchange.sources.foreign import Said, uid_of
from hfs_cli.messages import Attachment, Call, Role, Usage

# What is not imported, in the words of the report.
NO_CALL = "result of a call that is not there"
NO_DATA = "file that is there by its name alone"
OTHER_LINE = "line of the program's own state"
OTHER_PART = "part of a message"
DETAIL = "detail of a tool's result beside its text"
SEALED = "thought that only its vendor can read"


@dataclass(slots=True)
class Draft:
    """One message while it is being read; see `Said` for what its fields mean.

    Args:
        unfinished: Its program has not said yet that this is all of it, as it does say.
    """

    role: Role
    key: str
    after: str | None
    created_at: datetime | None = None
    model: str | None = None
    usage: Usage | None = None
    extra: Mapping[str, object] | None = None
    finish_raw: str | None = None
    unfinished: bool = False
    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)

    def add_file(self, media_type: str, data: str, left_out: Counter[str]) -> None:
        """Add a file that is given in base64; what cannot be decoded is counted."""
        try:
            raw = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if not raw:
            left_out[NO_DATA] += 1
            return
        kind = media_type.rpartition("/")[2]
        name = f"file-{len(self.attachments) + 1}.{kind if kind.isalnum() else 'bin'}"
        self.attachments.append(Attachment(name, media_type, raw))

    def is_open(self) -> bool:
        """Whether more of it may follow, because the program was still at work."""
        waits = any(call.result is None for call in self.calls)
        return self.unfinished or waits or not (self.calls or any(self.texts))

    def said(self, *, partial: bool = False) -> Said:
        """The message."""
        return Said(
            role=self.role,
            content="\n\n".join(text for text in self.texts if text),
            created_at=self.created_at,
            model=self.model,
            usage=self.usage,
            reasoning="\n\n".join(thought for thought in self.thoughts if thought),
            attachments=tuple(self.attachments),
            calls=tuple(self.calls),
            extra=self.extra,
            key=self.key,
            after=self.after,
            status="partial" if partial else "complete",
            finish_raw=self.finish_raw,
        )


def all_said(drafts: Sequence[Draft]) -> list[Said]:
    """The messages; a reply at an end that waits for something is partial: an import may be early.

    When the file comes again, a partial reply gives way to what has become of it.
    """
    followed = {draft.after for draft in drafts}
    return [
        draft.said(
            partial=draft.role == "assistant" and draft.key not in followed and draft.is_open()
        )
        for draft in drafts
    ]


def of_agent(source: str, session: str, family: Iterable[Conversation]) -> tuple[Conversation, ...]:
    """What an agent did, as a branch of the session that sent it out; the two share nothing.

    The session may be in another file, or gone: then it comes by itself.

    Args:
        source: The program.
        session: What it calls that session.
        family: What the agent did, with its own branches.
    """
    parent = uid_of(source, session)
    return tuple(
        one
        if one.parent_uid is not None
        else replace(
            one, parent_uid=parent, fork_position=0, origin="fork", listed=False, derived=True
        )
        for one in family
    )


def leave_out(left_out: Counter[str], what: str, kind: object) -> None:
    """Count what is not imported by its kind, in the program's own word."""
    known = isinstance(kind, str) and len(kind) <= 40 and kind.isprintable()
    reason = f"{what}: {kind}" if known else what
    # More kinds than any program has would only fill the report.
    left_out[reason if reason in left_out or len(left_out) < 100 else what] += 1


class Calls:
    """The calls of a conversation, each with its result once that has come."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[Draft, int]] = {}

    def add(self, draft: Draft, call: Call) -> None:
        """Add a call to the reply that asks for it."""
        if call.id:
            self._places[call.id] = (draft, len(draft.calls))
        draft.calls.append(call)

    def asker(self, name: str) -> Draft | None:
        """The reply that asked for a tool, by the call's id."""
        return self._places[name][0] if name in self._places else None

    def complete(self, call: Call) -> bool:
        """Give a call a result if it has none; False when no call is called so."""
        if call.id not in self._places:
            return False
        draft, place = self._places[call.id]
        there = draft.calls[place]
        if there.result is None:
            draft.calls[place] = there._replace(
                result=call.result, failed=call.failed, ended_at=call.ended_at
            )
        return True

    def answer(
        self, name: str, result: str, *, failed: bool = False, ended_at: datetime | None = None
    ) -> bool:
        """The result of a call has come; False when no call is called so.

        Args:
            name: The call's id.
        """
        if name not in self._places:
            return False
        draft, place = self._places[name]
        draft.calls[place] = draft.calls[place]._replace(
            result=result, failed=failed, ended_at=ended_at
        )
        return True
