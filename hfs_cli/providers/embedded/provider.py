"""The embedded model as a provider: its server starts with the first request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hfs_cli.messages import ChatMessage, Event, Request
from hfs_cli.providers.choose import ModelChoice
from hfs_cli.providers.embedded.server import EmbeddedServer, take_context_option, weights_of
from hfs_cli.providers.formats import openai
from hfs_cli.providers.formats.media import check_media
from hfs_cli.providers.formats.wire import Media
from hfs_cli.providers.http.limits import Limits
from hfs_cli.providers.http.provider import HttpProvider


class EmbeddedProvider:
    """The embedded model; its server starts with the first request.

    Args:
        choice: The model.
        limits: How long to wait.
        notify: Told of waits.
        verbose: Let llama.cpp's logs through to standard error.
    """

    def __init__(
        self, choice: ModelChoice, limits: Limits, notify: Callable[[str], None], *, verbose: bool
    ) -> None:
        self._choice = choice
        self._limits = limits
        self._notify = notify
        self._verbose = verbose
        self._http: HttpProvider | None = None

    def prepare(self, prompt: ChatMessage) -> None:
        """See that the runtime and the weights are there.

        Raises:
            UsageError: There is an attachment: the embedded models read text alone.
            ConfigError: They are not; the message has the command that fetches them.
        """
        check_media((prompt,), Media(), self._choice.full_name)
        weights_of(self._choice)

    def stream(self, request: Request) -> Iterator[list[Event]]:
        """Start the server if it does not run yet, and stream from it.

        Raises:
            UsageError: The option ``n_ctx`` is not a number of tokens, or a message of the
                session has an attachment.
        """
        check_media(request.messages, Media(), self._choice.full_name)
        n_ctx, request = take_context_option(request)
        if self._http is None:
            server = EmbeddedServer(
                weights_of(self._choice), self._choice.model, n_ctx, verbose=self._verbose
            )
            self._http = HttpProvider(
                server.settings, openai.FORMAT, lambda: server.key, self._limits, self._notify
            )
        return self._http.stream(request)

    def preview(self, request: Request) -> dict[str, Any]:
        """What would be sent to the server, which is not started for it."""
        check_media(request.messages, Media(), self._choice.full_name)
        _, request = take_context_option(request)
        body = openai.FORMAT.payload(request, self._choice.provider.quirks)
        return {"method": "POST", "url": "(in this process)", "headers": {}, "body": body}

    def close(self) -> None:
        """Drop the connection; the server ends with the process."""
        if self._http:
            self._http.close()
            self._http = None
