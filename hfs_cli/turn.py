"""Run one turn: keep the question, stream the reply, keep the reply. The core."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from hfs_cli.messages import Event, Opened, Opening, Outcome, Reply, Request


class Provider(Protocol):
    """Where replies come from."""

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

    def close(self) -> None:
        """Release connections and whatever else was opened."""
        ...


class Store(Protocol):
    """Where turns are kept. All methods may be called from any thread."""

    def begin(self, opening: Opening) -> Opened:
        """Keep the session (if new) and the user message in one transaction.

        Raises:
            StoreError: Nothing was written.
            NotFoundError: The session to continue is gone.
        """
        ...

    def save_reply(self, opened: Opened, reply: Reply, wait_s: float = 30.0) -> int | None:
        """Write the reply as it stands: a new row the first time, the same row later.

        Args:
            wait_s: Seconds to wait for another writer.

        Returns:
            The reply's message id, or None when nothing is saved.

        Raises:
            StoreError: The database could not be written.
            NotFoundError: The session was deleted meanwhile.
        """
        ...

    def spill(self, opened: Opened, reply: Reply) -> str:
        """Keep a reply that the database would not take in a file (0600); its path."""
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

    def close(self, outcome: Outcome) -> None:
        """The turn has ended and is kept; show what remains to be shown."""
        ...
