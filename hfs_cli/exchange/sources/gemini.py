"""The sessions of Gemini CLI: ``~/.gemini/tmp/PROJECT/chats/session-TIME-ID.jsonl``, or ``.json``.

A ``.json`` file is one object that holds the messages. A ``.jsonl`` file has a head, then a message
on each line; a later message replaces an earlier one with the same id, and ``$rewindTo`` takes back
a message and all that follow it (which are kept as a branch). ``$set`` changes the head, or
replaces all messages: by those of a resumed session, with new times, or by a summary of those that
were compressed. Messages that were read before stay as they were. An agent's session is a file of
the kind ``subagent`` in a folder named after the session that started the agent. As Gemini CLI
0.61.0 writes it (npm ``@google/gemini-cli``, run 2026-11-29) and chatRecordingService of
google-gemini/gemini-cli reads and writes it (5411f11 of 2026-08-21).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

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
    first_question,
    leave_out,
    messages_of,
)
from hfs_cli.exchange.sources.foreign import Metadata, from_tree
from hfs_cli.messages import Call, Usage

SOURCE = "gemini-cli"
_STATE = "change of the program's own state"
_NOTICE = "notice of the program"
# How texts begin that the program gives the model in the user's name.
_NOT_TYPED = ("<session_context>", "<hook_context>", "<state_snapshot>")
_OF_HEAD = ("projectHash", "kind", "directories")


def fits(first: Mapping[str, object]) -> bool:
    """Whether the first line of a file, or all of it, is the head of a session."""
    return {"sessionId", "projectHash"} <= first.keys()


class Session:
    """The session of a file, as far as it was read."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        self._head: Fields | None = None
        self._title = ""
        self._drafts: dict[str, Draft] = {}
        self._last: str | None = None
        # From a message that holds nothing but results to the message before it.
        self._results: dict[str, str | None] = {}
        self._calls = Calls()

    def take(self, line: Fields) -> None:
        """Read the next line."""
        names = line.raw.keys()
        if "$rewindTo" in names:
            key = line.maybe_text("$rewindTo") or ""
            draft = self._drafts.get(key)
            self._last = self._results.get(key) if draft is None else draft.after
        elif "$set" in names:
            self._change(line.fields("$set"))
        elif "id" in names:
            self._message(line)
        elif fits(line.raw):
            self._head = self._head or line
            self._title = line.maybe_text("summary") or self._title
            self._take_all(line)
        else:
            leave_out(self.left_out, OTHER_LINE, line.maybe_text("type"))

    def _change(self, change: Fields) -> None:
        self._title = change.maybe_text("summary") or self._title
        self._take_all(change)
        for name in change.raw.keys() - {"summary", "messages"}:
            leave_out(self.left_out, _STATE, name)

    def _take_all(self, holder: Fields) -> None:
        """Take a complete list of messages; the new ones among them follow the known ones."""
        if not holder.is_array("messages"):
            return
        before, known = set(self._drafts), self._last
        for value in holder.items("messages"):
            message = Fields(value, f"{holder.where}, a message")
            key = message.text("id")
            if key in before:
                known = key
                self._add_results(message)
            else:
                self._message(message)
        if before and before == self._drafts.keys():
            # Messages after the last one listed were taken back.
            self._last = known if holder.items("messages") else None

    def _add_results(self, message: Fields) -> None:
        """Take the results of calls, and nothing else, from a message that is known."""
        for value in message.items("toolCalls"):
            call = self._call(Fields(value, message.where))
            if call.result is not None:
                self._calls.answer(call, keep=True)

    def _message(self, message: Fields) -> None:
        key = message.text("id")
        kind = message.maybe_text("type") or ""
        if kind not in {"user", "gemini"}:
            leave_out(self.left_out, _NOTICE, kind)
            return
        known = self._drafts.get(key)
        draft = Draft("user" if kind == "user" else "assistant", key, self._last)
        draft.created_at = message.maybe_moment("timestamp")
        if known is not None:
            draft.after, draft.created_at = known.after, known.created_at
        draft.model = message.maybe_text("model")
        if (tokens := message.maybe_fields("tokens")) is not None:
            draft.usage = _usage(tokens)
        for value in message.items("thoughts"):
            thought = Fields(value, message.where)
            parts = (thought.maybe_text("subject"), thought.maybe_text("description"))
            draft.thoughts.append("\n".join(text for text in parts if text))
        for value in message.items("toolCalls"):
            asked = Fields(value, message.where)
            self._calls.add(draft, self._call(asked))
            self.left_out[DETAIL] += known is None and asked.raw.get("resultDisplay") is not None
        answers = self._content(draft, message)
        if answers and draft.role == "user":
            if not (any(draft.texts) or draft.attachments):
                self._results[key] = self._last
                return
            draft.role = "system"
        if draft.role == "user" and "".join(draft.texts).lstrip().startswith(_NOT_TYPED):
            draft.role = "system"
        if (shown := message.raw.get("displayContent")) is not None:
            draft.extra = {"displayContent": shown}
        self._drafts[key] = draft
        if known is None:
            self._last = key

    def _content(self, draft: Draft, message: Fields) -> int:
        """Add a message's content to its draft; returns how many results of calls it holds."""
        content = message.raw.get("content")
        texts: list[str] = []
        answers = 0
        for value in content if isinstance(content, list) else [content] if content else []:
            part = Fields({"text": value} if isinstance(value, str) else value, message.where)
            names = part.raw.keys()
            if "functionResponse" in names:
                answers += 1
                self._take_result(part.fields("functionResponse"), message)
            elif "functionCall" in names:
                self._take_call(draft, part.fields("functionCall"))
            elif "text" in names:
                thought = part.raw.get("thought") is True
                (draft.thoughts if thought else texts).append(part.text("text"))
            elif (inline := part.maybe_fields("inlineData")) is not None:
                media_type = inline.maybe_text("mimeType") or "application/octet-stream"
                draft.add_file(media_type, inline.maybe_text("data") or "", self.left_out)
            elif "fileData" in names:
                self.left_out[NO_DATA] += 1
            elif "thoughtSignature" in names:
                self.left_out[SEALED] += 1
            else:
                leave_out(self.left_out, OTHER_PART, next(iter(sorted(names)), None))
        draft.texts.append("".join(texts))
        return answers

    def _take_call(self, draft: Draft, call: Fields) -> None:
        """Take a call from a message's content; most are recorded beside it as well."""
        key = call.maybe_text("id") or ""
        if self._calls.asker(key) is not draft:
            arguments = json.dumps(call.raw.get("args") or {}, ensure_ascii=False)
            self._calls.add(draft, Call(key, call.text("name"), arguments))

    def _take_result(self, answer: Fields, message: Fields) -> None:
        """Take a result from a message's content; most are recorded beside it as well."""
        key = answer.maybe_text("id") or ""
        text, failed = _output(answer.raw.get("response"))
        ended_at = message.maybe_moment("timestamp")
        call = Call(key, "", "", text, failed, ended_at=ended_at)
        self.left_out[NO_CALL] += not self._calls.answer(call, keep=True)

    def _call(self, call: Fields) -> Call:
        result = call.raw.get("result")
        parts = result if isinstance(result, list) else [] if result is None else [result]
        texts, failed = [], call.maybe_text("status") in {"error", "cancelled"}
        for part in parts:
            answer = part.get("functionResponse") if isinstance(part, dict) else None
            if isinstance(answer, dict):
                text, wrong = _output(answer.get("response"))
                texts.append(text)
                failed = failed or wrong
            else:
                texts.append(part if isinstance(part, str) else json.dumps(part))
        return Call(
            id=call.maybe_text("id") or "",
            name=call.text("name"),
            arguments=json.dumps(call.raw.get("args") or {}, ensure_ascii=False),
            result="\n\n".join(texts) if parts else None,
            failed=failed,
            ended_at=call.maybe_moment("timestamp") if parts else None,
        )

    def conversations(self, where: str) -> tuple[Conversation, ...]:
        """The session; an agent's is a branch of the session that started the agent.

        Raises:
            UsageError: No line names the session.
        """
        if self._head is None:
            raise UsageError(f"{where}: no line names the session (sessionId)")
        drafts = list(self._drafts.values())
        if drafts:
            head = {n: self._head.raw[n] for n in _OF_HEAD if n in self._head.raw}
            drafts[0].extra = {**(drafts[0].extra or {}), "session": head}
        about = Metadata(
            SOURCE,
            self._head.text("sessionId"),
            self._title or first_question(drafts),
            self._head.maybe_moment("startTime"),
            self.left_out,
        )
        # If only the program spoke, there was no conversation.
        if all(draft.role == "system" for draft in drafts):
            return ()
        family = from_tree(about, messages_of(drafts), self._last)
        if self._head.maybe_text("kind") != "subagent":
            return family
        return as_agent_branch(SOURCE, Path(where).parent.name, family)


def _output(response: object) -> tuple[str, bool]:
    """A tool's output, as text if it is nothing else, or as JSON; and whether it failed."""
    if isinstance(response, dict) and len(response) == 1:
        ((name, text),) = response.items()
        if name in {"output", "error"} and isinstance(text, str):
            return Fields({"text": text}, "a result").text("text"), name == "error"
    return json.dumps(response, ensure_ascii=True), False


def _usage(tokens: Fields) -> Usage:
    """Token counts; Gemini counts thoughts apart from the output."""
    output, thought = tokens.maybe_count("output"), tokens.maybe_count("thoughts")
    return Usage(
        tokens.maybe_count("input"),
        None if output is None else output + (thought or 0),
        tokens.maybe_count("cached"),
        thought,
    )
