"""What a wire format is, and the parts that several formats share. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from hfs_cli.errors import UsageError
from hfs_cli.messages import ChatMessage, Finish, Request
from hfs_cli.providers.formats.sse import SseDecoder

if TYPE_CHECKING:
    from hfs_cli.providers.formats.calls import CallTracker
    from hfs_cli.providers.formats.events import Batch

MEGABYTE = 1_000_000
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
PDF = frozenset({"application/pdf"})
SOUND = frozenset({"audio/mpeg", "audio/wav"})
MAX_MESSAGE = 600
# A shorter header value, such as "1", is no secret and would match everywhere.
SHORTEST_SECRET = 4
SchemaWay = Literal["strict", "anthropic", "openai"]


@dataclass(frozen=True, slots=True)
class Media:
    """The attachments that a format carries.

    Args:
        types: Their media types.
        urls: The kinds (``image``, ``pdf``, ``audio``) that the vendor itself fetches from a URL.
        most_bytes: The most bytes of all attachments of a request together, encoded as sent.
        most_each: The most bytes of one attachment, by kind.
    """

    types: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()
    most_bytes: int = 50 * MEGABYTE
    most_each: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quirks:
    """How a vendor deviates from the format that it speaks.

    Args:
        max_tokens: Its name for the limit on output tokens.
        seed: Its name for the sampling seed.
        stream_usage: Whether a streaming request must ask for usage.
        auth: How the key is sent, one of `hfs_cli.config.settings.AUTH`; None is the format's way.
        key_header: The header that carries the bare key instead.
        think_tags: Whether the text may begin with reasoning between ``<think>`` tags.
        schema: How it takes a JSON Schema. ``strict``: as OpenAI does, rewritten if need be;
            ``plain``: any schema as it is; ``shown``: any schema, without enforcing it;
            ``object``: JSON mode, with the schema in the prompt; ``prompt``: in the prompt alone;
            ``beside``: strict, in ``response_format`` instead of ``text.format`` (Responses);
            ``groq``: depends on the model.
        call_ids: A regular expression that the id of a tool call must match.
        demands_reasoning: Whether a message that calls tools must have ``reasoning_content``.
        encrypted_reasoning: Whether it returns encrypted reasoning when asked to.
        parts: Whose names the parts of a message use: ``openai`` or ``mistral``.
        cache: How to ask it to cache the conversation for the next turn. ``marks``: with
            Anthropic's marks on blocks; ``automatic``: with a mark on the system prompt alone, as
            the vendor finds the rest; ``key``: with ``prompt_cache_key``; empty: not at all.
        in_path: Whether the URL names the model instead of the body, as for Claude on Google
            Cloud.
    """

    max_tokens: str = "max_tokens"
    seed: str = "seed"
    stream_usage: bool = True
    auth: str | None = None
    key_header: str | None = None
    think_tags: bool = False
    schema: str = "strict"
    call_ids: str = r"[A-Za-z0-9_.:-]{1,40}"
    demands_reasoning: bool = False
    encrypted_reasoning: bool = True
    parts: str = "openai"
    cache: str = ""
    in_path: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What error messages need to know of a request.

    Args:
        provider: The provider's name.
        model: The vendor's model id.
        key_hint: What to do about a key that is refused.
        docs: The vendor's page about quotas, or None.
        secrets: Strings that must never be shown.
        url: The URL of the request, without its query.
        base_url: The provider's base URL.
        version: What a base URL of the format usually ends with; see `WireFormat.version`.
    """

    provider: str
    model: str
    key_hint: str
    docs: str | None = None
    secrets: tuple[str, ...] = ()
    url: str = ""
    base_url: str = ""
    version: str = ""


def presentable(text: str, secrets: tuple[str, ...]) -> str:
    """A vendor's words without secrets, shortened if need be.

    Secrets are replaced before the text is cut: half a secret would not be found.
    """
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "[key]")
    return text if len(text) <= MAX_MESSAGE else text[:MAX_MESSAGE] + " …"


class Framer(Protocol):
    """Cuts a body into events."""

    def feed(self, chunk: bytes) -> list[str]:
        """Take the next bytes; returns the events that they complete.

        Raises:
            IncompleteReplyError: An event is larger than the limit.
        """
        ...

    def end(self) -> list[str]:
        """The events that the end of the body completes."""
        ...


@dataclass(frozen=True, slots=True)
class WireFormat:
    """A wire format; what a field is by default, chat completions and others have in common.

    Args:
        name: The provider's ``type`` in the configuration.
        path: The path of a request below the base URL.
        headers: The headers that carry a key, given the key.
        body: The body of a request, for `payload`. It meets calls in the history only where the
            request declares tools; if the format carries none, it refuses these.
        framer: Makes what cuts a streamed body into events.
        decoder: Makes what decodes the events.
        schema: How the payload asks for a JSON Schema. ``strict``: the vendor enforces the schema
            as it is; ``anthropic`` and ``openai``: in those vendors' ways, which depend on the
            model and on `Quirks.schema`.
        version: What a base URL usually ends with, such as ``/v1``; empty where none does.
        models_path: The path of the list of models below the base URL.
        media: The attachments that it carries.
        fixed_headers: Headers of every request.
        call_ids: A regular expression that the ids of tool calls must match; None where it is that
            of `Quirks`.
        keeps: What `Events.state` keeps of a reply to be given back, by name, with its type; a
            list holds objects. A state in which one is missing or of another type is left out,
            for an imported message may hold anything.
        may_keep: The same, for what a state may lack.
    """

    name: str
    path: Callable[[Request], str]
    body: Callable[[Request, Quirks], dict[str, Any]]
    decoder: Callable[[Request], Events]
    schema: SchemaWay
    media: Media
    headers: Callable[[str], Mapping[str, str]] = lambda key: {"Authorization": f"Bearer {key}"}
    framer: Callable[[], Framer] = SseDecoder
    version: str = "/v1"
    models_path: str = "/models"
    fixed_headers: Mapping[str, str] = field(default_factory=dict)
    call_ids: str | None = None
    keeps: Mapping[str, type] = field(default_factory=dict)
    may_keep: Mapping[str, type] = field(default_factory=dict)

    def payload(self, request: Request, quirks: Quirks) -> dict[str, Any]:
        """The body of a request.

        Raises:
            UsageError: The request has what the format cannot carry.
        """
        return self.body(self.accepted(request, quirks.call_ids), quirks)

    def accepted(self, request: Request, call_ids: str = "") -> Request:
        """A request whose calls and state are in a form that the vendor accepts.

        Args:
            request: As it was asked.
            call_ids: As of `Quirks`, for a format without its own.
        """
        if not any(message.calls or message.state for message in request.messages):
            return request
        from hfs_cli.providers.formats.calls import sendable

        messages = sendable(
            request, self.call_ids or call_ids, lambda message: self.takes_back(message, request)
        )
        return request._replace(messages=tuple(messages))

    def takes_back(self, message: ChatMessage, request: Request) -> bool:
        """Whether the state of a message can be sent back with a request.

        It can only go to the provider and model that gave it, in the same format, and if its calls
        are those of the message: imported messages may hold anything. A reply that was paused has
        one state for each part.
        """
        state = message.state
        if state is None or state.provider != request.provider or not state.items:
            return False
        if len(state.items) > 1 and self.name != "anthropic":
            return False
        types = {**self.keeps, **self.may_keep}
        ids: list[object] = []
        for made in state.items:
            kept_ids = made.get("ids")
            ids += kept_ids if isinstance(kept_ids, list) else [None]
            if not (
                made.get("format") == self.name
                and made.get("model") == request.model
                and self.keeps.keys() <= made.keys()
                and all(_fits(made[name], types[name]) for name in types.keys() & made.keys())
            ):
                return False
        return ids == [call.id for call in message.calls]


def _fits(value: object, type_: type) -> bool:
    if type_ is list:
        return isinstance(value, list) and all(isinstance(item, dict) for item in value)
    return isinstance(value, type_)


class Events(ABC):
    """Base of the decoders that turn a vendor's events, given as text, into ours.

    Args:
        request: The request that the reply answers.

    Attributes:
        finish: Why the reply ended, once the vendor has said so.
        terminated: Whether the vendor's end marker has come, which nothing follows.
    """

    def __init__(self, request: Request) -> None:
        self.finish: Finish | None = None
        self.terminated = False
        self._request = request
        # None until the first call, so that a reply without any need not import the class.
        self._calls: CallTracker | None = None

    @abstractmethod
    def decode(self, data: str, batch: Batch) -> None:
        """Add what one event says to the batch.

        Raises:
            ProviderError: It reports an error.
            IncompleteReplyError: It is malformed.
        """

    def state(self) -> Mapping[str, Any] | None:
        """What the vendor wants back with the reply, once it has ended; see `State`."""
        return None

    def _tracker(self) -> CallTracker:
        """The calls of the reply, about to get another one."""
        if self._calls is None:
            from hfs_cli.providers.formats.calls import CallTracker

            self._calls = CallTracker(self._request)
        return self._calls

    def _state_of(self, wire: str, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The state to keep with the reply, made of what the vendor gave."""
        from hfs_cli.providers.formats.calls import state_of

        return state_of(self._request, wire, self._calls.ids if self._calls else (), values)


def alternating(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The history as strict vendors want it: alternating roles and no empty messages.

    Consecutive messages of one role are joined with a blank line, except replies with calls or
    state.
    """
    kept: list[ChatMessage] = []
    for message in messages:
        if message.calls or message.state:
            kept.append(message)
            continue
        if not (message.content.strip() or message.attachments):
            continue
        last = kept[-1] if kept else None
        if last and last.role == message.role and not (last.calls or last.state):
            text = "\n\n".join(part for part in (last.content, message.content) if part)
            attachments = last.attachments + message.attachments
            kept[-1] = last._replace(content=text, attachments=attachments)
        else:
            kept.append(message)
    return kept


def refuse_absent(
    options: Mapping[str, object], absent: Collection[str], who: str, instead: str = ""
) -> None:
    """Refuse options that a format does not have, before anything is sent.

    Args:
        options: The options of the request.
        absent: The options that the format does not have.
        who: The vendor's API, for the message.
        instead: How the message goes on after "leave it out".

    Raises:
        UsageError: An option is set that the format does not have.
    """
    found = sorted(name for name, value in options.items() if name in absent and value is not None)
    if found:
        raise UsageError(f"{who} takes no {' or '.join(found)}: leave it out{instead}")


def with_options(
    payload: dict[str, Any], options: Mapping[str, object], names: Mapping[str, str]
) -> dict[str, Any]:
    """Add options to a payload; an option that is None removes its key.

    Tools among the options are the vendor's own, and are added to the declared ones.

    Args:
        payload: The body of a request.
        options: The options by their common names.
        names: The vendor's names for them, where these differ.
    """
    merged = payload | {names.get(name, name): value for name, value in options.items()}
    if "tools" in payload and isinstance(vendors := options.get("tools"), list):
        merged["tools"] = [*payload["tools"], *vendors]
    return {name: value for name, value in merged.items() if value is not None}
