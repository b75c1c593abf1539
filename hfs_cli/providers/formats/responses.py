"""OpenAI's Responses, which other vendors speak too.

https://developers.openai.com/api/reference/resources/responses, and the types of OpenAI's library
(openai 3.57, `types/responses`). The vendor stores nothing: ``store`` is always false, and each
turn sends the whole conversation, as in every other format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from hfs_cli.messages import Attachment, ChatMessage, Request
from hfs_cli.providers.formats.events import (
    CALLED,
    DECLINED,
    FAILED,
    FILTERED,
    LIMITED,
    STOPPED,
    Batch,
    Ending,
    malformed,
    parse,
    reported,
)
from hfs_cli.providers.formats.wire import (
    IMAGES,
    PDF,
    Events,
    Media,
    Quirks,
    WireFormat,
    refuse_absent,
    with_options,
)

_NAMES = {"max_tokens": "max_output_tokens"}
# Options of chat completions that this format answers with a 400.
_ABSENT = frozenset({"stop", "seed", "n", "presence_penalty", "frequency_penalty", "logit_bias"})
# openai 3.57, types/responses/response.py (incomplete_details.reason), read 2026-11-25.
_INCOMPLETE: Mapping[str, Ending] = {
    "max_output_tokens": LIMITED,
    "content_filter": FILTERED,
    "max_messages": LIMITED._replace(note="the reply ends at the vendor's limit: ask for the rest"),
}
# The kinds of text, by the events that carry a piece of it and all of it.
_DELTAS = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning_summary_text.delta": "summary",
}
_PARTS = {name.removesuffix("delta") + "done": kind for name, kind in _DELTAS.items()}
_LAST = frozenset({"response.completed", "response.incomplete", "response.failed"})
# The same kinds, by the type of a part in a complete item.
_KINDS = {"output_text": "text", "refusal": "refusal", "reasoning_text": "reasoning"}
# Models that do not reason, and refuse a request for encrypted reasoning.
_NOT_REASONING = re.compile(r"gpt-[34]|chat")


def payload(request: Request, quirks: Quirks) -> dict[str, Any]:
    """The body of a streamed response.

    Raises:
        UsageError: An option has no place in this format.
    """
    body: dict[str, Any] = {
        "model": request.model,
        "input": _input(request),
        "stream": True,
        "store": False,  # the vendor's default is to keep replies for 30 days
    }
    if quirks.encrypted_reasoning and not _NOT_REASONING.search(request.model):
        body["include"] = ["reasoning.encrypted_content"]
    system = request.system
    if request.schema is not None:
        from hfs_cli.providers.formats.schemas import form_and_system

        form, system = form_and_system(request.schema, request.model, quirks.schema, system)
        if form and quirks.schema == "beside":
            # https://docs.perplexity.ai/docs/agent-api/output-control, read 2026-11-29.
            body["response_format"] = form
        elif form:
            body["text"] = {"format": {"type": form["type"], **form.get("json_schema", {})}}
    if system is not None:
        body["instructions"] = system
    if request.tools:
        from hfs_cli.providers.formats.strict import is_strict

        body["tools"] = [
            {"type": "function", **tool._asdict(), "strict": is_strict(tool.parameters)}
            for tool in request.tools
        ]
        if request.tool_choice:
            body["tool_choice"] = {"type": "function", "name": request.tool_choice}
    if request.cache and quirks.cache == "key":
        body["prompt_cache_key"] = request.cache
    return with_options(body, _options(request.options, body), _NAMES)


def _input(request: Request) -> list[dict[str, Any]]:
    """The conversation as items; kept items of a reply go back in order, as they came.

    https://developers.openai.com/api/docs/guides/reasoning (openai 3.57,
    response_reasoning_item_param.py), read 2026-11-29.
    """
    items: list[dict[str, Any]] = []
    for message in request.messages:
        if message.state:
            items += message.state.items[0]["output"]  # type: ignore[arg-type]  # our own
        elif message.content or message.attachments or not message.calls:
            items.append(_item(message))
        if message.calls:
            from hfs_cli.providers.formats.calls import result_text

            if not message.state:
                items += [
                    {
                        "type": "function_call",
                        "call_id": call.id,
                        "name": call.name,
                        "arguments": call.arguments,
                    }
                    for call in message.calls
                ]
            items += [
                {"type": "function_call_output", "call_id": call.id, "output": result_text(call)}
                for call in message.calls
            ]
    return items


def _options(options: Mapping[str, object], body: Mapping[str, Any]) -> dict[str, object]:
    """The options in this format, where two of chat completions belong into objects."""
    instead = ', or set the provider\'s type to "openai" for chat completions'
    refuse_absent(options, _ABSENT, "the Responses API", instead)
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


class ResponsesEvents(Events):
    """Decodes a response, streamed or whole.

    A text can come up to four times: as deltas, complete when its part ends, again with its item,
    and again in the response that ends the stream. Servers leave out any of these. So each level
    only adds texts of kinds that no earlier level had: after the deltas "He", "llo" the rest is
    repetition, but a summary that only ``output_item.done`` has is read there.
    """

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._refused = False
        self._output: list[dict[str, Any]] = []
        # The calls that have begun, and those that have arguments, by the numbers of their items.
        self._begun: set[object] = set()
        self._filled: set[object] = set()
        # The kinds of text that have come in the current part, item and response.
        self._in_part: set[str] = set()
        self._in_item: set[str] = set()
        self._in_response: set[str] = set()

    def decode(self, data: str, batch: Batch) -> None:
        """Add what one event says to the batch."""
        if data.lstrip().startswith("[DONE]"):  # some gateways add it; it does not end a response
            return
        event = parse(data)
        name = event.get("type") or ""
        if kind := _DELTAS.get(name):
            self._piece(kind, event["delta"], batch)
        elif kind := _PARTS.get(name):
            text = event.get("text") or event.get("refusal")
            if text and kind not in self._in_part:
                self._piece(kind, text, batch)
            self._in_part.discard(kind)
        elif name in _LAST:
            self._ended(event["response"], batch)
        elif not name and event.get("status") and "output" in event:  # not streamed
            self._ended(event, batch)
        elif name == "error" or (not name and event.get("error")):
            raise reported(event.get("error") or event)
        else:
            self._between(name, event, batch)

    def _between(self, name: str, event: dict[str, Any], batch: Batch) -> None:
        """Decode the other events: items that begin and end, calls, citations."""
        match name:
            case "response.output_item.added":
                self._in_part.clear()
                self._in_item.clear()
                if event["item"].get("type") == "function_call":
                    self._call(event["item"], event.get("output_index"), batch)
            case "response.output_item.done":
                self._item(event["item"], self._in_item, batch)
                self._in_item.clear()
                self._output.append(event["item"])
                if event["item"].get("type") == "function_call":
                    self._call_done(event["item"], event.get("output_index"), batch)
            case "response.function_call_arguments.delta":
                self._arguments(event["delta"], event.get("output_index"), batch)
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

    def _call(self, item: dict[str, Any], key: object, batch: Batch) -> None:
        self._begun.add(key)
        self._filled.discard(key)
        self._tracker().add(batch, item.get("name"), "", item.get("call_id"), key)

    def _arguments(self, piece: str, key: object, batch: Batch) -> None:
        if self._calls is None:
            raise malformed("the arguments of a tool call come before the call")
        self._filled.add(key)
        self._calls.add(batch, "", piece, key=key)

    def _call_done(self, item: dict[str, Any], key: object, batch: Batch) -> None:
        if key not in self._begun:
            self._call(item, key, batch)
        if key not in self._filled and (arguments := item.get("arguments")):
            self._arguments(arguments, key, batch)
        if key is None:  # the next item has no number either, and is another call
            self._begun.discard(key)

    def _item(self, item: dict[str, Any], seen: Iterable[str], batch: Batch) -> None:
        """Add the texts of a complete item whose kinds have not been seen, and its citations."""
        known = set(seen)
        for kind, text in _texts(item):
            if kind not in known:
                self._piece(kind, text, batch)
        if item.get("type") == "search_results":  # Perplexity's; the text refers to [1], [2], …
            batch.cite(item.get("results"))
        for part in item.get("content") or ():
            batch.cite(part.get("annotations"))

    def _ended(self, response: dict[str, Any], batch: Batch) -> None:
        known = frozenset(self._in_response)
        output = response.get("output") or ()
        called = self._calls is not None
        for item in output:
            self._item(item, known, batch)
            if item.get("type") == "function_call" and not called:
                self._call_done(item, None, batch)
        self._output = [*output] or self._output
        if usage := response.get("usage"):
            _count(batch.fields(usage), batch)
        match response.get("status"):
            case "completed" | None if self._refused:
                self.finish = DECLINED.finish("refusal")
            case "completed" | None:
                self.finish = (CALLED if self._calls else STOPPED).finish("completed")
            case "incomplete":
                reason = (response.get("incomplete_details") or {}).get("reason") or "incomplete"
                self.finish = _INCOMPLETE.get(reason, FAILED).finish(reason)
            case "failed":
                raise reported(response.get("error") or "it failed")
            case str(status):
                self.finish = FAILED.finish(status)
        self.terminated = True

    def state(self) -> Mapping[str, Any] | None:
        """All items of the reply, if the vendor can make use of any of them."""
        items = [
            {name: value for name, value in item.items() if value is not None}
            for item in self._output
        ]
        if not any(item.get("encrypted_content") or item.get("phase") for item in items):
            return None
        return self._state_of("responses", {"output": items})


def _texts(item: dict[str, Any]) -> list[tuple[str, str]]:
    """The texts of a complete item, each with its kind."""
    summary = [("summary", part.get("text")) for part in item.get("summary") or ()]
    content = [
        (_KINDS.get(part.get("type")), part.get("text") or part.get("refusal"))
        for part in item.get("content") or ()
    ]
    return [(kind, text) for kind, text in (*summary, *content) if kind and text]


def _count(usage: Mapping[str, Any], batch: Batch) -> None:
    input_details = batch.fields(usage.get("input_tokens_details"))
    output_details = batch.fields(usage.get("output_tokens_details"))
    batch.usage(
        usage.get("input_tokens"),
        usage.get("output_tokens"),
        input_details.get("cached_tokens"),
        output_details.get("reasoning_tokens"),
    )


FORMAT = WireFormat(
    name="responses",
    path=lambda _: "/responses",
    body=payload,
    call_ids=r"[A-Za-z0-9_.:-]{1,64}",
    decoder=ResponsesEvents,
    schema="openai",
    keeps={"output": list},
    media=Media(types=IMAGES | PDF, urls=frozenset({"image", "pdf"})),
)
