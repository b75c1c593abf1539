"""Messages that are put together from pieces: replies block by block, call results later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from hfs_cli.conversations import Conversation
from hfs_cli.exchange.json_values import from_base64
from hfs_cli.exchange.sources.foreign import ForeignMessage, uid_of
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
    """A message that is still being read; `ForeignMessage` says what its fields mean.

    Args:
        unfinished: The program marks the end of a reply, and has not marked this one's yet.
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
        """Add a file from base64; one that cannot be decoded is counted as left out."""
        raw = from_base64(data)
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

    def message(self, *, partial: bool) -> ForeignMessage:
        """The message as far as it was read.

        Args:
            partial: It is not complete.
        """
        return ForeignMessage(
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


def messages_of(drafts: Sequence[Draft]) -> list[ForeignMessage]:
    """The messages. A last reply that still waits for something is partial.

    The file may be imported again when its program has finished: a partial reply is then
    replaced by the complete one.
    """
    followed = {draft.after for draft in drafts}
    return [
        draft.message(
            partial=draft.role == "assistant" and draft.key not in followed and draft.is_open()
        )
        for draft in drafts
    ]


def first_question(drafts: Iterable[Draft]) -> str:
    """The beginning of the first message that the user typed, for a title."""
    return next(("".join(d.texts)[:60] for d in drafts if d.role == "user"), "")


def as_agent_branch(
    source: str, session: str, family: Iterable[Conversation]
) -> tuple[Conversation, ...]:
    """An agent's session as a branch of the session that started the agent; they share nothing.

    The latter may be in another file, or not exist any more: the branch then stands alone.

    Args:
        source: The program.
        session: The program's key for the session that started the agent.
        family: The agent's session with its own branches.
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
    """The calls of a conversation by their ids, to be given their results."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[Draft, int]] = {}

    def add(self, draft: Draft, call: Call) -> None:
        """Add a call to the reply that asks for it."""
        if call.id:
            self._places[call.id] = (draft, len(draft.calls))
        draft.calls.append(call)

    def asker(self, call_id: str) -> Draft | None:
        """The reply that asked for a call."""
        return self._places[call_id][0] if call_id in self._places else None

    def answer(self, given: Call, *, keep: bool = False) -> bool:
        """Give a call its result; False if no call has this id.

        Args:
            given: The id, the result, whether it failed, and when it ended.
            keep: A result that the call already has stays.
        """
        if given.id not in self._places:
            return False
        draft, place = self._places[given.id]
        call = draft.calls[place]
        if call.result is None or not keep:
            draft.calls[place] = call._replace(
                result=given.result, failed=given.failed, ended_at=given.ended_at
            )
        return True
