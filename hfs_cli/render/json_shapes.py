"""The shapes of all JSON that is printed, and the renderers of ``--format json`` and jsonl."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from hfs_cli.errors import HfsError
from hfs_cli.messages import Call, Message, Opened, Outcome, Reply, Session, Usage
from hfs_cli.moments import iso
from hfs_cli.render.output import Output, Silent, Sink
from hfs_cli.sanitize import sanitize_json
from hfs_cli.shapes import call_shape, checkpoint_shape, message_shape

if TYPE_CHECKING:  # a list in a pipe does without them
    from hfs_cli.config.settings import ModelConfig
    from hfs_cli.conversations import Branch, SearchHit

Json = Mapping[str, object]
_CALLED = ("id", "name", "tool", "arguments")
_RETURNED = ("id", "name", "tool", "result", "failed", "started_at", "ended_at")


def print_json(value: object) -> None:
    """Write a document to standard output; every command prints its JSON in this way.

    Args:
        value: Any value that `json` can encode; mappings become objects, and paths strings.
    """
    Output().write(dump(value, indent=2) + "\n")


def dump(value: object, indent: int | None = None) -> str:
    """JSON that is safe to show anywhere, without a trailing newline.

    Args:
        value: Any value that `json` can encode; mappings become objects, and paths strings.
        indent: Spaces for each level, or None for one line.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False, default=_plain)
    return sanitize_json(text)


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


def session_identity(session: Session | None) -> Json | None:
    """A session's id, uid and name; None if nothing is saved."""
    if session is None:
        return None
    return {"id": session.id, "uid": session.uid, "name": session.name}


def session_json(session: Session) -> Json:
    """A session in a list."""
    return {
        "id": session.id,
        "uid": session.uid,
        "name": session.name,
        "model": session.model,
        "messages": session.messages,
        "created_at": iso(session.created_at),
        "updated_at": iso(session.updated_at),
        "last_status": session.last_status,
        **_owner(session.owner),
    }


def _owner(owner: str) -> Json:
    """The owner; a session in a file has none."""
    return {"owner": owner} if owner else {}


def transcript_json(session: Session, messages: Sequence[Message]) -> Json:
    """A session and its messages, each with its id."""
    shapes = [{"id": m.id, **message_shape(m, data=False)} for m in messages]
    return {"session": session_json(session), "messages": shapes}


def context_json(
    session: Session, model: str, amount: Json, sent: Sequence[tuple[Message, int]]
) -> Json:
    """What the next turn of a session would send.

    Args:
        session: The session.
        model: The model that would be asked: ``provider/id``.
        amount: The size of the whole context.
        sent: The messages, each with its estimated number of tokens.
    """
    shapes = [
        {"id": m.id, **message_shape(m, data=False), "estimated_tokens": tokens}
        for m, tokens in sent
    ]
    return {"session": session_json(session), "model": model, **amount, "messages": shapes}


def branch_json(branch: Branch) -> Json:
    """One session of a family."""
    session = branch.session
    return {
        **session_json(session),
        "parent_id": session.parent_id,
        "fork_position": session.fork_position,
        "origin": branch.origin,
        "listed": branch.listed,
        "checkpoints": [{"id": c.id, **checkpoint_shape(c)} for c in branch.checkpoints],
    }


def hit_json(hit: SearchHit) -> Json:
    """One message, or session name, that a search found."""
    shape = {**asdict(hit), "created_at": iso(hit.created_at)}
    del shape["owner"]
    return {**shape, **_owner(hit.owner)}


def usage_json(usage: Usage | None) -> Json | None:
    """Token counts; each is null if the provider did not count it."""
    return None if usage is None else usage._asdict()


def error_json(error: HfsError | None) -> Json | None:
    """An error, or None."""
    return None if error is None else {"exit_code": error.exit_code, "message": error.message}


def _timing(outcome: Outcome) -> Json:
    """Seconds to the first token and to the end, the time of tools included."""
    took = [step.total_s for step in outcome.steps if step.total_s is not None]
    return {
        "first_token_s": outcome.steps[0].first_token_s,
        "total_s": sum(took) + outcome.tools_s if took else None,
    }


def _citations(reply: Reply) -> list[Json]:
    """A reply's sources, with the numbers that they have below it on a terminal."""
    return [{"number": n, **c._asdict()} for n, c in enumerate(reply.citations, 1)]


def outcome_json(outcome: Outcome) -> Json:
    """A whole turn as one object."""
    reply = outcome.reply
    return {
        "session": session_identity(outcome.session),
        "message_id": outcome.message_id,
        "model": reply.model,
        "reply": reply.text,
        "reasoning": reply.reasoning,
        "status": reply.status,
        "finish_reason": reply.finish_reason,
        "usage": usage_json(outcome.usage),
        "citations": _citations(reply),
        "calls": [
            {"step": step.step, **call_shape(call)}
            for step in outcome.steps
            for call in step.tool_calls
        ],
        "timing": _timing(outcome),
        "cached": reply.cached,
        "error": error_json(outcome.error),
    }


def turn_cost(outcome: Outcome, prices: Callable[[str], ModelConfig | None]) -> float | None:
    """The cost of a turn in the currency of the prices, or None if unknown.

    Args:
        prices: Returns a model's prices, or None.
    """
    from hfs_cli.prices import cost

    if outcome.reply.cached:
        return 0.0
    usage = outcome.usage
    return None if usage is None else cost(usage, prices(outcome.reply.model))


def batch_json(index: int, value: object, outcome: Outcome) -> dict[str, object]:
    """One prompt of a batch with its reply; the caller fills in `parsed` and `cost`.

    Args:
        index: The number of the prompt in the input, from 0.
        value: The prompt in the input.
    """
    reply = outcome.reply
    return {
        "index": index,
        "input": value,
        "model": reply.model,
        "reply": reply.text,
        "parsed": None,
        "status": reply.status,
        "finish_reason": reply.finish_reason,
        "usage": usage_json(outcome.usage),
        "cost": None,
        "error": error_json(outcome.error),
    }


class JsonRenderer(Silent):
    """``--format json``: one object when the turn has ended, with success or an error.

    Args:
        output: Where it is written.
        prices: Returns a model's prices, or None.
        hide_reasoning: Leave the reasoning empty.
    """

    def __init__(
        self,
        output: Sink,
        prices: Callable[[str], ModelConfig | None],
        *,
        hide_reasoning: bool = False,
    ) -> None:
        self._output = output
        self._prices = prices
        self._hidden = {"reasoning": ""} if hide_reasoning else {}

    def close(self, outcome: Outcome) -> None:
        """Write the object.

        Raises:
            ReaderLeft: The reader has closed the pipe.
            OutputError: It cannot be written.
        """
        shape = {**outcome_json(outcome), **self._hidden}
        shape["cost"] = turn_cost(outcome, self._prices)
        self._output.write(dump(shape, indent=2) + "\n")


class JsonLinesRenderer(Silent):
    """``--format jsonl``: one event on each line, written as it happens.

    Args:
        output: Where they are written.
        hide_reasoning: Write no events of reasoning.
    """

    def __init__(self, output: Sink, *, hide_reasoning: bool = False) -> None:
        self._output = output
        self._hide_reasoning = hide_reasoning

    def _event(self, kind: str, **values: object) -> None:
        self._output.write(dump({"type": kind, **values}) + "\n")

    def opened(self, opened: Opened) -> None:
        """The session, or null if nothing is saved."""
        self._event("session", session=session_identity(opened.session))

    def reasoning(self, text: str) -> None:
        """A piece of reasoning."""
        if text and not self._hide_reasoning:
            self._event("reasoning", text=text)

    def text(self, text: str) -> None:
        """A piece of the reply."""
        if text:
            self._event("delta", text=text)

    def called(self, call: Call) -> None:
        """A call of a tool."""
        shape = call_shape(call)
        self._event("tool_call", **{name: shape[name] for name in _CALLED})

    def returned(self, call: Call) -> None:
        """The result of a call."""
        shape = call_shape(call)
        self._event("tool_result", **{name: shape[name] for name in _RETURNED})

    def close(self, outcome: Outcome) -> None:
        """The sources, the usage if known, the error if any, and at last always ``done``."""
        reply = outcome.reply
        for citation in _citations(reply):
            self._event("citation", **citation)
        if (usage := outcome.usage) is not None:
            self._event("usage", **usage._asdict())
        if outcome.error is not None:
            self._event("error", **(error_json(outcome.error) or {}))
        self._event(
            "done",
            status=reply.status,
            finish_reason=reply.finish_reason,
            message_id=outcome.message_id,
            model=reply.model,
            cached=reply.cached,
            timing=_timing(outcome),
        )


def schema_text(name: str) -> str:
    """A JSON Schema of the printed JSON, as text (https://json-schema.org/draft/2020-12).

    Args:
        name: ``json`` or ``jsonl`` of ``chat --format``, ``sessions`` of ``sessions list
            --json``, or ``transcript`` of ``sessions show --format json``.
    """
    from importlib.resources import files

    return files("hfs_cli.render").joinpath("schemas", f"{name}.json").read_text("utf-8")
