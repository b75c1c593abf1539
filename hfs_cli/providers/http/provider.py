"""A provider over HTTP: build its requests, send them, and decode the replies."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, urlencode

from hfs_cli.config.keys import Key
from hfs_cli.errors import ConfigError, HfsError, NotFoundError, ProviderError
from hfs_cli.messages import ChatMessage, Event, Request
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.formats.decode import ReplyDecoder
from hfs_cli.providers.formats.wire import Context, WireFormat, presentable
from hfs_cli.providers.http.client import (
    build_client,
    load_httpx,
    record_directory,
    replay_directory,
)
from hfs_cli.providers.http.exchange import Exchange, Head
from hfs_cli.providers.http.receive import ACCEPTED, Answer, read_document, read_reply
from hfs_cli.providers.http.send import Limits, Sender, raise_unrecorded
from hfs_cli.providers.presets import ProviderSettings, is_loopback

if TYPE_CHECKING:
    import httpx

    from hfs_cli.providers.formats.listings import Listed

# A reply ends before its body does; usually both ends come in one packet.
SETTLE_SECONDS = 1.0
_SECRET_NAME = re.compile(r"key|token|secret|sig|auth|pass", re.IGNORECASE)


class HttpProvider:
    """A provider that is reached over HTTP; many threads may ask it at once.

    Args:
        settings: Its address, headers and quirks.
        wire: The format that it speaks.
        find_key: Looks the key up, once something is sent.
        limits: How long to wait and how often to retry.
        notify: Called with a line for each wait before a retry.
        warn: Called with what the user should correct; `notify` if None.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        wire: WireFormat,
        find_key: Callable[[], Key | None],
        limits: Limits,
        notify: Callable[[str], None],
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self._settings = settings
        self._wire = wire
        self._find_key = find_key
        self._limits = limits
        self._notify = notify
        self._warn = warn or notify
        self._key: Key | None = None
        self._client: httpx.Client | None = None
        self._opening = threading.Lock()

    def prepare(self, prompt: ChatMessage) -> None:
        """Check the attachments, find the key and open the client; nothing is sent.

        Raises:
            UsageError: An attachment cannot be sent.
            CredentialsError, ConfigError: The key is missing or cannot be sent, or a proxy or
                a certificate file cannot be used.
        """
        self._check((prompt,))
        self._open()

    def preview(self, request: Request) -> dict[str, Any]:
        """The request that would be sent, without the key."""
        request = self._ready(request)
        headers = self._headers(None)
        shown = None
        if self._settings.key.required or self._settings.key.env_var:
            shown = "[key]"
            headers |= self._key_headers(shown)
        headers |= dict.fromkeys(self._settings.headers, "[set in the configuration]")
        return {
            "method": "POST",
            "url": self._url(
                self.path(request), dict.fromkeys(self._secret_parameters(shown), "[key]")
            ),
            "headers": headers,
            "body": self._wire.payload(request, self._settings.quirks),
        }

    def stream(self, request: Request) -> Iterator[list[Event]]:
        """Send one request and yield its events; see `hfs_cli.turn.protocols.Provider`."""
        request = self._ready(request)
        return self._events(request, self._turn_builder(request))

    def encode(self, request: Request) -> tuple[str, dict[str, Any]]:
        """The path of a request, below the base URL, and its body; nothing is sent.

        Raises:
            UsageError: It cannot be sent.
        """
        request = self._ready(request)
        return self.path(request), self._wire.payload(request, self._settings.quirks)

    def read(self, request: Request, data: bytes) -> Iterator[list[Event]]:
        """The events of a complete reply that came as a part of a larger answer.

        Args:
            request: The request that it answers.
            data: The reply, as JSON.
        """
        decoder = self._decoder(request)
        yield from read_document(data, decoder, self._context(request.model, ""))
        self._warn_of(decoder)

    def refused(self, status: int, body: bytes, model: str) -> HfsError:
        """The error for a refusal that came as a part of a larger answer."""
        from hfs_cli.providers.formats.refusals import refusal

        return refusal(status, body, self._context(model, self._settings.base_url))

    @property
    def name(self) -> str:
        """The provider's name."""
        return self._settings.name

    def warn(self, text: str) -> None:
        """Warn the user about the vendor's answers; secrets are left out."""
        self._warn(presentable(text, self.secrets))

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return self._context("", "").secrets

    def _ready(self, request: Request) -> Request:
        """Add the vendor's own tools that the request allows, and check its attachments.

        Raises:
            UsageError: The vendor has no such tool, or does not accept an attachment.
        """
        if request.search or request.code:
            from hfs_cli.providers.search import search_format, with_server_tools

            if (name := search_format(self._settings)) != self._settings.type:
                self._wire = load_format(name)
            request = with_server_tools(self._settings, request)
        self._check(request.messages)
        return request

    def models(self) -> list[Listed]:
        """The models that the provider offers, sorted by id.

        Raises:
            HfsError: The provider cannot be asked, or its answer cannot be read.
        """
        from hfs_cli.providers.http.listing import read_models

        with self.answered("GET", self._wire.models_path) as answer:
            return read_models(answer, self.name)

    @contextlib.contextmanager
    def answered(
        self,
        method: str,
        path: str,
        *,
        model: str = "",
        body: Callable[[], Mapping[str, Any]] = dict,
    ) -> Iterator[Answer]:
        """Send a request other than that of a turn; the answer can be read while the block runs.

        Args:
            method: The HTTP method.
            path: The path below the base URL.
            model: The model, for errors.
            body: Makes httpx's arguments for the body, anew for each try.

        Raises:
            HfsError: The provider cannot be asked, or refused.
        """
        build = self._builder(method, path, body)
        context = self._context(model, self._settings.base_url + path)
        sender = self._sender(context)
        exchange, head = sender.send(build)
        with contextlib.closing(exchange):
            yield Answer(exchange, head, sender.deadline, context, self._limits.idle)

    def _events(
        self, request: Request, build: Callable[[], httpx.Request]
    ) -> Iterator[list[Event]]:
        context = self._context(request.model, self._settings.base_url + self.path(request))
        sender = self._sender(context)
        try:
            exchange, head = self._send(sender, build, request.model)
        except (NotFoundError, ProviderError) as error:
            from hfs_cli.providers.formats.refusals import is_for_responses

            if self._wire.name != "openai" or not is_for_responses(error.message):
                raise
            exchange, head = self._send_as_responses(sender, request)
        with contextlib.closing(exchange):
            decoder = self._decoder(request)
            answer = Answer(exchange, head, sender.deadline, context, self._limits.idle)
            yield from read_reply(answer, decoder)
            if self._limits.pace is not None or record_directory():
                exchange.settle(time.monotonic() + SETTLE_SECONDS)
            self._warn_of(decoder)

    def _decoder(self, request: Request) -> ReplyDecoder:
        return ReplyDecoder(
            self._wire.framer(),
            self._wire.decoder(request),
            think_tags=self._settings.quirks.think_tags,
        )

    def _warn_of(self, decoder: ReplyDecoder) -> None:
        if decoder.odd_counts:
            name = self._settings.name
            self._warn(f"{name} sent token counts that are not numbers: left out")

    def _send(
        self, sender: Sender, build: Callable[[], httpx.Request], model: str
    ) -> tuple[Exchange, Head]:
        """Send a turn's request; the error for an unknown model suggests similar ones."""
        try:
            return sender.send(build)
        except NotFoundError as error:
            from hfs_cli.providers.http.listing import replacement_hint
            from hfs_cli.providers.listed import last_listed
            from hfs_cli.wording import did_you_mean

            settings = self._settings
            hint = replacement_hint(self.models, settings) if model == settings.model else ""
            # A vendor may list a model that it then refuses, to this key for example.
            others = [name for name in last_listed(settings) if name != model]
            hint = hint or did_you_mean(model, others, 3)
            raise NotFoundError(error.what, error.advice + hint) from error

    def _send_as_responses(self, sender: Sender, request: Request) -> tuple[Exchange, Head]:
        """Ask again over Responses, where the model is served, and use that from now on."""
        from hfs_cli.providers.listed import remember_responses_only

        self._wire = load_format("responses")
        self._check(request.messages)
        answered = self._send(sender, self._turn_builder(request), request.model)
        if replay_directory() is None:
            remember_responses_only(self._settings.base_url, request.model)
        return answered

    def _check(self, messages: Iterable[ChatMessage]) -> None:
        if any(message.attachments for message in messages):
            from hfs_cli.providers.formats.media import check_media

            media = self._wire.media
            if self._settings.quirks.parts == "mistral":
                media = replace(media, urls=media.urls | {"pdf"})
            check_media(messages, media, self._settings.name)

    def _open(self) -> httpx.Client:
        """The client; the first call finds the key and makes it."""
        with self._opening:
            if self._client is None:
                # Recordings need no key.
                self._key = self._find_key() if replay_directory() is None else None
                limits = self._limits
                width = limits.pace.width if limits.pace else None
                self._client = build_client(self._settings, limits.connect, limits.idle, width)
            return self._client

    def _sender(self, context: Context) -> Sender:
        return Sender(self._open(), self._limits, context, self._notify)

    def close(self) -> None:
        """Drop the connections.

        Raises:
            OutputError: An exchange could not be recorded.
        """
        if self._client:
            self._client.close()
            self._client = None
            raise_unrecorded()

    def _turn_builder(self, request: Request) -> Callable[[], httpx.Request]:
        """What builds the request of a turn for each try; the body is encoded only once."""
        content = encoded(self._wire.payload(request, self._settings.quirks))
        return self._builder("POST", self.path(request), lambda: {"content": content})

    def _builder(
        self, method: str, path: str, body: Callable[[], Mapping[str, Any]]
    ) -> Callable[[], httpx.Request]:
        """What builds a request for each try."""
        client = self._open()
        url = self._url(path, self._key_parameters(self._key.value if self._key else None))
        if self._key and self._settings.base_url.startswith("http:") and not is_loopback(url):
            self._warn(
                f"the key for {self._settings.name} travels unencrypted: base_url is http://"
            )
        headers = self._headers(self._key)

        def build() -> httpx.Request:
            given = body()
            own = headers
            if "files" in given:  # httpx names the boundary between the parts
                own = {n: value for n, value in headers.items() if n != "Content-Type"}
            try:
                return client.build_request(method, url, headers=own, **given)
            # A host that cannot be looked up, such as ☃.example or xn--a (idna's own error).
            except (load_httpx().InvalidURL, UnicodeError) as error:
                raise ConfigError(
                    f"base_url of {self._settings.name} is not an address: check its host"
                ) from error

        return build

    def path(self, request: Request) -> str:
        """The path of a request, below the base URL."""
        if self._settings.quirks.in_path:
            return f"/models/{quote(request.model)}:streamRawPredict"
        return self._wire.path(request)

    def _url(self, path: str, more: Mapping[str, str]) -> str:
        """The URL of a request; parameters in `more` are added, or replace configured ones."""
        url = self._settings.base_url + path
        parameters = {**self._settings.query, **more}
        if not parameters:
            return url
        query = urlencode(parameters, safe="[]")
        return f"{url}{'&' if '?' in url else '?'}{query}"

    def _secret_parameters(self, key: str | None) -> dict[str, str]:
        """The query parameters that are secret, by the look of their names."""
        query = self._settings.query
        given = {name: query[name] for name in query if _SECRET_NAME.search(name)}
        return given | self._key_parameters(key)

    def _key_parameters(self, key: str | None) -> dict[str, str]:
        return {"key": key} if key and self._settings.quirks.auth == "query" else {}

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
            headers |= self._key_headers(key.value)
        return {**headers, **self._settings.headers}

    def _key_headers(self, value: str) -> Mapping[str, str]:
        quirks = self._settings.quirks
        match quirks.auth:
            case _ if quirks.key_header:
                return {quirks.key_header: value}
            case "query":
                return {}
            case "bearer":
                return {"Authorization": f"Bearer {value}"}
            case str(header):
                return {header: value}
        return self._wire.headers(value)

    def _context(self, model: str, url: str) -> Context:
        settings, key = self._settings, self._key
        given = [*settings.headers.values(), *self._secret_parameters(None).values()]
        if key:
            given.append(key.value)
        return Context(
            provider=settings.name,
            model=model,
            key_hint=settings.key.hint,
            docs=settings.docs,
            secrets=tuple(form for secret in given for form in {secret, quote_plus(secret)}),
            url=url.partition("?")[0],
            base_url=settings.base_url,
            version=self._wire.version,
        )


def encoded(payload: Mapping[str, Any]) -> bytes:
    """A body as JSON."""
    # Piece by piece, because one long string would hold a long prompt in memory once more.
    encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
    return b"".join(piece.encode() for piece in encoder.iterencode(payload))
