"""How much of a conversation a model takes: measure it, and leave out the oldest turns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hfs_cli.messages import Attachment, ChatMessage, Message, Request

if TYPE_CHECKING:
    from hfs_cli.config import ModelConfig
    from hfs_cli.providers.choose import ModelChoice

# True for English; roughly so for scripts with more bytes a letter.
BYTES_A_TOKEN = 4
# An image at the size that vendors scale it down to, a page of a PDF, and a sound at 128 kbit/s
# with 32 tokens a second: https://platform.claude.com/docs/en/build-with-claude/vision,
# .../pdf-support and https://ai.google.dev/gemini-api/docs/tokens, read 2026-11-29.
_IMAGE_TOKENS = 1600
_PAGE_TOKENS = 2250
_SOUND_BYTES_A_TOKEN = 500
_PAGE = re.compile(rb"/Type\s*/Page\b")
# Tokens left for the reply where no limit is set, but at most a quarter of the window.
_REPLY_TOKENS = 4096
# The share of the room that the newest turns keep beside a summary.
KEPT = 0.25
# A vendor's count of a short request says little about the estimate: each message adds a few
# tokens of its own.
_LEAST_COUNTED = 200
# No tokenizer is outside of these, so one odd count by a vendor cannot empty a conversation.
_LEAST_FACTOR, _MOST_FACTOR = 0.5, 4.0


def estimated_tokens(request: Request) -> int:
    """About how many tokens a request has: its text, attachments, tools and schema."""
    size = _size(request.system or "")
    for _, description, parameters in request.tools:
        size += _size(description) + _size(json.dumps(parameters))
    if request.schema is not None:
        size += _size(json.dumps(request.schema))
    return -(-size // BYTES_A_TOKEN) + tokens_of(request.messages)


def tokens_of(messages: Iterable[ChatMessage]) -> int:
    """About how many tokens messages have."""
    size = tokens = 0
    for message in messages:
        size += _size(message.content)
        size += sum(_size(call.arguments) + _size(call.result or "") for call in message.calls)
        tokens += sum(map(_attached, message.attachments))
    return tokens - (-size // BYTES_A_TOKEN)


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _attached(attachment: Attachment) -> int:
    """Estimate an attachment; a URL, which is not fetched, counts as one image or page."""
    kind = attachment.media_type.partition("/")[0]
    if kind == "audio":
        return -(-len(attachment.data) // _SOUND_BYTES_A_TOKEN)
    if attachment.media_type == "application/pdf":
        return _PAGE_TOKENS * max(1, len(_PAGE.findall(attachment.data)))
    return _IMAGE_TOKENS


class Measure(NamedTuple):
    """How much a model takes, and how its vendor counts.

    Args:
        window: How many tokens the model takes in and gives, together; None where nobody knows.
        room: How many of them a request may have.
        factor: How many tokens the vendor counts for one that is estimated.
    """

    window: int | None
    room: int | None
    factor: float = 1.0

    def tokens(self, request: Request) -> int:
        """About how many tokens the vendor will count."""
        return round(estimated_tokens(request) * self.factor)


def measure(
    choice: ModelChoice,
    options: Mapping[str, object],
    models: Mapping[str, ModelConfig],
    history: Sequence[Message] = (),
) -> Measure:
    """The measure for requests to a model.

    Args:
        choice: The model.
        options: What it is asked with: ``max_tokens`` is room for the reply.
        models: What the configuration says of models.
        history: The transcript of the session that goes on.
    """
    window = _window(choice, options, models)
    room = None
    if window is not None:
        limit = options.get("max_tokens")
        reply = limit if isinstance(limit, int) else min(_REPLY_TOKENS, window // 4)
        room = max(window - reply, window // 4)
    return Measure(window, room, _factor(history, choice.full_name, room))


def _window(
    choice: ModelChoice, options: Mapping[str, object], models: Mapping[str, ModelConfig]
) -> int | None:
    """How many tokens a model takes: as configured, as its server is told, or as known."""
    configured = models.get(choice.full_name)
    if configured and configured.context:
        return configured.context
    asked_for = options.get("n_ctx" if choice.provider.type == "local" else "num_ctx")
    if isinstance(asked_for, int):
        return asked_for
    if choice.provider.type == "local":
        from hfs_cli.providers.embedded.server import CONTEXT_TOKENS

        return CONTEXT_TOKENS
    import math

    from hfs_cli.known_models import known_model
    from hfs_cli.providers.listed import listed

    for model in listed(choice.provider, math.inf) or ():
        if model.id == choice.model and model.context:
            return model.context
    known = known_model(choice.full_name)
    return known.context if known else None


def _factor(history: Sequence[Message], model: str, room: int | None) -> float:
    """The vendor's count of the last turn of a session divided by the estimate for it.

    Turns that must have been shortened on their way tell nothing, nor do other models'.
    """
    from hfs_cli.store.messages import answered_turns

    factor, sent = 1.0, 0
    for turn in answered_turns(history):
        asked, *said = turn.sent
        sent += tokens_of([asked])
        first = turn.steps[0] if turn.steps else None
        counted = first.usage.input_tokens if first and first.usage else None
        whole = room is None or sent * factor <= room
        if first and counted and first.model == model and sent >= _LEAST_COUNTED and whole:
            factor = min(max(counted / sent, _LEAST_FACTOR), _MOST_FACTOR)
        sent += tokens_of(said)
    return factor


def split_turns(messages: Sequence[ChatMessage]) -> list[tuple[ChatMessage, ...]]:
    """The messages of a request by turn: each question with all that followed it."""
    turns: list[list[ChatMessage]] = []
    for message in messages:
        if message.role == "user" or not turns:
            turns.append([])
        turns[-1].append(message)
    return [tuple(turn) for turn in turns]


def shortened(request: Request, within: Measure) -> tuple[Request, int]:
    """A request without as many of its oldest turns as it takes to fit.

    The newest question always stays, with what its turn has brought so far; so a call is never
    parted from its result, nor a question from its reply.

    Returns:
        The request, which may still be too long, and how many turns were left out.
    """
    if within.room is None:
        return request, 0
    from hfs_cli.store.messages import ASKED_FOR_SUMMARY

    over: float = within.tokens(request) - within.room
    turns = split_turns(request.messages)
    # A summary stands for more than one turn, so it stays, as the newest question does.
    kept = turns[:1] if len(turns) > 1 and turns[0][0].content == ASKED_FOR_SUMMARY else []
    turns = turns[len(kept) :]
    left_out = 0
    while over > 0 and left_out < len(turns) - 1:
        over -= tokens_of(turns[left_out]) * within.factor
        left_out += 1
    if not left_out:
        return request, 0
    rest = tuple(message for turn in (*kept, *turns[left_out:]) for message in turn)
    return request._replace(messages=rest), left_out


def is_too_long(request: Request, within: Measure) -> bool:
    """Whether a request has more tokens than there is room."""
    return within.room is not None and within.tokens(request) > within.room


def the_oldest(turns: int) -> str:
    """``the oldest turn``, ``the oldest 3 turns``."""
    return "the oldest turn" if turns == 1 else f"the oldest {turns} turns"
