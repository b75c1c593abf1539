"""The data export of ChatGPT: its ZIP, a ``conversations.json`` or a part of one, or one alone.

An array of conversations; since 2026 it may be divided (``conversations-000.json``, …). Each
holds a ``mapping`` of nodes that name their parents: a tree, for a question that was changed and
a reply that was given anew are kept beside the first. ``current_node`` is where the conversation
stood. OpenAI does not document it; this is what exports of 2023 to 2026 hold, and what other
readers of them expect (looked up 2026-11-29).

A node is not always a message of ours. What a tool returned goes with the call that asked for it,
and what a model thought with the reply that follows, where nothing parts in between. What else a
node says of itself is kept as the message's `extra`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

from hfs_cli.conversations import Conversation, Incoming
from hfs_cli.errors import UsageError
from hfs_cli.exchange.json_values import Fields
from hfs_cli.exchange.sources.foreign import A_FILE, NO_FILE, About, Said, parted, unread
from hfs_cli.exchange.zipped import Zipped
from hfs_cli.messages import Attachment, Call, Role
from hfs_cli.moments import from_seconds

_EMPTY = "message without anything in it"
# The fields that may hold the text of a node without ``parts``.
_TEXTS = ("title", "url", "name", "text", "result", "content", "user_profile", "user_instructions")
_CONTEXT = {"user_editable_context", "model_editable_context"}
_THOUGHTS = {"thoughts", "reasoning_recap"}
# Fields of a node that have fields of their own in a message, or say nothing.
_PLACED = {"content", "create_time", "recipient"}


def fits(first: object) -> bool:
    """Whether the first element of an array is such a conversation."""
    return isinstance(first, dict) and "mapping" in first


def conversations(
    document: Iterable[object], where: str, files: Zipped | None = None
) -> Iterator[Incoming]:
    """All of them; `files` is what came with the document."""
    read = partial(_read, files=files)
    return unread("chatgpt", document, where, ("conversation_id", "id"), read)


def _read(value: object, where: str, *, files: Zipped | None) -> tuple[Conversation, ...]:
    fields = Fields(value, where)
    key = fields.maybe_text("conversation_id") or fields.maybe_text("id")
    if key is None:
        raise UsageError(f"{where}: neither conversation_id nor id is there")
    started = from_seconds(fields.maybe_number("create_time"))
    about = About("chatgpt", key, fields.maybe_text("title") or "", started)
    tree = _Tree(fields.fields("mapping"), files, about.left_out)
    current = tree.drafts.get(fields.maybe_text("current_node") or "")
    said = tree.said()
    rest = {n: v for n, v in fields.whole().items() if n not in {"mapping", "title"} and v}
    if said:
        said[0] = replace(said[0], extra={"conversation": rest, **(said[0].extra or {})})
    return parted(about, said, None if current is None else current.key)


class _Draft:
    """A message as far as its nodes have been read."""

    def __init__(self, key: str, after: str | None, role: Role) -> None:
        self.key = key
        self.after = after
        self.role: Role = role
        self.text = self.reasoning = ""
        self.created_at: datetime | None = None
        self.model: str | None = None
        self.finish_raw: str | None = None
        self.is_whole = True
        self.calls: list[Call] = []
        self.attachments: list[Attachment] = []
        self.nodes: list[Mapping[str, object]] = []

    def takes_thoughts(self) -> bool:
        """Whether it is only thought yet: what follows may be the reply."""
        return self.role == "assistant" and not self.text and not self.calls

    def takes_calls(self) -> bool:
        """Whether another call may have been asked for with those that it has."""
        waiting = all(call.result is None for call in self.calls)
        return self.role == "assistant" and not self.text and waiting

    def take_result(self, text: str, moment: datetime | None, *, failed: bool) -> None:
        """Give a result to the first call without one, or else append it to the last one's."""
        place = next((n for n, c in enumerate(self.calls) if c.result is None), -1)
        call = self.calls[place]
        result = text if call.result is None else "\n\n".join(t for t in (call.result, text) if t)
        self.calls[place] = call._replace(
            result=result,
            failed=call.failed or failed,
            started_at=call.started_at or self.created_at,
            ended_at=moment or call.ended_at,
        )

    def said(self) -> Said:
        return Said(
            self.role,
            self.text,
            self.created_at,
            model=self.model,
            reasoning=self.reasoning,
            attachments=tuple(self.attachments),
            calls=tuple(self.calls),
            extra={"nodes": self.nodes},
            key=self.key,
            after=self.after,
            status="complete" if self.is_whole else "partial",
            finish_raw=self.finish_raw,
        )


class _Node(NamedTuple):
    """The content of one node.

    Args:
        kind: The vendor's word for it.
        recipient: The tool that it is for, or ``all`` if it is for the user.
    """

    role: str
    kind: str
    recipient: str
    text: str
    attachments: list[Attachment]


class _Tree:
    """The nodes of a conversation, as messages.

    Args:
        nodes: The mapping.
        files: What came with the conversation.
        left_out: Counts what does not come in.
    """

    def __init__(self, nodes: Fields, files: Zipped | None, left_out: Counter[str]) -> None:
        self._nodes = nodes
        self._files = files
        self._left_out = left_out
        self._parents: dict[str, str | None] = {}
        for name in nodes.whole():
            node = nodes.maybe_fields(name)
            self._parents[name] = None if node is None else node.maybe_text("parent")
        self._children = Counter(self._parents.values())
        # The message that each node went into, or that the nearest above it did.
        self.drafts: dict[str, _Draft | None] = {}
        # Those with nothing of their own that lie aside of what follows their message, too.
        self._aside: set[str] = set()
        for name in self._downwards():
            self.drafts[name] = self._draft(name)
            parent = self._parents[name] or ""
            if self.drafts[name] is self.drafts.get(parent) and not self._is_alone(name):
                self._aside.add(name)

    def said(self) -> list[Said]:
        """The messages, in the order of the file."""
        found = {draft.key: draft for draft in self.drafts.values() if draft is not None}
        return [draft.said() for draft in found.values()]

    def _downwards(self) -> Iterator[str]:
        """Each node after its parent; where they go in a circle, one of them is the first."""
        done: set[str] = set()
        for name in self._parents:
            way: dict[str, None] = {}
            above: str | None = name
            while above in self._parents and above not in done and above not in way:
                way[above] = None
                above = self._parents[above]
            done |= way.keys()
            yield from reversed(way)

    def _is_alone(self, name: str) -> bool:
        """Whether nothing but this node follows the message that it follows."""
        parent = self._parents[name]
        return self._children[parent] == 1 and parent not in self._aside

    def _draft(self, name: str) -> _Draft | None:
        parent = self._parents[name]
        before = self.drafts.get(parent or "")
        node = self._nodes.maybe_fields(name)
        message = node and node.maybe_fields("message")
        if message is None:
            return before
        said = self._heard(message)
        if said.kind in _CONTEXT | {"text", "multimodal_text", "code"} and not (
            said.text.strip() or said.attachments or said.role == "tool"
        ):
            self._left_out[_EMPTY] += 1
            return before
        moment = from_seconds(message.maybe_number("create_time"))
        # What others follow, too, stays as it is.
        alone = before if self._is_alone(name) else None
        if said.role == "tool" and alone is not None and alone.calls:
            draft = alone
            draft.take_result(said.text, moment, failed=said.kind == "system_error")
        elif said.role == "assistant" and said.recipient != "all":
            draft = alone if alone and alone.takes_calls() else _after(before, name, "assistant")
            key = message.maybe_text("id") or name
            draft.calls.append(Call(key, said.recipient, said.text, started_at=moment))
        elif said.role == "assistant" and said.kind not in _CONTEXT:
            draft = alone if alone and alone.takes_thoughts() else _after(before, name, "assistant")
            if said.kind not in _THOUGHTS:
                draft.text = said.text
                draft.created_at = moment
            elif said.kind == "thoughts":
                draft.reasoning = "\n\n".join(t for t in (draft.reasoning, said.text) if t)
        else:
            draft = _after(before, name, _role(said))
            draft.text = said.text
        draft.created_at = draft.created_at or moment
        draft.attachments += said.attachments
        self._note(draft, message, said)
        return draft

    def _note(self, draft: _Draft, message: Fields, said: _Node) -> None:
        """What a node says of itself."""
        about = message.maybe_fields("metadata")
        if said.role == "assistant":
            if about is not None:
                draft.model = about.maybe_text("model_slug") or draft.model
                finish = about.maybe_fields("finish_details")
                draft.finish_raw = (finish and finish.maybe_text("type")) or draft.finish_raw
            draft.is_whole = message.maybe_text("status") in {None, "finished_successfully"}
        rest = {n: v for n, v in message.whole().items() if n not in _PLACED and v}
        content = message.maybe_fields("content")
        if content is not None and not _is_plain(content):
            rest["content"] = content.whole()
        draft.nodes.append(rest)

    def _heard(self, message: Fields) -> _Node:
        content = message.maybe_fields("content") or Fields({}, message.where)
        kind = content.maybe_text("content_type") or "text"
        texts: list[str] = []
        attachments: list[Attachment] = []
        pointers: list[str] = []

        def carry(key: str, name: str = "", media_type: str = "") -> None:
            found = self._files.file(key, name, media_type) if self._files and key else None
            if found is not None:
                attachments.append(found)
            else:
                texts.append(f"[{name}]" if name else A_FILE)
                self._left_out[NO_FILE] += 1

        for part in _parts(content, kind):
            if isinstance(part, str):
                texts.append(part)
            else:
                for pointer in _pointers(part):
                    pointers.append(pointer)
                    carry(pointer)
        about = message.maybe_fields("metadata")
        for value in about.items("attachments") if about else ():
            named = Fields(value, f"{message.where}, an attachment")
            key = named.maybe_text("id") or ""
            # A picture is in both places.
            if not (key and any(key in pointer for pointer in pointers)):
                name = named.maybe_text("name") or ""
                carry(key, name, named.maybe_text("mime_type") or "")
        return _Node(
            role=message.fields("author").text("role"),
            kind=kind,
            recipient=message.maybe_text("recipient") or "all",
            text="\n\n".join(text for text in texts if text),
            attachments=attachments,
        )


def _after(before: _Draft | None, name: str, role: Role) -> _Draft:
    return _Draft(name, None if before is None else before.key, role)


def _role(said: _Node) -> Role:
    if said.kind in _CONTEXT or said.role in {"system", "developer"}:
        return "system"
    return "user" if said.role == "user" else "tool"


def _parts(content: Fields, kind: str) -> Iterator[str | Fields]:
    """Text and whatever else there is, in order."""
    for value in content.items("thoughts") if kind == "thoughts" else ():
        thought = Fields(value, content.where)
        yield from (thought.maybe_text(name) or "" for name in ("summary", "content"))
    if not content.is_array("parts"):
        named = content.whole()
        yield from (content.text(name) for name in _TEXTS if isinstance(named.get(name), str))
        yield from (Fields(v, content.where) for v in named.values() if isinstance(v, dict))
        return
    for value in content.items("parts"):
        if isinstance(value, dict):
            part = Fields(value, content.where)
            if isinstance(value.get("text"), str):
                yield part.text("text")
            yield part
        elif isinstance(value, str):
            yield Fields({"a part": value}, content.where).text("a part")
        elif value is not None:
            yield json.dumps(value)


def _pointers(part: Fields) -> Iterator[str]:
    """The files that a part is, or shows: sound and pictures of one moment may be several."""
    values: list[object] = [part.whole()]
    for value in part.whole().values():
        values += value if isinstance(value, list) else [value]
    for value in values:
        pointer = value.get("asset_pointer") if isinstance(value, dict) else None
        if isinstance(pointer, str):
            yield pointer


def _is_plain(content: Fields) -> bool:
    """Whether its text is all that it is."""
    parts = content.whole().get("parts", [])
    return (
        content.names() <= {"content_type", "parts", "text"}
        and isinstance(parts, list)
        and all(isinstance(part, str) for part in parts)
    )
