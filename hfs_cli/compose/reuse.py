"""Answer what was answered before from the database, when ``--reuse`` says that it may be.

A turn with ``--reuse`` leaves beside its reply the SHA-256 of all that was sent: the address and
the body as its vendor gets it (model, messages, attachments, options, schema). Another turn with it
that would send the same is given the newest of these replies, and sends nothing.

It is not called a cache: ``cache = true`` is what vendors do with a conversation, who still answer
anew each time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from hfs_cli import notices
from hfs_cli.errors import UsageError
from hfs_cli.messages import (
    ChatMessage,
    Delta,
    Event,
    Finish,
    FromDatabase,
    Message,
    Outcome,
    Reasoning,
    Request,
    State,
    Turn,
    Usage,
)
from hfs_cli.moments import age
from hfs_cli.turn.protocols import Provider
from hfs_cli.turn.run import make_request

if TYPE_CHECKING:
    from hfs_cli.store.store import SessionStore


class Reuse:
    """One turn that may be answered from the database.

    Args:
        store: Where replies are kept.
        since: The oldest reply that may answer.
        provider: Who would be asked.
        turn: The turn.
        tools: Whether the model may ask for tools.

    Raises:
        UsageError: There are tools, or the request cannot be made.
    """

    def __init__(
        self, store: SessionStore, since: datetime, provider: Provider, turn: Turn, *, tools: bool
    ) -> None:
        if tools:
            raise UsageError("--reuse gives a reply again, and tools do things: leave out one")
        from hfs_cli.store.unsaved import Unsaved

        opened = Unsaved(store).begin(turn)
        self._store = store
        self._turn = turn
        self._sha256 = fingerprint(provider, make_request(turn, opened))
        self._found = store.find_reply(self._sha256, since)

    def provider(self) -> Provider | None:
        """Who gives the reply that was found, or None when there is none."""
        if self._found is None:
            return None
        written = age(self._found.created_at.timestamp())
        notices.notice(f"answered from the database, with a reply that came {written}")
        return Recalled(self._found)

    def note(self, outcome: Outcome) -> None:
        """Let a reply answer the next such request; one that was found is there already.

        Raises:
            StoreError: It cannot be written.
        """
        reply = outcome.reply
        whole = outcome.error is None and reply.finish_reason == "stop"
        if whole and outcome.message_id and not reply.cached and reply.model == self._turn.model:
            self._store.note_request(outcome.message_id, self._sha256)


class Recalled:
    """A provider that has one reply, and asks nobody.

    Args:
        message: The reply as it was kept.
    """

    def __init__(self, message: Message) -> None:
        self._message = message

    def prepare(self, prompt: ChatMessage) -> None:
        """Nothing: no key is needed."""

    def preview(self, request: Request) -> Mapping[str, object]:  # noqa: ARG002
        """Nothing would be sent."""
        return {}

    def stream(self, request: Request) -> Iterator[Sequence[Event]]:  # noqa: ARG002
        """The reply, as if it came now."""
        kept = self._message
        events: list[Event] = [FromDatabase()]
        if kept.reasoning:
            events.append(Reasoning(kept.reasoning))
        events += [Delta(kept.content), *kept.citations]
        if kept.state is not None:
            events.append(State(kept.state.items))
        yield [*events, Usage(0, 0), Finish("stop", kept.finish_raw or "")]

    def close(self) -> None:
        """Nothing was opened."""


def fingerprint(provider: Provider, request: Request) -> str:
    """A digest of a request: equal for two requests only if the same would be sent.

    Raises:
        UsageError: It cannot be made.
    """
    # The key of the vendor's own cache is the session's, so it differs each time.
    preview = provider.preview(request._replace(cache=None))
    sent = {
        "model": f"{request.provider}/{request.model}",
        "options": dict(request.options),
        "url": preview["url"],
        "body": preview["body"],
    }
    text = json.dumps(sent, sort_keys=True, default=dict)
    return hashlib.sha256(text.encode()).hexdigest()
