"""The data export of ChatGPT: its ZIP, a ``conversations.json`` or a part of one, or one alone.

An array of conversations; since 2026 it may be divided (``conversations-000.json``, …). Each
holds a ``mapping`` of nodes that name their parents. They are a tree, because an edited question
and a regenerated reply are kept beside the original. ``current_node`` is the message that the
conversation has reached. OpenAI does not document it; this is what exports of 2023 to 2026 hold,
and what other readers of them expect (looked up 2026-11-29).

A node is not always a message of ours. The output of a tool joins the call that asked for it, and
a model's thoughts join the reply that follows, unless the tree branches in between. The rest of
what a node holds is kept as the message's `extra`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

from hfs_cli.conversations import Conversation, Incoming
from hfs_cli.errors import UsageError
from hfs_cli.exchange.json_values import Fields
from hfs_cli.exchange.sources.drafts import Draft
from hfs_cli.exchange.sources.foreign import (
    A_FILE,
    NO_FILE,
    ForeignMessage,
    Metadata,
    from_tree,
    unread,
)
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
    document: Iterable[object], where: str, files: Zipped | None
) -> Iterator[Incoming]:
    """The conversations of an export.

    Args:
        document: The array.
        where: How errors name the file.
        files: The ZIP that the file was in, or None.
    """
    read = partial(_read, files=files)
    return unread("chatgpt", document, where, ("conversation_id", "id"), read)


def _read(value: object, where: str, *, files: Zipped | None) -> tuple[Conversation, ...]:
    fields = Fields(value, where)
    key = fields.maybe_text("conversation_id") or fields.maybe_text("id")
    if key is None:
        raise UsageError(f"{where}: neither conversation_id nor id is there")
    started = from_seconds(fields.maybe_number("create_time"))
    metadata = Metadata("chatgpt", key, fields.maybe_text("title") or "", started)
    tree = _Tree(fields.fields("mapping"), files, metadata.left_out)
    current = tree.drafts.get(fields.maybe_text("current_node") or "")
    messages = tree.messages()
    rest = fields.rest({"mapping", "title"})
    if messages:
        first = messages[0]
        messages[0] = replace(first, extra={"conversation": rest, **(first.extra or {})})
    return from_tree(metadata, messages, None if current is None else current.key)


@dataclass(slots=True)
class _Draft(Draft):
    """A message as far as its nodes have been read."""

    nodes: list[Mapping[str, object]] = field(default_factory=list)

    def takes_thoughts(self) -> bool:
        """Whether it has only thoughts yet, so that a node that follows may be the reply."""
        return self.role == "assistant" and not any(self.texts) and not self.calls

    def takes_calls(self) -> bool:
        """Whether a further call may belong to the same request for tools."""
        waiting = all(call.result is None for call in self.calls)
        return self.role == "assistant" and not any(self.texts) and waiting

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
        files: The ZIP that the conversation was in, or None.
        left_out: Counts what is not imported.
    """

    def __init__(self, nodes: Fields, files: Zipped | None, left_out: Counter[str]) -> None:
        self._nodes = nodes
        self._files = files
        self._left_out = left_out
        self._parents: dict[str, str | None] = {}
        for name in nodes.raw:
            node = nodes.maybe_fields(name)
            self._parents[name] = None if node is None else node.maybe_text("parent")
        self._children = Counter(self._parents.values())
        # The message that a node, or else its nearest ancestor, has become a part of.
        self.drafts: dict[str, _Draft | None] = {}
        # Nodes that joined a message although something else follows it, too.
        self._aside: set[str] = set()
        for name in self._downwards():
            self.drafts[name] = self._draft(name)
            parent = self._parents[name] or ""
            if self.drafts[name] is self.drafts.get(parent) and not self._is_alone(name):
                self._aside.add(name)

    def messages(self) -> list[ForeignMessage]:
        """The messages, in the order of the file."""
        found = {draft.key: draft for draft in self.drafts.values() if draft is not None}
        for draft in found.values():
            draft.extra = {"nodes": draft.nodes}
        return [draft.message(partial=draft.unfinished) for draft in found.values()]

    def _downwards(self) -> Iterator[str]:
        """Each node after its parent; of nodes in a circle any one may come first."""
        done: set[str] = set()
        for name in self._parents:
            path: dict[str, None] = {}
            above: str | None = name
            while above in self._parents and above not in done and above not in path:
                path[above] = None
                above = self._parents[above]
            done |= path.keys()
            yield from reversed(path)

    def _is_alone(self, name: str) -> bool:
        """Whether nothing but this node follows the message that it follows."""
        parent = self._parents[name]
        return self._children[parent] == 1 and parent not in self._aside

    def _draft(self, name: str) -> _Draft | None:
        parent = self._parents[name]
        before = self.drafts.get(parent or "")
        entry = self._nodes.maybe_fields(name)
        message = entry and entry.maybe_fields("message")
        if message is None:
            return before
        node = self._content(message)
        if node.kind in _CONTEXT | {"text", "multimodal_text", "code"} and not (
            node.text.strip() or node.attachments or node.role == "tool"
        ):
            self._left_out[_EMPTY] += 1
            return before
        moment = from_seconds(message.maybe_number("create_time"))
        # A message that other nodes follow, too, must not change.
        alone = before if self._is_alone(name) else None
        if node.role == "tool" and alone is not None and alone.calls:
            draft = alone
            draft.take_result(node.text, moment, failed=node.kind == "system_error")
        elif node.role == "assistant" and node.recipient != "all":
            draft = alone if alone and alone.takes_calls() else _after(before, name, "assistant")
            key = message.maybe_text("id") or name
            draft.calls.append(Call(key, node.recipient, node.text, started_at=moment))
        elif node.role == "assistant" and node.kind not in _CONTEXT:
            draft = alone if alone and alone.takes_thoughts() else _after(before, name, "assistant")
            if node.kind not in _THOUGHTS:
                draft.texts.append(node.text)
                draft.created_at = moment
            elif node.kind == "thoughts":
                draft.thoughts.append(node.text)
        else:
            draft = _after(before, name, _role(node))
            draft.texts.append(node.text)
        draft.created_at = draft.created_at or moment
        draft.attachments += node.attachments
        self._note(draft, message, node)
        return draft

    def _note(self, draft: _Draft, message: Fields, node: _Node) -> None:
        """Record what else a node holds."""
        about = message.maybe_fields("metadata")
        if node.role == "assistant":
            if about is not None:
                draft.model = about.maybe_text("model_slug") or draft.model
                finish = about.maybe_fields("finish_details")
                draft.finish_raw = (finish and finish.maybe_text("type")) or draft.finish_raw
            status = message.maybe_text("status")
            draft.unfinished = status not in {None, "finished_successfully"}
        rest = message.rest(_PLACED)
        content = message.maybe_fields("content")
        if content is not None and not _is_plain(content):
            rest["content"] = content.raw
        draft.nodes.append(rest)

    def _content(self, message: Fields) -> _Node:
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
            # A picture is listed here as well.
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
    return _Draft(role, name, None if before is None else before.key)


def _role(node: _Node) -> Role:
    if node.kind in _CONTEXT or node.role in {"system", "developer"}:
        return "system"
    return "user" if node.role == "user" else "tool"


def _parts(content: Fields, kind: str) -> Iterator[str | Fields]:
    """The parts of a node's content, in order: texts, and objects that may name files."""
    for value in content.items("thoughts") if kind == "thoughts" else ():
        thought = Fields(value, content.where)
        yield from (thought.maybe_text(name) or "" for name in ("summary", "content"))
    if not content.is_array("parts"):
        named = content.raw
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
    """The files that a part names; a spoken part may name sound and pictures."""
    values: list[object] = [part.raw]
    for value in part.raw.values():
        values += value if isinstance(value, list) else [value]
    for value in values:
        pointer = value.get("asset_pointer") if isinstance(value, dict) else None
        if isinstance(pointer, str):
            yield pointer


def _is_plain(content: Fields) -> bool:
    """Whether the content is nothing but its text."""
    parts = content.raw.get("parts", [])
    return (
        content.raw.keys() <= {"content_type", "parts", "text"}
        and isinstance(parts, list)
        and all(isinstance(part, str) for part in parts)
    )
