"""The sessions of Codex: ``~/.codex/sessions/YEAR/MONTH/DAY/rollout-TIME-SESSION.jsonl``.

Each line has a time, a kind and a payload. A ``response_item`` went to the model or came from it;
an ``event_msg`` repeats it for the screen, and is read only for names, token counts and turns that
were rolled back, which become a branch. ``compacted`` is the summary that the model continues
with. Until the summer of 2025 each line was a bare item. An agent's session names the session that
started the agent (``parent_thread_id``). As Codex 0.171.0 writes it (npm ``@openai/codex``, run
2026-11-29) and codex-rs (``protocol`` and ``history``) of openai/codex reads it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from hfs_cli.conversations import Conversation
from hfs_cli.errors import UsageError
from hfs_cli.exchange.json_values import Fields, text_or_json
from hfs_cli.exchange.sources.drafts import (
    NO_CALL,
    NO_DATA,
    OTHER_LINE,
    OTHER_PART,
    SEALED,
    Calls,
    Draft,
    as_agent_branch,
    first_question,
    leave_out,
    messages_of,
)
from hfs_cli.exchange.sources.foreign import Metadata, from_tree
from hfs_cli.messages import Call, Role, Usage

SOURCE = "codex"
_KINDS = {"session_meta", "response_item", "event_msg", "turn_context", "compacted"}
_EVENT = "event that tells the screen what else is there"
# How texts begin that Codex itself gives the model in the user's name, if it does not mark them.
_NOT_TYPED = (
    *("<environment_context>", "<user_instructions>", "# AGENTS.md instructions"),
    *("<turn_aborted>", "<permissions instructions>", "<skill>", "<INSTRUCTIONS>"),
)


def fits(first: Mapping[str, object]) -> bool:
    """Whether the first line of a file is one of a session."""
    if "payload" in first:
        kind = first.get("type")
        return isinstance(kind, str) and kind in _KINDS and isinstance(first["payload"], dict)
    return "type" not in first and {"id", "timestamp", "instructions"} <= first.keys()


class Session:
    """The session of a file, as far as it was read."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        self._key = ""
        self._title = ""
        self._parent: str | None = None
        self._started: datetime | None = None
        self._drafts: dict[str, Draft] = {}
        self._last: str | None = None
        self._calls = Calls()
        self._model: str | None = None
        # The working directory, and the one that a message has named last.
        self._folder: str | None = None
        self._shown: str | None = None
        # The reply that the next item belongs to; None after a question or a result.
        self._reply: Draft | None = None
        self._has_counts = False

    def take(self, line: Fields) -> None:
        """Read the next line."""
        moment = line.maybe_moment("timestamp")
        if "payload" not in line.raw:  # the earlier format
            if line.maybe_text("type") is not None:
                self._item(line, moment)
            elif "id" in line.raw:
                self._begin(line, moment)
            else:
                leave_out(self.left_out, OTHER_LINE, line.maybe_text("record_type"))
            return
        kind, payload = line.maybe_text("type"), line.fields("payload")
        if kind == "session_meta":
            self._begin(payload, moment)
        elif kind == "response_item":
            self._item(payload, moment)
        elif kind == "turn_context":
            self._model = payload.maybe_text("model") or self._model
            self._folder = payload.maybe_text("cwd") or self._folder
        elif kind == "event_msg":
            self._event(payload)
        elif kind == "compacted" and payload.maybe_text("message"):
            self._add("system", moment).texts.append(payload.text("message"))
            self._reply = None
        elif kind == "token_usage_record":
            self._used(payload.maybe_fields("usage"))
        else:
            leave_out(self.left_out, OTHER_LINE, kind)

    def _begin(self, meta: Fields, moment: datetime | None) -> None:
        """Read the head; the copy of a session has its own head first, and then the original's."""
        if not self._key:
            self._key = meta.maybe_text("id") or ""
            self._parent = meta.maybe_text("parent_thread_id")
            self._started = meta.maybe_moment("timestamp") or moment
            self._folder = meta.maybe_text("cwd")
        else:
            leave_out(self.left_out, OTHER_LINE, "session_meta")

    def _event(self, event: Fields) -> None:
        kind = event.maybe_text("type")
        if kind == "token_count":
            info = event.maybe_fields("info")
            self._used(info and info.maybe_fields("last_token_usage"))
        elif kind == "thread_rolled_back":
            self._roll_back(event.maybe_count("num_turns") or 0)
        elif kind == "thread_name_updated":
            self._title = event.maybe_text("thread_name") or self._title
        else:
            leave_out(self.left_out, _EVENT, kind)

    def _used(self, usage: Fields | None) -> None:
        """Token counts of the last reply; they come when it is complete, and come repeatedly."""
        self._has_counts = self._has_counts or usage is not None
        replies = (draft for draft in reversed(self._drafts.values()) if draft.role == "assistant")
        if usage and (reply := next(replies, None)) and reply.usage is None:
            reply.usage = Usage(
                usage.maybe_count("input_tokens"),
                usage.maybe_count("output_tokens"),
                usage.maybe_count("cached_input_tokens"),
                usage.maybe_count("reasoning_output_tokens"),
            )

    def _roll_back(self, turns: int) -> None:
        """Go back over a number of turns, which are kept as a branch."""
        while turns and self._last is not None:
            draft = self._drafts[self._last]
            turns -= draft.role == "user"
            self._last = draft.after
        self._reply = None

    def _add(self, role: Role, moment: datetime | None) -> Draft:
        draft = Draft(role, str(len(self._drafts) + 1), self._last, moment)
        self._drafts[draft.key] = draft
        self._last = draft.key
        return draft

    def _answering(self, moment: datetime | None) -> Draft:
        if self._reply is None:
            self._reply = self._add("assistant", moment)
            self._reply.model = self._model
        return self._reply

    def _item(self, item: Fields, moment: datetime | None) -> None:
        kind = item.maybe_text("type") or ""
        if kind in {"message", "agent_message"}:
            self._message(item, moment)
        elif kind == "reasoning":
            self._think(item, moment)
        elif kind.endswith("_output"):
            self._result(item, moment)
        elif kind.endswith("_call"):
            self._ask(item, kind, moment)
        else:
            leave_out(self.left_out, OTHER_LINE, kind)

    def _ask(self, item: Fields, kind: str, moment: datetime | None) -> None:
        draft = self._answering(moment)
        given = ("arguments", "input", "action", "revised_prompt")
        found = next((name for name in given if name in item.raw), "")
        call = Call(
            item.maybe_text("call_id") or item.maybe_text("id") or "",
            item.maybe_text("name") or kind.removesuffix("_call"),
            text_or_json(item.raw.get(found)),
            started_at=moment,
        )
        if kind in {"web_search_call", "image_generation_call"}:
            # The vendor ran it, and its result is not recorded.
            done = item.maybe_text("status") in {"completed", "failed"}
            call = call._replace(result="" if done else None)
            if kind == "image_generation_call":
                draft.add_file("image/png", item.maybe_text("result") or "", self.left_out)
        self._calls.add(draft, call)

    def _message(self, item: Fields, moment: datetime | None) -> None:
        spoken = item.maybe_text("role")
        if spoken == "assistant":
            draft = self._answering(moment)
        else:
            draft = self._add("user" if spoken == "user" else "system", moment)
            self._reply = None
        for value in item.items("content"):
            self._part(draft, Fields(value, item.where))
        if draft.role == "user" and not _is_typed(item, "".join(draft.texts)):
            draft.role = "system"
        if "author" in item.raw:
            draft.extra = {n: item.raw.get(n) for n in ("author", "recipient")}
        if draft.role == "user" and self._folder != self._shown:
            draft.extra = {"cwd": self._folder}
            self._shown = self._folder

    def _part(self, draft: Draft, part: Fields) -> None:
        kind = part.maybe_text("type") or ""
        if kind in {"input_text", "output_text", "text"}:
            draft.texts.append(part.maybe_text("text") or "")
        elif kind == "input_image":
            head, comma, data = (part.maybe_text("image_url") or "").partition(";base64,")
            if comma:
                draft.add_file(head.removeprefix("data:"), data, self.left_out)
            else:
                self.left_out[NO_DATA] += 1
        else:
            leave_out(self.left_out, OTHER_PART, kind)

    def _think(self, item: Fields, moment: datetime | None) -> None:
        parts = [Fields(v, item.where) for v in (*item.items("summary"), *item.items("content"))]
        thoughts = [text for part in parts if (text := part.maybe_text("text"))]
        if not thoughts:
            self.left_out[SEALED] += 1
            return
        self._answering(moment).thoughts += thoughts

    def _result(self, item: Fields, moment: datetime | None) -> None:
        failed = False
        output = item.raw.get("output", item.raw.get("tools"))
        if isinstance(output, dict):
            failed = output.get("success") is False
            output = output.get("content", output)
        name = item.maybe_text("call_id") or ""
        asker = self._calls.asker(name)
        if isinstance(output, list) and asker is not None and "output" in item.raw:
            # Texts and pictures; the pictures join the reply that asked.
            parts = Draft("tool", "", None)
            for value in output:
                self._part(parts, Fields(value, item.where))
            output = "\n\n".join(parts.texts)
            asker.attachments += parts.attachments
        given = Call(name, "", result=text_or_json(output), failed=failed, ended_at=moment)
        self.left_out[NO_CALL] += not self._calls.answer(given)
        self._reply = None

    def conversations(self, where: str) -> tuple[Conversation, ...]:
        """The session; an agent's is a branch of the session that started the agent.

        Raises:
            UsageError: No line names the session.
        """
        if not self._key:
            raise UsageError(f"{where}: no line names the session (session_meta)")
        drafts = list(self._drafts.values())
        for draft in drafts:
            draft.unfinished = self._has_counts and draft.usage is None
        if all(draft.role == "system" for draft in drafts):
            return ()
        title = self._title or first_question(drafts)
        about = Metadata(SOURCE, self._key, title, self._started, self.left_out)
        family = from_tree(about, messages_of(drafts), self._last)
        return family if self._parent is None else as_agent_branch(SOURCE, self._parent, family)


def _is_typed(item: Fields, text: str) -> bool:
    """Whether the user typed a message of theirs; newer versions mark each part of it."""
    marks = item.raw.get("internal_chat_message_metadata_passthrough")
    kinds = marks.get("content_item_kinds") if isinstance(marks, dict) else None
    if isinstance(kinds, list) and kinds and "unknown" not in kinds:
        return any(isinstance(kind, str) and kind.startswith("user.") for kind in kinds)
    return not text.lstrip().startswith(_NOT_TYPED)
