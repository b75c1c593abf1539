"""A provider over HTTP: what is sent, what is shown of it, and the reply that comes."""

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
from hfs_cli.providers.formats.wire import Context, WireFormat, shown
from hfs_cli.providers.http.client import (
    build_client,
    load_httpx,
    record_directory,
    replay_directory,
)
from hfs_cli.providers.http.exchange import Exchange, Head
from hfs_cli.providers.http.limits import Limits
from hfs_cli.providers.http.receive import (
    ACCEPTED,
    Answer,
    read_document,
    read_reply,
    read_whole,
)
from hfs_cli.providers.http.send import Sender, raise_unrecorded
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
        settings: Where it is.
        wire: The format it speaks.
        find_key: Looks its key up, when something is sent.
        limits: How long to wait.
        notify: Told of each wait before a retry.
        warn: Told of what the user should mend.
        known_models: The ids that the vendor last listed, for when it does not know one.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        wire: WireFormat,
        find_key: Callable[[], Key | None],
        limits: Limits,
        notify: Callable[[str], None],
        warn: Callable[[str], None] | None = None,
        known_models: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._settings = settings
        self._wire = wire
        self._find_key = find_key
        self._limits = limits
        self._notify = notify
        self._warn = warn or notify
        self._known_models = known_models
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
        """What would be sent, without a key and without sending it."""
        request = self._with_server_tools(request)
        self._check(request.messages)
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
        """Send one request and yield its events; see `hfs_cli.turn.run.Provider`."""
        path, payload = self.encode(request)
        return self._events(
            self._with_server_tools(request), self._builder("POST", path, _json_body(payload))
        )

    def encode(self, request: Request) -> tuple[str, dict[str, Any]]:
        """Where a request goes, below the base URL, and its body; nothing is sent.

        Raises:
            UsageError: It cannot be sent.
        """
        request = self._with_server_tools(request)
        self._check(request.messages)
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
        """Say what the user should know of the vendor's answers."""
        self._warn(shown(text, self.secrets))

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return self._context("", "").secrets

    def _with_server_tools(self, request: Request) -> Request:
        """The request with the vendor's own tools, if it may; some do that in another format.

        Raises:
            UsageError: The vendor has no such tool.
        """
        if not request.search and not request.code:
            return request
        from hfs_cli.providers.search import search_format, with_server_tools

        if (name := search_format(self._settings)) != self._settings.type:
            self._wire = load_format(name)
        return with_server_tools(self._settings, request)

    def models(self) -> list[Listed]:
        """The models that the provider offers, by their ids.

        Raises:
            HfsError: It cannot be asked, or its answer cannot be read.
        """
        from hfs_cli.providers.formats.listings import read_listing

        try:
            with self.answered("GET", self._wire.models_path) as answer:
                return read_listing(json.loads(read_whole(answer)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            message = f"{self._settings.name} sent no list of models that can be read"
            raise ProviderError(message) from error

    @contextlib.contextmanager
    def answered(
        self,
        method: str,
        path: str,
        *,
        model: str = "",
        body: Callable[[], Mapping[str, Any]] = dict,
    ) -> Iterator[Answer]:
        """Send what is not the request of a turn; the answer is there while the block runs.

        Args:
            method: The HTTP method.
            path: Where it goes, below the base URL.
            model: What errors name.
            body: Makes what httpx is given as the body, anew for each try.

        Raises:
            HfsError: It cannot be asked, or said no.
        """
        build = self._builder(method, path, body)
        context = self._context(model, self._settings.base_url + path)
        sender = self._sender(context)
        exchange, head = sender.send(build)
        with contextlib.closing(exchange):
            yield Answer(exchange, head, sender.deadline, context)

    def _events(
        self, request: Request, build: Callable[[], httpx.Request]
    ) -> Iterator[list[Event]]:
        context = self._context(request.model, self._settings.base_url + self.path(request))
        sender = self._sender(context)
        try:
            exchange, head = self._sent(sender, build, request.model)
        except (NotFoundError, ProviderError) as error:
            from hfs_cli.providers.formats.refusals import is_for_responses

            if self._wire.name != "openai" or not is_for_responses(error.message):
                raise
            exchange, head = self._sent_as_responses(sender, request)
        with contextlib.closing(exchange):
            decoder = self._decoder(request)
            yield from read_reply(Answer(exchange, head, sender.deadline, context), decoder)
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

    def _sent(
        self, sender: Sender, build: Callable[[], httpx.Request], model: str
    ) -> tuple[Exchange, Head]:
        """Send; the error for a model that does not exist names those like it."""
        try:
            return sender.send(build)
        except NotFoundError as error:
            from hfs_cli.wording import did_you_mean

            hint = self._replacement() if model == self._settings.model else ""
            hint = hint or did_you_mean(model, self._known_models(), 3)
            raise NotFoundError(error.what, error.advice + hint) from error

    def _replacement(self) -> str:
        """What to do about a default that its vendor serves no more, from the vendor's own list."""
        from hfs_cli.providers.listed import keep_listed, successor

        settings = self._settings
        try:
            models = self.models()
        except HfsError:
            return ""  # the refusal itself is what the user must know
        if replay_directory() is None:
            keep_listed(settings, models)
        assert settings.model
        found = successor(settings.model, [model.id for model in models])
        command = f"hfs config set providers.{settings.name}.model {found}"
        return (
            f"; it was the default of {settings.name}, and {found} follows it: {command}"
            if found
            else ""
        )

    def _sent_as_responses(self, sender: Sender, request: Request) -> tuple[Exchange, Head]:
        """Ask again where the endpoint said that the model is served, and keep to it."""
        from hfs_cli.providers.responses_only import remember

        self._wire = wire = load_format("responses")
        self._check(request.messages)
        payload = wire.payload(request, self._settings.quirks)
        build = self._builder("POST", self.path(request), _json_body(payload))
        answered = self._sent(sender, build, request.model)
        if replay_directory() is None:
            remember(self._settings.base_url, request.model)
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
        assert self._client
        return Sender(self._client, self._limits, context, self._notify)

    def close(self) -> None:
        """Drop the connections.

        Raises:
            OutputError: An exchange could not be recorded.
        """
        if self._client:
            self._client.close()
            self._client = None
            raise_unrecorded()

    def _builder(
        self, method: str, path: str, body: Callable[[], Mapping[str, Any]]
    ) -> Callable[[], httpx.Request]:
        """Make what builds the request for each try."""
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
            if "files" in given:  # httpx says what parts it is of
                own = {n: value for n, value in headers.items() if n != "Content-Type"}
            try:
                return client.build_request(method, url, headers=own, **given)
            except load_httpx().InvalidURL as error:  # a host that no name server can be asked for
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


def _json_body(payload: Mapping[str, Any]) -> Callable[[], Mapping[str, Any]]:
    """A body for each try of a request, encoded once."""
    content = encoded(payload)
    return lambda: {"content": content}


def encoded(payload: Mapping[str, Any]) -> bytes:
    """A body as JSON."""
    # Piece by piece, because one long string would hold a long prompt in memory once more.
    encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
    return b"".join(piece.encode() for piece in encoder.iterencode(payload))
