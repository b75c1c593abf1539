"""OpenAI's Responses, and the vendors that speak it too.

https://developers.openai.com/api/reference/resources/responses, as its library's types have it
(openai 3.57, `types/responses`). Nothing is kept by the vendor: ``store`` is always false, and
the whole conversation is sent with each turn, as in every other format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hfs_cli.errors import UsageError
from hfs_cli.messages import (
    Attachment,
    ChatMessage,
    Finish,
    Request,
)
from hfs_cli.providers.formats.decode import (
    CALLED,
    DECLINED,
    FAILED,
    FILTERED,
    LIMITED,
    STOPPED,
    Batch,
    Ending,
    parse,
    reported,
)
from hfs_cli.providers.formats.sse import SseDecoder
from hfs_cli.providers.formats.wire import (
    Media,
    Quirks,
    WireFormat,
    with_options,
)

_NAMES = {"max_tokens": "max_output_tokens"}
# Options of chat completions that have no place here; sent, they are a 400.
_ABSENT = frozenset({"stop", "seed", "n", "presence_penalty", "frequency_penalty", "logit_bias"})
# openai 3.57, types/responses/response.py (incomplete_details.reason), read 2026-11-25.
_INCOMPLETE: Mapping[str, Ending] = {
    "max_output_tokens": LIMITED,
    "content_filter": FILTERED,
    "max_messages": LIMITED._replace(note="the reply ends at the vendor's limit: ask for the rest"),
}
# The kinds of text, by the events that carry a piece of one and the whole of one.
_DELTAS = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning_summary_text.delta": "summary",
}
_PARTS = {name.removesuffix("delta") + "done": kind for name, kind in _DELTAS.items()}
_LAST = frozenset({"response.completed", "response.incomplete", "response.failed"})
# The same kinds in a whole item: what a part of its content is called.
_KINDS = {"output_text": "text", "refusal": "refusal", "reasoning_text": "reasoning"}


def payload(request: Request, quirks: Quirks) -> dict[str, Any]:
    """The body of a streamed response.

    Raises:
        UsageError: An option has no place in this format.
    """
    body: dict[str, Any] = {
        "model": request.model,
        "input": [_item(message) for message in request.messages],
        "stream": True,
        "store": False,  # the vendor's default is to keep replies for 30 days
    }
    system = request.system
    if request.schema is not None:
        from hfs_cli.providers.formats.schemas import asked_of, in_words, response_format

        asked = asked_of(request.schema, "responses", request.model, quirks.schema)
        form = response_format(asked)
        if asked.way == "in the prompt":
            system = in_words(asked.schema, system)
        if form and quirks.schema == "beside":
            # https://docs.perplexity.ai/docs/agent-api/output-control, read 2026-11-29.
            body["response_format"] = form
        elif form:
            body["text"] = {"format": {"type": form["type"], **form.get("json_schema", {})}}
    if system is not None:
        body["instructions"] = system
    return with_options(body, _options(request.options, body), _NAMES)


def _options(options: Mapping[str, object], body: Mapping[str, Any]) -> dict[str, object]:
    """The options as this format has them; two of chat completions moved into an object."""
    if absent := sorted(_ABSENT & {name for name, value in options.items() if value is not None}):
        raise UsageError(
            f"the Responses API takes no {' or '.join(absent)}: leave it out, or set the"
            ' provider\'s type to "openai" for chat completions'
        )
    taken = {name: value for name, value in options.items() if name not in _ABSENT}
    if (effort := taken.pop("reasoning_effort", None)) is not None:
        taken.setdefault("reasoning", {"effort": effort})
    if (verbosity := taken.pop("verbosity", None)) is not None:
        taken["text"] = {**body.get("text", {}), "verbosity": verbosity}
    return taken


def _item(message: ChatMessage) -> dict[str, Any]:
    content: str | list[dict[str, Any]] = message.content
    if message.attachments:
        parts = [{"type": "input_text", "text": message.content}] if message.content else []
        content = [*parts, *map(_part, message.attachments)]
    return {"type": "message", "role": message.role, "content": content}


def _part(attachment: Attachment) -> dict[str, Any]:
    from hfs_cli.providers.formats.media import data_url, kind_of

    if kind_of(attachment.media_type) == "image":
        return {"type": "input_image", "image_url": data_url(attachment), "detail": "auto"}
    if attachment.url:
        return {"type": "input_file", "file_url": attachment.url}
    return {"type": "input_file", "filename": attachment.name, "file_data": data_url(attachment)}


class ResponsesEvents:
    """Reads the events of a response, and a whole one.

    A text may come as deltas, once more whole when its part ends, again with its item, and again
    in the response that ends the stream; servers leave out any of these. So each level hands on
    only what no level below it has: with "He", "llo" as deltas all that follows is a repetition,
    and a summary that stands in ``output_item.done`` alone is read there.
    """

    def __init__(self) -> None:
        self.finish: Finish | None = None
        self.terminated = False
        self._refused = False
        self._called = False
        # What kinds of text have come: in the part, the item and the response that are open.
        self._in_part: set[str] = set()
        self._in_item: set[str] = set()
        self._in_response: set[str] = set()

    def decode(self, data: str, batch: Batch) -> None:
        """Add what one event says to the batch."""
        if data.startswith("[DONE]"):  # some gateways add it; the real end came before, or not
            return
        event = parse(data)
        name = event.get("type") or ""
        if kind := _DELTAS.get(name):
            self._piece(kind, event["delta"], batch)
        elif kind := _PARTS.get(name):
            self._part_done(kind, event.get("text") or event.get("refusal"), batch)
        elif name in _LAST:
            self._ended(event["response"], batch)
        elif not name and event.get("status") and "output" in event:  # a whole reply
            self._ended(event, batch)
        elif name == "error" or (not name and event.get("error")):
            raise reported(event.get("error") or event)
        else:
            self._between(name, event, batch)

    def _between(self, name: str, event: dict[str, Any], batch: Batch) -> None:
        """What stands between the texts: the items' beginnings and ends, and calls."""
        match name:
            case "response.output_item.added":
                self._in_part.clear()
                self._in_item.clear()
                if event["item"].get("type") == "function_call":
                    self._call(event["item"].get("name") or "", "", batch)
            case "response.output_item.done":
                self._item(event["item"], self._in_item, batch)
                self._in_item.clear()
            case "response.function_call_arguments.delta":
                self._in_item.add("arguments")
                batch.call("", event["delta"])
            case "response.output_text.annotation.added":
                batch.cite([event.get("annotation")])
            case "response.reasoning_summary_part.added" if event.get("summary_index"):
                batch.reasoning("\n\n")

    def _piece(self, kind: str, text: str, batch: Batch) -> None:
        for seen in (self._in_part, self._in_item, self._in_response):
            seen.add(kind)
        if kind == "refusal":
            self._refused = True
        (batch.text if kind in {"text", "refusal"} else batch.reasoning)(text)

    def _part_done(self, kind: str, text: str | None, batch: Batch) -> None:
        if text and kind not in self._in_part:
            self._piece(kind, text, batch)
        self._in_part.discard(kind)

    def _call(self, name: str, arguments: str, batch: Batch) -> None:
        self._called = True
        self._in_item.add("call")
        self._in_response.add("call")
        batch.call(name, arguments)

    def _item(self, item: dict[str, Any], seen: Iterable[str], batch: Batch) -> None:
        """Add what a whole item has and nothing before it had."""
        known = set(seen)
        for kind, text in _texts(item):
            if kind not in known:
                self._piece(kind, text, batch)
        if item.get("type") == "search_results":  # Perplexity's; the text says [1], [2], …
            batch.cite(item.get("results"))
        for part in item.get("content") or ():
            batch.cite(part.get("annotations"))
        if item.get("type") == "function_call":
            arguments = item.get("arguments") or ""
            if "call" not in known:
                self._call(item.get("name") or "", arguments, batch)
            elif "arguments" not in known and arguments:
                batch.call("", arguments)

    def _ended(self, response: dict[str, Any], batch: Batch) -> None:
        known = frozenset(self._in_response) | {"arguments"}
        for item in response.get("output") or ():
            self._item(item, known, batch)
        if usage := response.get("usage"):
            _count(batch.fields(usage), batch)
        match response.get("status"):
            case "completed" | None if self._refused:
                self.finish = DECLINED.finish("refusal")
            case "completed" | None:
                self.finish = (CALLED if self._called else STOPPED).finish("completed")
            case "incomplete":
                reason = (response.get("incomplete_details") or {}).get("reason") or "incomplete"
                self.finish = _INCOMPLETE.get(reason, FAILED).finish(reason)
            case "failed":
                raise reported(response.get("error") or "it failed")
            case str(status):
                self.finish = FAILED.finish(status)
        self.terminated = True


def _texts(item: dict[str, Any]) -> list[tuple[str, str]]:
    """The texts of a whole item, each with its kind."""
    summary = [("summary", part.get("text")) for part in item.get("summary") or ()]
    content = [
        (_KINDS.get(part.get("type")), part.get("text") or part.get("refusal"))
        for part in item.get("content") or ()
    ]
    return [(kind, text) for kind, text in (*summary, *content) if kind and text]


def _count(usage: Mapping[str, Any], batch: Batch) -> None:
    given = batch.fields(usage.get("input_tokens_details"))
    made = batch.fields(usage.get("output_tokens_details"))
    batch.usage(
        usage.get("input_tokens"),
        usage.get("output_tokens"),
        given.get("cached_tokens"),
        made.get("reasoning_tokens"),
    )


FORMAT = WireFormat(
    name="responses",
    path=lambda _: "/responses",
    headers=lambda key: {"Authorization": f"Bearer {key}"},
    payload=payload,
    framer=SseDecoder,
    decoder=lambda _: ResponsesEvents(),
    models_path="/models",
    media=Media(
        types=frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"}),
        urls=frozenset({"image", "pdf"}),
    ),
)
