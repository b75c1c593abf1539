"""The sessions of Gemini CLI: ``~/.gemini/tmp/PROJECT/chats/session-TIME-ID.jsonl``, or ``.json``.

As JSON one object with its messages. As lines a head, then a message a line, where a later one of
the same id takes the place of the earlier; ``$rewindTo`` takes back a message and what follows it
(which is kept as a branch). ``$set`` changes the head, or says what all messages are now: those of
a session that is resumed, with new times, or with a summary for those that were compressed. What
was said before stays as it was said. The work of an agent is a file of the kind ``subagent`` in a
folder that is called as its session. As Gemini CLI 0.61.0 writes it (npm ``@google/gemini-cli``,
run 2026-11-29) and chatRecordingService of google-gemini/gemini-cli reads and writes it (5411f11 of
2026-08-21).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from hfs_cli.conversations import Conversation, Incoming
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
    all_said,
    leave_out,
    of_agent,
)
from hfs_cli.exchange.sources.foreign import About, parted
from hfs_cli.exchange.sources.records import Record, of_one_session
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


def conversations(lines: Iterable[Record], where: str) -> Iterator[Incoming]:
    """The session of a file."""
    return of_one_session(_Session, lines, where)


class _Session:
    """What was read of a file."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        self._head: Fields | None = None
        self._title = ""
        self._drafts: dict[str, Draft] = {}
        self._last: str | None = None
        # Messages that hold results alone, each with the message before it.
        self._results: dict[str, str | None] = {}
        self._calls = Calls()

    def take(self, line: Fields) -> None:
        names = line.names()
        if "$rewindTo" in names:
            key = line.maybe_text("$rewindTo") or ""
            draft = self._drafts.get(key)
            self._last = self._results.get(key) if draft is None else draft.after
        elif "$set" in names:
            self._change(line.fields("$set"))
        elif "id" in names:
            self._message(line)
        elif fits(line.whole()):
            self._head = self._head or line
            self._title = line.maybe_text("summary") or self._title
            self._are_now(line)
        else:
            leave_out(self.left_out, OTHER_LINE, line.maybe_text("type"))

    def _change(self, change: Fields) -> None:
        self._title = change.maybe_text("summary") or self._title
        self._are_now(change)
        for name in change.names() - {"summary", "messages"}:
            leave_out(self.left_out, _STATE, name)

    def _are_now(self, holder: Fields) -> None:
        """Take all messages that there are now: what is new among them follows what was said."""
        if not holder.is_array("messages"):
            return
        before, known = set(self._drafts), self._last
        for value in holder.items("messages"):
            message = Fields(value, f"{holder.where}, a message")
            key = message.text("id")
            if key in before:
                known = key
                self._answer_anew(message)
            else:
                self._message(message)
        if before and before == self._drafts.keys():
            # Those behind the last of them were taken back.
            self._last = known if holder.items("messages") else None

    def _answer_anew(self, message: Fields) -> None:
        """Take the results of calls from a message that is known, and nothing else."""
        for value in message.items("toolCalls"):
            call = self._call(Fields(value, message.where))
            if call.result is not None:
                self._calls.complete(call)

    def _message(self, message: Fields) -> None:
        key = message.text("id")
        kind = message.maybe_text("type") or ""
        if kind not in {"user", "gemini"}:
            leave_out(self.left_out, _NOTICE, kind)
            return
        there = self._drafts.get(key)
        draft = Draft("user" if kind == "user" else "assistant", key, self._last)
        draft.created_at = message.maybe_moment("timestamp")
        if there is not None:
            draft.after, draft.created_at = there.after, there.created_at
        draft.model = message.maybe_text("model")
        if (tokens := message.maybe_fields("tokens")) is not None:
            draft.usage = _usage(tokens)
        for value in message.items("thoughts"):
            thought = Fields(value, message.where)
            said = (thought.maybe_text("subject"), thought.maybe_text("description"))
            draft.thoughts.append("\n".join(text for text in said if text))
        for value in message.items("toolCalls"):
            asked = Fields(value, message.where)
            self._calls.add(draft, self._call(asked))
            self.left_out[DETAIL] += (
                there is None and asked.whole().get("resultDisplay") is not None
            )
        answers = self._content(draft, message)
        if answers and draft.role == "user":
            if not (any(draft.texts) or draft.attachments):
                self._results[key] = self._last
                return
            draft.role = "system"
        if draft.role == "user" and "".join(draft.texts).lstrip().startswith(_NOT_TYPED):
            draft.role = "system"
        if (shown := message.whole().get("displayContent")) is not None:
            draft.extra = {"displayContent": shown}
        self._drafts[key] = draft
        if there is None:
            self._last = key

    def _content(self, draft: Draft, message: Fields) -> int:
        """Put what a message says into it; how many results of calls it holds."""
        content = message.whole().get("content")
        texts: list[str] = []
        answers = 0
        for value in content if isinstance(content, list) else [content] if content else []:
            part = Fields({"text": value} if isinstance(value, str) else value, message.where)
            names = part.names()
            if "functionResponse" in names:
                answers += 1
                self._answered(part.fields("functionResponse"), message)
            elif "functionCall" in names:
                self._asked(draft, part.fields("functionCall"))
            elif "text" in names:
                thought = part.whole().get("thought") is True
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

    def _asked(self, draft: Draft, call: Fields) -> None:
        """A call that stands in what was said; where it was recorded that is another time."""
        key = call.maybe_text("id") or ""
        if self._calls.asker(key) is not draft:
            arguments = json.dumps(call.whole().get("args") or {}, ensure_ascii=False)
            self._calls.add(draft, Call(key, call.text("name"), arguments))

    def _answered(self, answer: Fields, message: Fields) -> None:
        """A result that stands in what was said; where it was recorded that is another time."""
        key = answer.maybe_text("id") or ""
        text, failed = _said(answer.whole().get("response"))
        ended_at = message.maybe_moment("timestamp")
        call = Call(key, "", "", text, failed, ended_at=ended_at)
        self.left_out[NO_CALL] += not self._calls.complete(call)

    def _call(self, call: Fields) -> Call:
        result = call.whole().get("result")
        parts = result if isinstance(result, list) else [] if result is None else [result]
        texts, failed = [], call.maybe_text("status") in {"error", "cancelled"}
        for part in parts:
            answer = part.get("functionResponse") if isinstance(part, dict) else None
            if isinstance(answer, dict):
                text, wrong = _said(answer.get("response"))
                texts.append(text)
                failed = failed or wrong
            else:
                texts.append(part if isinstance(part, str) else json.dumps(part))
        return Call(
            id=call.maybe_text("id") or "",
            name=call.text("name"),
            arguments=json.dumps(call.whole().get("args") or {}, ensure_ascii=False),
            result="\n\n".join(texts) if parts else None,
            failed=failed,
            ended_at=call.maybe_moment("timestamp") if parts else None,
        )

    def conversations(self, where: str) -> tuple[Conversation, ...]:
        """The session; what an agent did is a branch of another.

        Raises:
            UsageError: No line names the session.
        """
        if self._head is None:
            raise UsageError(f"{where}: no line names the session (sessionId)")
        drafts = list(self._drafts.values())
        if drafts:
            head = {n: self._head.whole()[n] for n in _OF_HEAD if n in self._head.names()}
            drafts[0].extra = {**(drafts[0].extra or {}), "session": head}
        about = About(
            SOURCE,
            self._head.text("sessionId"),
            self._title or _first_typed(drafts),
            self._head.maybe_moment("startTime"),
            self.left_out,
        )
        # Where only the program spoke, there was no conversation.
        if all(draft.role == "system" for draft in drafts):
            return ()
        family = parted(about, all_said(drafts), self._last)
        if self._head.maybe_text("kind") != "subagent":
            return family
        return of_agent(SOURCE, Path(where).parent.name, family)


def _first_typed(drafts: Sequence[Draft]) -> str:
    return next(("".join(d.texts)[:60] for d in drafts if d.role == "user"), "")


def _said(response: object) -> tuple[str, bool]:
    """What a tool said, and whether it failed: text where it is text alone, else JSON."""
    if isinstance(response, dict) and len(response) == 1:
        ((name, text),) = response.items()
        if name in {"output", "error"} and isinstance(text, str):
            return Fields({"text": text}, "a result").text("text"), name == "error"
    return json.dumps(response, ensure_ascii=True), False


def _usage(tokens: Fields) -> Usage:
    """Gemini counts thoughts apart from what is said."""
    said, thought = tokens.maybe_count("output"), tokens.maybe_count("thoughts")
    return Usage(
        tokens.maybe_count("input"),
        None if said is None else said + (thought or 0),
        tokens.maybe_count("cached"),
        thought,
    )
