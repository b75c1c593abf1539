"""A provider over HTTP: what is sent, what is shown of it, and the reply that comes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from hfs_cli.keys import Key
from hfs_cli.messages import Event, Request
from hfs_cli.providers.client import build_client
from hfs_cli.providers.encoding import ACCEPTED
from hfs_cli.providers.failures import Context
from hfs_cli.providers.formats import ReplyDecoder, WireFormat
from hfs_cli.providers.replying import read_reply
from hfs_cli.providers.sending import Limits, Sender
from hfs_cli.providers.settings import ProviderSettings

if TYPE_CHECKING:
    import httpx


class HttpProvider:
    """A provider that is reached over HTTP.

    Args:
        settings: Where it is.
        wire: The format it speaks.
        find_key: Looks its key up, when something is sent.
        limits: How long to wait.
        notify: Told of each wait before a retry.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        wire: WireFormat,
        find_key: Callable[[], Key | None],
        limits: Limits,
        notify: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._wire = wire
        self._find_key = find_key
        self._limits = limits
        self._notify = notify
        self._key: Key | None = None
        self._prepared = False
        self._client: httpx.Client | None = None

    def prepare(self) -> None:
        """Find the key.

        Raises:
            CredentialsError, ConfigError: It is missing or cannot be sent.
        """
        if not self._prepared:
            self._key = self._find_key()
            self._prepared = True

    def preview(self, request: Request) -> dict[str, Any]:
        """What would be sent, without a key and without sending it."""
        headers = self._headers(None)
        if self._settings.key.required or self._settings.key.env_var:
            headers |= self._wire.headers("[key]")
        headers |= dict.fromkeys(self._settings.headers, "[set in the configuration]")
        return {
            "method": "POST",
            "url": self._url(request),
            "headers": headers,
            "body": self._wire.payload(request, self._settings.quirks),
        }

    def stream(self, request: Request) -> Iterator[list[Event]]:
        """Send one request and yield its events; see `hfs_cli.turn.Provider`."""
        self.prepare()
        key = self._key
        self._client = self._client or build_client(
            self._settings, self._limits.connect, self._limits.idle
        )
        context = self._context(request, key)
        sender = Sender(self._client, self._limits, context, self._notify)
        return self._events(sender, request, self._built(request, key), context)

    def _events(
        self,
        sender: Sender,
        request: Request,
        build: Callable[[], httpx.Request],
        context: Context,
    ) -> Iterator[list[Event]]:
        exchange, head = sender.send(build)
        with contextlib.closing(exchange):
            decoder = ReplyDecoder(self._wire.framer(), self._wire.decoder(request))
            yield from read_reply(exchange, head, decoder, sender.deadline, context)

    def close(self) -> None:
        """Drop the connections."""
        if self._client:
            self._client.close()
            self._client = None

    def _built(self, request: Request, key: Key | None) -> Callable[[], httpx.Request]:
        import json

        assert self._client
        body = json.dumps(
            self._wire.payload(request, self._settings.quirks),
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        headers, url, client = self._headers(key), self._url(request), self._client
        return lambda: client.build_request("POST", url, headers=headers, content=body)

    def _url(self, request: Request) -> str:
        url = self._settings.base_url + self._wire.path(request)
        if not self._settings.query:
            return url
        from urllib.parse import urlencode

        return f"{url}{'&' if '?' in url else '?'}{urlencode(self._settings.query)}"

    def _headers(self, key: Key | None) -> dict[str, str]:
        from hfs_cli import __version__

        headers = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream, application/x-ndjson, application/json",
            "Accept-Encoding": ACCEPTED,
            "User-Agent": f"hfs/{__version__}",
        }
        headers |= self._wire.fixed_headers
        if key:
            headers |= self._wire.headers(key.value)
        return {**headers, **self._settings.headers}

    def _context(self, request: Request, key: Key | None) -> Context:
        settings = self._settings
        return Context(
            provider=settings.name,
            model=request.model,
            key_hint=settings.key.hint,
            docs=settings.docs,
            secrets=((key.value,) if key else ()) + tuple(settings.headers.values()),
        )
