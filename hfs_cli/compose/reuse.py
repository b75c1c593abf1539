"""Answer a request from the database when the same request was answered before (``--reuse``).

A turn with ``--reuse`` leaves beside its reply the SHA-256 of all that was sent: the address and
the body as its vendor gets it (model, messages, attachments, options, schema). Another turn with it
that would send the same is given the newest of these replies, and sends nothing.

It is not called a cache: ``cache = true`` is what vendors do with a conversation, who still answer
anew each time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
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
    Usage,
)
from hfs_cli.moments import age

if TYPE_CHECKING:
    from hfs_cli.store.store import SessionStore
    from hfs_cli.turn.protocols import Answering, Provider


class Reuse:
    """One turn that may be answered from the database.

    Args:
        store: Where replies are kept.
        since: The oldest reply that may answer.
        provider: The provider that would be asked.
        request: What it would be asked.

    Raises:
        UsageError: There are tools, or the request cannot be made.
    """

    def __init__(
        self, store: SessionStore, since: datetime, provider: Provider, request: Request
    ) -> None:
        if request.tools:
            raise UsageError("--reuse gives a reply again, and tools do things: leave out one")
        self._store = store
        self._model = f"{request.provider}/{request.model}"
        self._sha256 = fingerprint(provider, request)
        self._found = store.find_reply(self._sha256, since)

    def provider(self) -> Answering | None:
        """What gives the reply that was found, or None where there is none."""
        if self._found is None:
            return None
        written = age(self._found.created_at.timestamp())
        notices.notice(f"answered from the database, with a reply that came {written}")
        return Recalled(self._found)

    def note(self, outcome: Outcome) -> None:
        """Note a reply as the answer to the next such request, unless it was found itself.

        Raises:
            StoreError: It cannot be written.
        """
        reply = outcome.reply
        whole = outcome.error is None and reply.finish_reason == "stop"
        if whole and outcome.message_id and not reply.cached and reply.model == self._model:
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
