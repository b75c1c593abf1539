"""What a wire format is: a pure payload builder, a pure event decoder, and where they go."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from hfs_cli.errors import UsageError
from hfs_cli.messages import ChatMessage, Finish, Request
from hfs_cli.providers.formats.decode import EventDecoder, Framer

if TYPE_CHECKING:
    from hfs_cli.providers.formats.calls import Numbered

MEGABYTE = 1_000_000
MAX_MESSAGE = 600
# A shorter header value, such as "1", is no secret and would match everywhere.
SHORTEST_SECRET = 4
SchemaWay = Literal["strict", "prompt", "anthropic", "openai"]


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


def shown(text: str, secrets: tuple[str, ...]) -> str:
    """A vendor's words as they may be shown: without secrets, and not too long.

    The secrets go first, so that none can be cut in two and slip through.
    """
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "[key]")
    return text if len(text) <= MAX_MESSAGE else text[:MAX_MESSAGE] + " …"


@dataclass(frozen=True, slots=True)
class WireFormat:
    """One row of the registry.

    Args:
        name: What ``type`` says in the configuration.
        media: The attachments it carries.
        path: Where a request goes, below the base URL.
        headers: The headers that carry a key, given the key.
        payload: The body of a request.
        framer: Makes the decoder of a streamed body.
        decoder: Makes the decoder of its events.
        schema: How its payload asks for a JSON Schema. ``strict``: the reply is held to it as it
            is; ``prompt``: in the system prompt; ``anthropic`` and ``openai``: as those do, by
            the model and by `Quirks.schema`.
        version: What a base URL mostly ends with, such as ``/v1``; empty where none does.
        models_path: Where its list of models is, below the base URL.
        fixed_headers: Headers of every request.
    """

    name: str
    path: Callable[[Request], str]
    headers: Callable[[str], Mapping[str, str]]
    payload: Callable[[Request, Quirks], dict[str, Any]]
    framer: Callable[[], Framer]
    decoder: Callable[[Request], EventDecoder]
    schema: SchemaWay
    version: str
    models_path: str
    media: Media
    fixed_headers: Mapping[str, str] = field(default_factory=dict)


class Events:
    """What the decoders of all formats share: how the reply ended, and the calls in it.

    Args:
        request: What is answered.
    """

    def __init__(self, request: Request) -> None:
        self.finish: Finish | None = None
        self.terminated = False
        self._request = request
        # None until the first: most replies have none, and do without what numbers them.
        self._calls: Numbered | None = None

    def _numbered(self) -> Numbered:
        """The calls of the reply, to which one is added."""
        if self._calls is None:
            from hfs_cli.providers.formats.calls import Numbered

            self._calls = Numbered(self._request)
        return self._calls

    def _kept(self, wire: str, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """What the vendor gave, as it is kept with the reply."""
        from hfs_cli.providers.formats.calls import kept

        return kept(self._request, wire, self._calls.ids if self._calls else (), values)


def history(request: Request, wire: str, call_ids: str) -> Sequence[ChatMessage]:
    """The messages of a request, with calls and state as the vendor takes them.

    Args:
        request: What is to be sent.
        wire: The format.
        call_ids: What the vendor takes for the id of a call, as a regular expression.
    """
    if not any(message.calls or message.state for message in request.messages):
        return request.messages
    from hfs_cli.providers.formats.calls import sendable

    return sendable(request, wire, call_ids)


def alternating(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The history as vendors with strict rules want it: roles in turn, nothing empty.

    Neighbours of one role are joined by a blank line, but for replies with calls or state.
    """
    joined: list[ChatMessage] = []
    for message in messages:
        if message.calls or message.state:
            joined.append(message)
            continue
        if not (message.content.strip() or message.attachments):
            continue
        last = joined[-1] if joined else None
        if last and last.role == message.role and not (last.calls or last.state):
            text = "\n\n".join(part for part in (last.content, message.content) if part)
            joined[-1] = last._replace(
                content=text, attachments=last.attachments + message.attachments
            )
        else:
            joined.append(message)
    return joined


def refuse_absent(options: Mapping[str, object], absent: Collection[str], who: str) -> None:
    """Refuse options that have no place in a format, before anything is sent.

    Raises:
        UsageError: One is among them.
    """
    found = sorted(name for name, value in options.items() if name in absent and value is not None)
    if found:
        raise UsageError(f"{who} takes no {' or '.join(found)}: leave it out")


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
