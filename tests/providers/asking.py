"""Ask a provider one thing, and keep what came before it failed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hfs_cli.config import Config
from hfs_cli.config.keys import Key, KeySource
from hfs_cli.config.settings import PROVIDER_TYPES, ProviderConfig
from hfs_cli.errors import HfsError, UsageError
from hfs_cli.messages import ChatMessage, Delta, Event, Finish, Reasoning, Request, ToolSpec
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.formats.decode import ReplyDecoder
from hfs_cli.providers.formats.ndjson import NdjsonDecoder
from hfs_cli.providers.formats.wire import Quirks
from hfs_cli.providers.http.provider import HttpProvider
from hfs_cli.providers.http.send import Limits, RetryPolicy
from hfs_cli.providers.presets import ProviderSettings

CANARY = "sk-canary-0123456789abcdef"
# The formats that a server speaks, and `hfs` does not start.
WIRES = tuple(name for name in PROVIDER_TYPES if name != "local")
ASK = Request("m", (ChatMessage("user", "hi"),))


def frame(wire: str) -> tuple[str, str]:
    """What stands before and after each event of a format."""
    return ("", "\n") if load_format(wire).framer is NdjsonDecoder else ("data: ", "\n\n")


def framed(wire: str, *events: Any) -> bytes:
    """Events as a server of a format sends them: text as it is, anything else as JSON."""
    before, after = frame(wire)
    texts = (event if isinstance(event, str) else json.dumps(event) for event in events)
    return "".join(f"{before}{text}{after}" for text in texts).encode()


def content_type(wire: str) -> dict[str, str]:
    """The header of a streamed reply in a format."""
    lines = frame(wire)[0] == ""
    return {"Content-Type": "application/x-ndjson" if lines else "text/event-stream"}


def takes_tools(wire: str) -> bool:
    """Whether a format carries tools; one that does not refuses them."""
    tool = ToolSpec("clock", "The time.", {"type": "object", "properties": {}})
    try:
        load_format(wire).payload(ASK._replace(tools=(tool,)), Quirks())
    except UsageError:
        return False
    return True


@dataclass
class Answer:
    """What came of one request."""

    events: list[Event] = field(default_factory=list)
    batches: int = 0
    error: HfsError | None = None
    told: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return text_of(self.events)

    @property
    def reasoning(self) -> str:
        return text_of(self.events, Reasoning)

    @property
    def finish(self) -> Finish | None:
        return next((event for event in self.events if isinstance(event, Finish)), None)

    @property
    def exit_code(self) -> int:
        return self.error.exit_code if self.error else 0

    @property
    def message(self) -> str:
        return self.error.message if self.error else ""


def provider_at(
    base_url: str,
    *,
    wire: str = "openai",
    key: str | None = CANARY,
    limits: Limits | None = None,
    told: list[str] | None = None,
    ca_bundle: str | None = None,
    quirks: Quirks | None = None,
) -> HttpProvider:
    """A provider with quick retries and a key."""
    settings = ProviderSettings(
        name="vendor",
        type=wire,
        base_url=base_url,
        key=KeySource("vendor", "VENDOR_API_KEY"),
        docs="https://vendor.example/limits",
        ca_bundle=ca_bundle,
        quirks=quirks or Quirks(),
    )
    listener = told.append if told is not None else (lambda _: None)
    return HttpProvider(
        settings,
        load_format(wire),
        lambda: Key(key, "test") if key else None,
        limits or quick(),
        listener,
    )


def quick(retries: int = 2, **values: Any) -> Limits:
    """The limits of a turn, with waits that a test can afford."""
    defaults: dict[str, Any] = {"idle": 20.0, "retry": RetryPolicy(retries, first=0.01)}
    return Limits(**defaults | values)


def ask(provider: HttpProvider | str, request: Request = ASK, **settings) -> Answer:
    """Send one request to a provider (or to one at a URL) and collect all that comes."""
    answer = Answer()
    if isinstance(provider, str):
        provider = provider_at(provider, told=answer.told, **settings)
    try:
        for batch in provider.stream(request):
            answer.batches += 1
            answer.events += batch
    except HfsError as error:
        answer.error = error
    finally:
        provider.close()
    return answer


def configured(tmp_path: Path, **providers: dict[str, Any]) -> Config:
    """A configuration with these providers."""
    return Config(
        file=tmp_path / "config.toml",
        data_dir=tmp_path,
        providers={name: ProviderConfig(name, **values) for name, values in providers.items()},
    )


def decoded(
    wire: str, *chunks: bytes, request: Request = ASK
) -> tuple[list[Event], HfsError | None]:
    """The events of a body that comes in these chunks, and what went wrong."""
    form = load_format(wire)
    decoder = ReplyDecoder(form.framer(), form.decoder(request))
    events: list[Event] = []
    for chunk in chunks:
        events += decoder.feed(chunk)
        if decoder.fault or decoder.ended == "terminated":
            break
    else:
        events += decoder.rest()
    if decoder.fault:
        return events, decoder.fault
    try:
        return events + decoder.end(), decoder.fault
    except HfsError as error:
        return events, error


def text_of(events: Iterable[Event], kind: type[Delta | Reasoning] = Delta) -> str:
    """All text, or all reasoning, of these events."""
    return "".join(event.text for event in events if isinstance(event, kind))
