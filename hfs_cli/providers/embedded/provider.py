"""The embedded model as a provider: its server starts with the first request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
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
from hfs_cli.providers.formats.wire import Media, WireFormat
from hfs_cli.providers.http.client import replay_directory
from hfs_cli.providers.http.provider import HttpProvider
from hfs_cli.providers.http.send import Limits


class EmbeddedProvider:
    """The embedded model; its server starts with the first request.

    Args:
        choice: The model.
        limits: How long to wait.
        notify: Called with a line for each wait.
        verbose: Whether llama.cpp may log to standard error.
    """

    def __init__(
        self, choice: ModelChoice, limits: Limits, notify: Callable[[str], None], *, verbose: bool
    ) -> None:
        self._choice = choice
        self._limits = limits
        self._notify = notify
        self._verbose = verbose
        self._http: HttpProvider | None = None
        self._starting = threading.Lock()

    def prepare(self, prompt: ChatMessage) -> None:
        """Check that llama.cpp and the weights are installed.

        Raises:
            UsageError: There is an attachment: the embedded models only read text.
            ConfigError: Something is missing; the message has the command that installs it.
        """
        check_media((prompt,), Media(), self._choice.full_name)
        if replay_directory() is None:
            weights_of(self._choice)

    def stream(self, request: Request) -> Iterator[list[Event]]:
        """Start the server if it is not running, and stream from it.

        Raises:
            UsageError: The option ``n_ctx`` is not a number of tokens, or a message has an
                attachment.
        """
        check_media(request.messages, Media(), self._choice.full_name)
        # All requests of a turn have the same tools, and so the same format.
        wire, request = self._with_tools(request)
        n_ctx, request = take_context_option(request)
        with self._starting:
            if self._http is None:
                self._http = self._served(wire, n_ctx)
        return self._http.stream(request)

    def _served(self, wire: WireFormat, n_ctx: int) -> HttpProvider:
        """Start the server; with recordings, only its address is needed."""
        if replay_directory() is not None:
            at = server_settings("http://127.0.0.1")
            return HttpProvider(at, wire, lambda: None, self._limits, self._notify)
        server = EmbeddedServer(
            weights_of(self._choice), self._choice.model, n_ctx, verbose=self._verbose
        )
        return HttpProvider(server.settings, wire, lambda: server.key, self._limits, self._notify)

    def preview(self, request: Request) -> dict[str, Any]:
        """The request that would be sent; the server is not started."""
        check_media(request.messages, Media(), self._choice.full_name)
        wire, request = self._with_tools(request)
        _, request = take_context_option(request)
        body = wire.payload(request, self._choice.provider.quirks)
        return {"method": "POST", "url": "(in this process)", "headers": {}, "body": body}

    def _with_tools(self, request: Request) -> tuple[WireFormat, Request]:
        """The format and the request with tools in a form that llama.cpp accepts.

        It can demand a tool call, but not of a certain tool, so the others are left out
        (https://github.com/ggml-org/llama.cpp/blob/master/docs/function-calling.md, read
        2026-11-29). For models whose template has no place for tools, there is `local`.
        """
        if not request.tools:
            return openai.FORMAT, request
        if self._choice.model == weights.SMOLLM2.name:
            return local.FORMAT, request
        if (directory := replay_directory()) is not None:
            has_place = _recorded_with_tools(self._choice.full_name, Path(directory))
        else:
            has_place = weights.has_place_for_tools(weights_of(self._choice)) is not False
        if not has_place:
            return local.FORMAT, request
        if request.tool_choice is None:
            return openai.FORMAT, request
        chosen = tuple(tool for tool in request.tools if tool.name == request.tool_choice)
        options = {**request.options, "tool_choice": "required"}
        return openai.FORMAT, request._replace(tools=chosen, tool_choice=None, options=options)

    def close(self) -> None:
        """Close the connection; the server ends with the process."""
        if self._http:
            self._http.close()
            self._http = None


def _recorded_with_tools(model: str, directory: Path) -> bool:
    """Whether a model's template had a place for tools when it was recorded.

    With recordings, its weights need not be on this machine.
    """
    from hfs_cli.providers.http.recordings import read_recordings

    bodies = (one.request.body for one in read_recordings(directory) if one.model == model)
    return any(isinstance(body, dict) and "tools" in body for body in bodies)
