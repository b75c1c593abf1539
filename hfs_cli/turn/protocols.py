"""What a turn needs from the rest of the program; nearly always imported for types only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from hfs_cli.messages import (
    Call,
    ChatMessage,
    Event,
    Opened,
    Outcome,
    Reply,
    Request,
    ToolSpec,
    Turn,
)


class Answering(Protocol):
    """Where replies come from, as a turn sees it."""

    def prepare(self, prompt: ChatMessage) -> None:
        """Check that a request with this message can be made; nothing is sent.

        Raises:
            UsageError: The provider cannot take one of the attachments.
            ConfigError, CredentialsError: Something is missing or cannot be used, a key
                above all.
        """
        ...

    def stream(self, request: Request) -> Iterator[Sequence[Event]]:
        """Send one request and yield its events, one batch per network read.

        The last events carry a `Finish`. Retries, timeouts and redirects are the
        provider's business.

        Raises:
            CredentialsError, NotFoundError, ProviderError: The provider said no.
            NetworkError: It was not reached, or never began to answer.
            IncompleteReplyError: The stream broke off, stalled or was malformed.
        """
        ...


class Provider(Answering, Protocol):
    """Where replies come from, as the code that opens it sees it."""

    def preview(self, request: Request) -> Mapping[str, object]:
        """What would be sent: method, url, headers (keys left out) and body.

        Raises:
            UsageError: It cannot be sent.
        """
        ...

    def close(self) -> None:
        """Release connections and whatever else was opened."""
        ...


class ForwardingProvider:
    """A provider that hands all on to another one; a base for those that change some of it.

    Args:
        inner: The provider that is asked.
    """

    def __init__(self, inner: Provider) -> None:
        self._inner = inner

    def prepare(self, prompt: ChatMessage) -> None:
        """Hand on."""
        self._inner.prepare(prompt)

    def preview(self, request: Request) -> Mapping[str, object]:
        """Hand on."""
        return self._inner.preview(request)

    def close(self) -> None:
        """Hand on."""
        self._inner.close()


class Keeper(Protocol):
    """What keeps replies. All methods may be called from any thread."""

    def save_piece(self, opened: Opened, piece: Reply, wait_s: float = 30.0) -> None:
        """Append to a reply that is still coming what came since the last call.

        Args:
            piece: The reply as it stands, but with the new text and reasoning only.
            wait_s: Seconds to wait for another writer.

        Raises:
            StoreError: The database could not be written; the piece is to be given again.
            NotFoundError: The session was deleted meanwhile.
        """
        ...

    def save_reply(self, opened: Opened, reply: Reply, wait_s: float = 30.0) -> int | None:
        """Write the whole reply, which replaces its pieces.

        Args:
            wait_s: Seconds to wait for another writer.

        Returns:
            The reply's message id, or None when nothing is saved.

        Raises:
            StoreError: The database could not be written.
            NotFoundError: The session was deleted meanwhile.
        """
        ...

    def save_call(
        self, message_id: int | None, position: int, call: Call, wait_s: float = 30.0
    ) -> None:
        """Write a call of a kept reply as it stands: begun, or with its result.

        Args:
            message_id: What `save_reply` returned.
            position: Which of the reply's calls it is, from 1.
            wait_s: Seconds to wait for another writer.

        Raises:
            StoreError: The database could not be written.
            NotFoundError: The session was deleted meanwhile.
        """
        ...

    def spill(self, opened: Opened, reply: Reply) -> str:
        """Keep a reply that the database did not take in a file (0600), and return its path.

        Raises:
            StoreError: No file could be written.
        """
        ...


class Store(Keeper, Protocol):
    """Where turns are kept. All methods may be called from any thread."""

    def begin(self, turn: Turn) -> Opened:
        """Keep the session (if new) and the user message in one transaction.

        Raises:
            StoreError: Nothing was written.
            NotFoundError: The session to continue is gone.
            UsageError: The new session's name cannot be used or is taken.
        """
        ...


class Renderer(Protocol):
    """Where the reply is shown. Text is flushed before a call returns."""

    def opened(self, opened: Opened) -> None:
        """The user message is kept; the request goes out next."""
        ...

    def reasoning(self, text: str) -> None:
        """A piece of reasoning has come."""
        ...

    def text(self, text: str) -> None:
        """A piece of the reply has come.

        Raises:
            ReaderLeft: Nobody reads standard output any more.
            OutputError: It cannot be written.
        """
        ...

    def called(self, call: Call) -> None:
        """The model has asked for a tool: the text that came before it is not the answer."""
        ...

    def waiting(self) -> None:
        """Tools run, or the model is asked again: nothing may come for a while."""
        ...

    def returned(self, call: Call) -> None:
        """A call has its result, or was not allowed; several come back in any order."""
        ...

    def close(self, outcome: Outcome) -> None:
        """The turn has ended and is kept; show what remains to be shown."""
        ...


class Toolbox(Protocol):
    """The tools of one turn, and the decision which calls may run."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """What the model is told about them."""
        ...

    def refusals(self, calls: Sequence[Call]) -> Sequence[str | None]:
        """Decide which of a step's calls may run; the user may be asked. Signals interrupt it.

        Args:
            calls: What the model asks for, in its order; arguments are what it wrote, unchecked.

        Returns:
            For each call None, or why it may not run, in words for the model.
        """
        ...

    def run(
        self,
        calls: Sequence[Call],
        started: Callable[[int], None],
        ended: Callable[[int, str, bool], None],
    ) -> None:
        """Run allowed calls, in parallel where possible; returns when all have ended.

        It is called in a thread of its own, so no signal breaks it off: `close` does. Both
        functions may be called from any thread, several at once.

        Args:
            started: Called with a call's place before anything of it runs; the call is kept then.
                What it raises means that it could not be: the call must not run, and `run` ends
                with that error.
            ended: Called once for each call, with its place, its result and whether that is an
                error; not for one that `close` broke off.
        """
        ...

    def close(self) -> None:
        """End every process group and connection. From any thread; may be called again."""
        ...


class Display(Protocol):
    """Where calls are shown."""

    def called(self, calls: Iterable[Call]) -> None:
        """They were asked for."""
        ...

    def waiting(self) -> None:
        """They run."""
        ...

    def returned(self, call: Call) -> None:
        """It has its result."""
        ...
