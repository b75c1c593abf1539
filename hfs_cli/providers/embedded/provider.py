"""The embedded model as a provider: its server starts with the first request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from hfs_cli.messages import ChatMessage, Event, Request
from hfs_cli.providers.choose import ModelChoice
from hfs_cli.providers.embedded import weights
from hfs_cli.providers.embedded.server import (
    EmbeddedServer,
    server_settings,
    take_context_option,
    weights_of,
)
from hfs_cli.providers.formats import local, openai
from hfs_cli.providers.formats.media import check_media
from hfs_cli.providers.formats.wire import Media
from hfs_cli.providers.http.client import replay_directory
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
        # The template of smollm2 has no place for tools.
        self._format = local.FORMAT if choice.model == weights.SMOLLM2.name else openai.FORMAT
        self._limits = limits
        self._notify = notify
        self._verbose = verbose
        self._http: HttpProvider | None = None
        self._starting = threading.Lock()

    def prepare(self, prompt: ChatMessage) -> None:
        """See that the runtime and the weights are there.

        Raises:
            UsageError: There is an attachment: the embedded models read text alone.
            ConfigError: They are not; the message has the command that fetches them.
        """
        check_media((prompt,), Media(), self._choice.full_name)
        if replay_directory() is None:
            weights_of(self._choice)

    def stream(self, request: Request) -> Iterator[list[Event]]:
        """Start the server if it does not run yet, and stream from it.

        Raises:
            UsageError: The option ``n_ctx`` is not a number of tokens, or a message of the
                session has an attachment.
        """
        check_media(request.messages, Media(), self._choice.full_name)
        n_ctx, request = take_context_option(request)
        with self._starting:
            if self._http is None:
                self._http = self._served(n_ctx)
        return self._http.stream(self._with_tools(request))

    def _served(self, n_ctx: int) -> HttpProvider:
        """The server, started; where recordings answer, the place that it would have."""
        if replay_directory() is not None:
            at = server_settings("http://127.0.0.1")
            return HttpProvider(at, self._format, lambda: None, self._limits, self._notify)
        server = EmbeddedServer(
            weights_of(self._choice), self._choice.model, n_ctx, verbose=self._verbose
        )
        return HttpProvider(
            server.settings, self._format, lambda: server.key, self._limits, self._notify
        )

    def preview(self, request: Request) -> dict[str, Any]:
        """What would be sent to the server, which is not started for it."""
        check_media(request.messages, Media(), self._choice.full_name)
        _, request = take_context_option(self._with_tools(request))
        body = self._format.payload(request, self._choice.provider.quirks)
        return {"method": "POST", "url": "(in this process)", "headers": {}, "body": body}

    def _with_tools(self, request: Request) -> Request:
        """The request as llama.cpp takes its tools: it can demand a tool, but not a certain one.

        https://github.com/ggml-org/llama.cpp/blob/master/docs/function-calling.md, read 2026-11-29.
        """
        if request.tool_choice is None or self._format is local.FORMAT:
            return request
        chosen = tuple(tool for tool in request.tools if tool.name == request.tool_choice)
        options = {**request.options, "tool_choice": "required"}
        return request._replace(tools=chosen, tool_choice=None, options=options)

    def close(self) -> None:
        """Drop the connection; the server ends with the process."""
        if self._http:
            self._http.close()
            self._http = None
