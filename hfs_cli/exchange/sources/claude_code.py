"""The sessions of Claude Code: ``~/.claude/projects/FOLDER/SESSION.jsonl``.

Lines are appended as things happen, and name the line before them (``parentUuid``). A reply has a
line for each of its blocks, which share ``message.id``; the results of its calls are lines of the
user, and what was typed while it worked is an ``attachment``. Two lines have the same parent where
the user went back and asked again. The lines of an agent that a reply started are marked
``isSidechain``; they are in the session's own file, or in ``SESSION/subagents/agent-ID.jsonl``,
where they name the session. As Claude Code 2.1.197 writes it (npm ``@anthropic-ai/claude-code``,
run and read 2026-11-29).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from hfs_cli.conversations import Conversation
from hfs_cli.errors import UsageError
from hfs_cli.exchange.json_values import Fields
from hfs_cli.exchange.sources.drafts import (
    DETAIL,
    NO_CALL,
    NO_DATA,
    OTHER_LINE,
    OTHER_PART,
    SEALED,
    Calls,
    Draft,
    as_agent_branch,
    leave_out,
    messages_of,
)
from hfs_cli.exchange.sources.foreign import Metadata, from_tree
from hfs_cli.messages import Call, Usage

SOURCE = "claude-code"
_TWICE = "line that is there twice"
# How texts begin that the program says in the user's name.
_NOT_TYPED = ("<local-command-", "[Request interrupted by user")
# Suffixes of the kinds of attachments in which each session describes the program itself.
_LISTINGS = ("_listing", "_delta", "_reminder")
_PLACE = ("cwd", "gitBranch", "version")
_ATTACHED = "attachment of the program's own"


def fits(first: Mapping[str, object]) -> bool:
    """Whether the first line of a file is one of a session."""
    kind = first.get("type")
    if not isinstance(kind, str):
        return False
    if kind in {"user", "assistant", "system"}:
        return {"uuid", "parentUuid", "sessionId"} <= first.keys()
    if kind == "summary":
        return "leafUuid" in first
    if kind == "file-history-snapshot":
        return "snapshot" in first
    return "sessionId" in first


class Session:
    """The session of a file, as far as it was read."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        self._key = ""
        self._titles: dict[str, str] = {}
        self._drafts: dict[str, Draft] = {}
        self._agents: dict[str, str] = {}  # from the key of an agent's message to the agent's id
        self._calls = Calls()
        # From a line's uuid to that of the line before, and to the key of its message.
        self._before: dict[str, str | None] = {}
        self._message: dict[str, str] = {}
        # The directory, branch and version that a message has named last.
        self._place: dict[str, object] = {}

    def take(self, line: Fields) -> None:
        """Read the next line."""
        kind = line.maybe_text("type")
        self._key = self._key or line.maybe_text("sessionId") or ""
        uuid = line.maybe_text("uuid")
        if uuid is not None:
            if uuid in self._before:
                self.left_out[_TWICE] += 1
                return
            before = line.maybe_text("parentUuid") or line.maybe_text("logicalParentUuid")
            self._before[uuid] = before
        if kind in {"user", "assistant"} and uuid is not None:
            message = line.fields("message")
            if kind == "user":
                self._user(line, uuid, message)
            else:
                self._assistant(line, uuid, message)
        elif kind in {"summary", "custom-title", "ai-title"}:
            self._title(kind, line)
        elif kind == "attachment" and uuid is not None:
            self._attached(line, uuid, line.fields("attachment"))
        else:
            part = line.maybe_text("subtype") if kind == "system" else None
            leave_out(self.left_out, OTHER_LINE, part or kind)

    def _attached(self, line: Fields, uuid: str, attachment: Fields) -> None:
        """A prompt typed while a reply was given, or what the program added to a message."""
        kind = attachment.maybe_text("type") or ""
        if kind == "queued_command":
            draft = Draft("user", uuid, self._before[uuid], line.maybe_moment("timestamp"))
            for value in _blocks(attachment, "prompt"):
                self._block_of_user(draft, Fields(value, attachment.where), line)
            if any(draft.texts) or draft.attachments:
                if attachment.maybe_text("commandMode") not in {None, "prompt"}:
                    draft.role = "system"
                self._draft(line, uuid, uuid, draft)
            return
        before = self._message_before("", self._before[uuid])
        if kind.endswith(_LISTINGS) or before is None:
            leave_out(self.left_out, _ATTACHED, kind)
            return
        draft = self._drafts[before]
        extra = dict(draft.extra or {})
        there = extra.get("attachments")
        more = [*(there if isinstance(there, list) else ()), attachment.raw]
        draft.extra = {**extra, "attachments": more}

    def _title(self, kind: str, line: Fields) -> None:
        name = {"summary": "summary", "custom-title": "customTitle", "ai-title": "aiTitle"}[kind]
        title = line.maybe_text(name) or ""
        # A file may begin with the summaries of other sessions.
        if kind != "summary" or (line.maybe_text("leafUuid") or "") in self._before:
            self._titles[kind] = title
        else:
            self._titles.setdefault("other", title)

    def _draft(self, line: Fields, uuid: str, key: str, draft: Draft) -> Draft:
        self._message[uuid] = key
        if key in self._drafts:
            return self._drafts[key]
        place = {str(n): line.raw[n] for n in _PLACE if n in line.raw}
        if draft.role != "assistant" and place != self._place:
            draft.extra = self._place = place
        if line.raw.get("isSidechain") is True:
            self._agents[key] = line.maybe_text("agentId") or ""
            draft.extra = {**(draft.extra or {}), "agent": self._agents[key]}
        self._drafts[key] = draft
        return draft

    def _user(self, line: Fields, uuid: str, message: Fields) -> None:
        draft = Draft("user", uuid, self._before[uuid], line.maybe_moment("timestamp"))
        for value in _blocks(message, "content"):
            self._block_of_user(draft, Fields(value, message.where), line)
        if not any(draft.texts) and not draft.attachments:
            return
        flags = line.raw
        given = flags.get("isMeta") is True or flags.get("isCompactSummary") is True
        if given or "".join(draft.texts).startswith(_NOT_TYPED):
            draft.role = "system"
        self._draft(line, uuid, uuid, draft)

    def _block_of_user(self, draft: Draft, block: Fields, line: Fields) -> None:
        kind = block.maybe_text("type")
        if kind == "tool_result":
            self._result(block, line)
        elif kind == "text":
            draft.texts.append(block.maybe_text("text") or "")
        elif kind in {"image", "document"}:
            _file(draft, block, self.left_out)
        else:
            leave_out(self.left_out, OTHER_PART, kind)

    def _assistant(self, line: Fields, uuid: str, message: Fields) -> None:
        key = message.maybe_text("id") or uuid
        new = Draft("assistant", key, self._before[uuid], line.maybe_moment("timestamp"))
        draft = self._draft(line, uuid, key, new)
        model = message.maybe_text("model")
        draft.model = None if model == "<synthetic>" else model
        if (usage := message.maybe_fields("usage")) is not None:
            draft.usage = _usage(usage)
        draft.finish_raw = message.maybe_text("stop_reason") or draft.finish_raw
        for value in _blocks(message, "content"):
            self._block(draft, Fields(value, message.where), line)

    def _block(self, draft: Draft, block: Fields, line: Fields) -> None:
        kind = block.maybe_text("type") or ""
        if kind == "text":
            draft.texts.append(block.maybe_text("text") or "")
        elif kind == "thinking":
            draft.thoughts.append(block.maybe_text("thinking") or "")
            self.left_out[SEALED] += not draft.thoughts[-1]
        elif kind == "redacted_thinking":
            self.left_out[SEALED] += 1
        elif kind.endswith("tool_use"):
            call = Call(
                block.maybe_text("id") or "",
                block.text("name"),
                json.dumps(block.raw.get("input")),
                started_at=line.maybe_moment("timestamp"),
            )
            self._calls.add(draft, call)
        elif kind.endswith("tool_result"):
            self._result(block, line)
        else:
            leave_out(self.left_out, OTHER_PART, kind)

    def _result(self, block: Fields, line: Fields) -> None:
        texts = []
        if not block.is_array("content"):
            content = block.raw.get("content")
            is_text = content is None or isinstance(content, str)
            texts.append((block.maybe_text("content") or "") if is_text else json.dumps(content))
        for value in block.items("content") if block.is_array("content") else ():
            part = Fields(value, block.where)
            if part.maybe_text("type") == "text":
                texts.append(part.maybe_text("text") or "")
            elif part.maybe_text("type") in {"image", "document"}:
                asker = self._calls.asker(block.maybe_text("tool_use_id") or "")
                if asker is None:
                    self.left_out[NO_DATA] += 1
                else:
                    _file(asker, part, self.left_out)
            else:
                texts.append(json.dumps(value))
        given = Call(
            block.maybe_text("tool_use_id") or "",
            "",
            result="\n\n".join(texts),
            failed=block.raw.get("is_error") is True,
            ended_at=line.maybe_moment("timestamp"),
        )
        self.left_out[NO_CALL] += not self._calls.answer(given)
        self.left_out[DETAIL] += isinstance(line.raw.get("toolUseResult"), dict)

    def conversations(self, where: str) -> tuple[Conversation, ...]:
        """The session and those of its agents; from an agent's own file the latter alone.

        Raises:
            UsageError: No line names the session.
        """
        if self._drafts and not self._key:
            raise UsageError(f"{where}: no line names the session (sessionId)")
        for key, draft in self._drafts.items():
            draft.after = self._message_before(key, draft.after)
        titles = (self._titles.get(k) for k in ("custom-title", "ai-title", "summary", "other"))
        main = [draft for key, draft in self._drafts.items() if key not in self._agents]
        title = next((t for t in titles if t), "") or _first_typed(main)
        about = Metadata(SOURCE, self._key, title, None, self.left_out)
        family = [*from_tree(about, messages_of(main), None)]
        apart: dict[str, list[Draft]] = {}
        roots: dict[str, str] = {}
        for key, name in self._agents.items():
            before = self._drafts[key].after
            roots[key] = name or roots.get(before or "", key)
            apart.setdefault(roots[key], []).append(self._drafts[key])
        for name, drafts in apart.items():
            left_out = Counter() if family else self.left_out
            about = Metadata(SOURCE, f"{self._key}:{name}", _first_typed(drafts), None, left_out)
            family += as_agent_branch(
                SOURCE, self._key, from_tree(about, messages_of(drafts), None)
            )
        return tuple(family)

    def _message_before(self, key: str, line: str | None) -> str | None:
        """The nearest message, other than `key`, that a line belongs to or follows."""
        seen = set()
        while line is not None and line not in seen:
            seen.add(line)
            if (found := self._message.get(line)) is not None and found != key:
                return found
            line = self._before.get(line)
        return None


def _blocks(message: Fields, name: str) -> Sequence[object]:
    """The blocks of a message; a bare text is one block."""
    if message.is_array(name):
        return message.items(name)
    return [{"type": "text", "text": message.maybe_text(name) or ""}]


def _first_typed(drafts: list[Draft]) -> str:
    texts = ("".join(d.texts) for d in drafts if d.role == "user")
    return next((text for text in texts if text and not text.startswith("<")), "")[:60]


def _file(draft: Draft, block: Fields, left_out: Counter[str]) -> None:
    source = block.maybe_fields("source")
    if source is None or source.maybe_text("type") != "base64":
        left_out[NO_DATA] += 1
        return
    media_type = source.maybe_text("media_type") or "application/octet-stream"
    draft.add_file(media_type, source.maybe_text("data") or "", left_out)


def _usage(usage: Fields) -> Usage:
    counts = [
        usage.maybe_count(name) or 0
        for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    ]
    return Usage(sum(counts), usage.maybe_count("output_tokens"), counts[2])
