"""Google's Gemini, ``streamGenerateContent``.

https://ai.google.dev/api/generate-content

A reply whose parts are signed goes back part by part as it came: since Gemini 3 a call without its
signature is refused (https://ai.google.dev/gemini-api/docs/thought-signatures, read 2026-11-29).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from io import StringIO
from typing import Any
from urllib.parse import quote

from hfs_cli.errors import UsageError
from hfs_cli.messages import Attachment, Call, ChatMessage, Request
from hfs_cli.providers.formats.decode import (
    CALLED,
    FAILED,
    FILTERED,
    LIMITED,
    MOST_STATE,
    PAUSED,
    STOPPED,
    Batch,
    Ending,
    finish_of,
    parse,
    reported,
)
from hfs_cli.providers.formats.sse import SseDecoder
from hfs_cli.providers.formats.wire import (
    MEGABYTE,
    Events,
    Media,
    Quirks,
    WireFormat,
    alternating,
    history,
    with_options,
)

_NAMES = {
    "max_tokens": "maxOutputTokens",
    "top_p": "topP",
    "top_k": "topK",
    "stop": "stopSequences",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
# Options that are fields of the request; all others are fields of its generationConfig.
_BESIDE = frozenset({"tools", "toolConfig", "safetySettings", "cachedContent", "labels"})
# google-genai 3.6, types.py, FinishReason and BlockedReason, read 2026-11-25.
_CALL_FAILED = FAILED._replace(note="could not finish the model's tool call: try again")
_ENDINGS: Mapping[str, Ending] = {
    "STOP": STOPPED,
    "MAX_TOKENS": LIMITED,
    "CONTINUATION": PAUSED,
    **dict.fromkeys(
        ("SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "ESCALATION"), FILTERED
    ),
    **dict.fromkeys(("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"), FILTERED),
    "RECITATION": FILTERED._replace(
        note="stopped the reply because it repeats a known text: ask for it in other words"
    ),
    "LANGUAGE": FILTERED._replace(
        note="stopped the reply because it does not support the language: use another"
    ),
    "PUP_LIMITED_DISABLED": FILTERED._replace(
        note="stopped the reply because the account is limited: see https://aistudio.google.com"
    ),
    **dict.fromkeys(
        ("OTHER", "FINISH_REASON_UNSPECIFIED", "MALFORMED_RESPONSE", "IMAGE_OTHER", "NO_IMAGE"),
        FAILED,
    ),
    **dict.fromkeys(
        (
            "MALFORMED_FUNCTION_CALL",
            "UNEXPECTED_TOOL_CALL",
            "TOO_MANY_TOOL_CALLS",
            "MISSING_THOUGHT_SIGNATURE",
        ),
        _CALL_FAILED,
    ),
}
_PROMPT_BLOCKED = FILTERED._replace(
    note="blocked the prompt: ask in other words, or choose another model with -m"
)


_CALL_IDS = r"[A-Za-z0-9_.:-]{1,64}"
# For a call that another model made: a signature that is accepted without a check.
_NO_SIGNATURE = "skip_thought_signature_validator"


def payload(request: Request, quirks: Quirks) -> dict[str, Any]:  # noqa: ARG001
    """The body of a streamed generation.

    Raises:
        UsageError: The model cannot combine Google's tools with others.
    """
    body: dict[str, Any] = {"contents": _contents(request)}
    if request.system:
        body["systemInstruction"] = {"parts": [{"text": request.system}]}
    settings: dict[str, object] = {}
    if request.schema is not None:
        settings |= {
            "responseMimeType": "application/json",
            "responseJsonSchema": request.schema,
        }
    beside = {name: value for name, value in request.options.items() if name in _BESIDE}
    settings |= {
        _NAMES.get(name, name): value
        for name, value in request.options.items()
        if name not in _BESIDE
    }
    if request.tools:
        body |= _tools(request, beside)
    if isinstance(settings.get("stopSequences"), str):
        settings["stopSequences"] = [settings["stopSequences"]]
    settings = {name: value for name, value in settings.items() if value is not None}
    if settings:
        body["generationConfig"] = settings
    return with_options(body, beside, {})


def _tools(request: Request, beside: Mapping[str, object]) -> dict[str, Any]:
    """The declarations; with the vendor's own tools, what these need to stand beside others.

    https://ai.google.dev/gemini-api/docs/tool-combination, read 2026-11-29.
    """
    from hfs_cli.providers.formats.schemas import for_gemini

    declared = [
        {"name": name, "description": description}
        | ({"parametersJsonSchema": for_gemini(schema)} if schema.get("properties") else {})
        for name, description, schema in request.tools
    ]
    config: dict[str, Any] = {}
    if request.tool_choice:
        named = {"mode": "ANY", "allowedFunctionNames": [request.tool_choice]}
        config["functionCallingConfig"] = named
    if beside.get("tools"):
        if (version := _version(request.model)) and version < 3:
            own = "--tool code-execution" if "codeExecution" in str(beside["tools"]) else "--search"
            raise UsageError(
                f"{request.model} cannot use tools beside Google's own: leave out {own} or the"
                " tools, or take Gemini 3 or later"
            )
        config["includeServerSideToolInvocations"] = True
    given = beside.get("toolConfig")
    config |= given if isinstance(given, dict) else {}
    body: dict[str, Any] = {"tools": [{"functionDeclarations": declared}]}
    return body | ({"toolConfig": config} if config else {})


def _version(model: str) -> int:
    """The major version of a model; 0 where its name has none."""
    found = re.search(r"gemini-(\d+)", model)
    return int(found[1]) if found else 0


def _contents(request: Request) -> list[dict[str, Any]]:
    """The conversation; the parts of neighbouring replies stand in one."""
    contents: list[dict[str, Any]] = []
    messages = alternating(history(request, "gemini", _CALL_IDS))
    questions = [at for at, message in enumerate(messages) if message.role == "user"]
    for at, message in enumerate(messages):
        if message.state or message.calls:
            state = message.state.items[0] if message.state else None
            this_turn = at > max(questions, default=-1) and _version(request.model) not in {1, 2}
            parts: Any = state["parts"] if state else _asked(message, signed=this_turn)
            content = {"role": "model", "parts": parts}
        else:
            content = _content(message)
        last = contents[-1] if contents else None
        if last and last["role"] == content["role"] == "model":
            last["parts"] = [*last["parts"], *content["parts"]]
        else:
            contents.append(content)
        if message.calls:
            asked = (part.get("functionCall") for part in content["parts"])
            ids = {call.get("id") for call in asked if isinstance(call, dict)} - {None}
            given = ids if message.state else None
            results = [
                _result(call, has_id=given is None or call.id in given) for call in message.calls
            ]
            contents.append({"role": "user", "parts": results})
    return contents


def _asked(message: ChatMessage, *, signed: bool) -> list[dict[str, Any]]:
    """The parts of a reply with calls that are not signed, or not by this model."""
    text = [{"text": message.content}] if message.content.strip() else []
    calls: list[dict[str, Any]] = [
        {"functionCall": {"id": call.id, "name": call.name, "args": json.loads(call.arguments)}}
        for call in message.calls
    ]
    if signed:
        calls[0]["thoughtSignature"] = _NO_SIGNATURE
    return [*text, *calls]


def _result(call: Call, *, has_id: bool) -> dict[str, Any]:
    answer = {"error" if call.failed else "output": call.result}
    named = {"id": call.id} if has_id else {}
    return {"functionResponse": {**named, "name": call.name, "response": answer}}


def _content(message: ChatMessage) -> dict[str, Any]:
    parts = [_part(attachment) for attachment in message.attachments]
    if message.content:
        parts.append({"text": message.content})
    return {"role": "model" if message.role == "assistant" else "user", "parts": parts}


def _part(attachment: Attachment) -> dict[str, Any]:
    from hfs_cli.providers.formats.media import base64_of

    if attachment.url:
        return {"fileData": {"mimeType": attachment.media_type, "fileUri": attachment.url}}
    data = {"mimeType": attachment.media_type, "data": base64_of(attachment)}
    return {"inlineData": data}


class GeminiEvents(Events):
    """Reads the responses of a stream, and a whole one, which has the same shape.

    The format has no terminator: the body ends.
    """

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._open: _Growing | None = None
        self._parts: list[dict[str, Any]] = []
        self._texts: list[StringIO | None] = []
        self._size = 0

    def decode(self, data: str, batch: Batch) -> None:
        """Add what one response says to the batch."""
        if data.lstrip().startswith("[DONE]"):  # gateways add OpenAI's end marker
            return
        response = parse(data)
        if "error" in response:
            raise reported(response)
        for candidate in response.get("candidates") or ():
            if not candidate.get("index"):
                self._candidate(candidate, batch)
        feedback = response.get("promptFeedback") or {}
        if blocked := feedback.get("blockReason"):
            self.finish = _PROMPT_BLOCKED.finish(blocked, feedback.get("blockReasonMessage"))
        if usage := response.get("usageMetadata"):
            _count(batch.fields(usage), batch)

    def _candidate(self, candidate: dict[str, Any], batch: Batch) -> None:
        for part in (candidate.get("content") or {}).get("parts") or ():
            if text := part.get("text"):
                (batch.reasoning if part.get("thought") else batch.text)(text)
            if (call := part.get("functionCall")) is not None:
                self._call(call, part, batch)
            else:
                self._keep(part)
        if grounding := candidate.get("groundingMetadata"):
            batch.cite(self._grounded(batch.fields(grounding)))
        batch.cite(batch.fields(candidate.get("citationMetadata")).get("citationSources"))
        if reason := candidate.get("finishReason"):
            self.finish = finish_of(reason, _ENDINGS, candidate.get("finishMessage"))
            if reason == "STOP" and self._calls:
                self.finish = CALLED.finish(reason)

    def _grounded(self, grounding: Mapping[str, Any]) -> list[object]:
        """The sources, each with the first passage of the reply that rests on it.

        A passage is counted in bytes of UTF-8: of "naïve" the bytes 0 to 4 are three characters.
        """
        chunks, supports = grounding.get("groundingChunks"), grounding.get("groundingSupports")
        sources: list[object] = chunks if isinstance(chunks, list) else []
        said = "".join(
            text.getvalue()
            for text, part in zip(self._texts, self._parts, strict=True)
            if text and not part.get("thought")
        ).encode("utf-8", "replace")
        placed = set()
        for support in supports if isinstance(supports, list) else ():
            match support:
                case {"segment": {"endIndex": int(end), **segment}, "groundingChunkIndices": [*of]}:
                    begin = segment.get("startIndex", 0)
                case _:
                    continue
            for number in of:
                if type(number) is not int or not 0 <= number < len(sources) or number in placed:
                    continue
                source = sources[number]
                if type(begin) is int and 0 <= begin <= end and isinstance(source, dict):
                    placed.add(number)
                    start, stop = (len(said[:at].decode("utf-8", "ignore")) for at in (begin, end))
                    web = source.get("web")
                    place = {"start_index": start, "end_index": stop}
                    sources = [*sources]
                    sources[number] = {**(web if isinstance(web, dict) else source), **place}
        return sources

    def _call(self, call: dict[str, Any], part: dict[str, Any], batch: Batch) -> None:
        """Add a call: whole, or (Vertex AI) value by value until a piece says that it is whole."""
        if self._open is None and not (call.get("willContinue") or call.get("partialArgs")):
            if call.get("name") or call.get("args"):
                self._called(call, part, batch)
            return
        if self._open is None:
            self._open = _Growing(dict(call), part)
        self._open.add(call.get("partialArgs") or ())
        if not call.get("willContinue"):
            grown, self._open = self._open, None
            whole = {k: v for k, v in grown.call.items() if k not in _OF_PIECES}
            self._called(whole | {"args": grown.arguments}, grown.part, batch)

    def _called(self, call: dict[str, Any], part: dict[str, Any], batch: Batch) -> None:
        arguments = call.get("args")
        text = json.dumps(arguments, ensure_ascii=False) if arguments else ""
        self._numbered().add(batch, call.get("name"), text, call.get("id"))
        self._keep({**part, "functionCall": call})

    def _keep(self, part: dict[str, Any]) -> None:
        """Keep a part; plain text is appended to plain text before it."""
        text: Any = part.get("text")
        # This runs once for each token, and most parts hold text alone: so that comes first.
        plain = isinstance(text, str) and (len(part) == 1 or part.keys() <= _OF_TEXT)
        self._size += len(text) if plain else len(str(part))
        if self._size > MOST_STATE or (plain and not text):
            return
        last = self._texts[-1] if self._texts else None
        if last and plain and self._parts[-1].get("thought") == part.get("thought"):
            last.write(text)
            return
        held = StringIO() if plain else None
        if held:
            held.write(text)
        self._texts.append(held)
        self._parts.append(part)

    def kept(self) -> Mapping[str, Any] | None:
        """The parts as they came, where one is signed or is of the vendor's own tools."""
        if self._size > MOST_STATE or not any(_OPAQUE & part.keys() for part in self._parts):
            return None
        parts = [
            {**part, "text": text.getvalue()} if text else part
            for part, text in zip(self._parts, self._texts, strict=True)
        ]
        return self._kept("gemini", {"parts": parts})


_OF_TEXT = frozenset({"text", "thought"})
_OF_PIECES = frozenset({"partialArgs", "willContinue"})
# Parts that only the vendor can make, or understand.
_OPAQUE = frozenset({"thoughtSignature", "toolCall", "toolResponse", "executableCode"})
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]")
_VALUES = ("stringValue", "numberValue", "boolValue")
_LONGEST_ARRAY = 10_000


class _Growing:
    """A call whose arguments come value by value, each under its JSON path.

    Of ``$.to[0].name`` "An", ``$.to[0].name`` "na" and ``$.n`` 3 come the arguments
    ``{"to": [{"name": "Anna"}], "n": 3}``.

    Args:
        call: Its first piece.
        part: The part that held it.
    """

    def __init__(self, call: dict[str, Any], part: dict[str, Any]) -> None:
        self.call = call
        self.part = part
        self._values: dict[tuple[str | int, ...], list[Any]] = {}

    def add(self, pieces: Iterable[Mapping[str, Any]]) -> None:
        """Add values, or pieces of texts."""
        for piece in pieces:
            value = next((piece[name] for name in _VALUES if name in piece), None)
            path = tuple(
                int(index) if index else name or quoted
                for name, index, quoted in _STEP.findall(piece["jsonPath"])
            )
            self._values.setdefault(path, []).append(value)

    @property
    def arguments(self) -> dict[str, Any]:
        """The object that the values make.

        Raises:
            TypeError, ValueError: They make none.
        """
        root: dict[str, Any] = {}
        for path, values in self._values.items():
            texts = all(isinstance(value, str) for value in values)
            _set(root, path, "".join(values) if texts else values[-1])
        return root


def _set(root: Any, path: tuple[str | int, ...], value: object) -> None:  # noqa: ANN401  (JSON)
    """Set the value at a path, making the objects and arrays on the way."""
    at = root
    for step, following in zip(path, (*path[1:], None), strict=True):
        fresh: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(at, list):
            if not isinstance(step, int) or step > min(len(at), _LONGEST_ARRAY):
                raise ValueError(path)
            if step == len(at):
                at.append(fresh)
        elif not isinstance(step, str):
            raise TypeError(path)
        elif following is None:
            at[step] = value
        else:
            at.setdefault(step, fresh)
        at = at[step]


def _count(usage: Mapping[str, Any], batch: Batch) -> None:
    prompt, by_tools, answer, thoughts = (
        batch.count(usage.get(name))
        for name in (
            "promptTokenCount",
            "toolUsePromptTokenCount",
            "candidatesTokenCount",
            "thoughtsTokenCount",
        )
    )
    if prompt is not None:
        prompt += by_tools or 0
    output = (answer or 0) + (thoughts or 0) if answer is not None or thoughts else None
    batch.usage(prompt, output, usage.get("cachedContentTokenCount"), thoughts)


FORMAT = WireFormat(
    name="gemini",
    path=lambda request: f"/models/{quote(request.model)}:streamGenerateContent?alt=sse",
    headers=lambda key: {"x-goog-api-key": key},
    payload=payload,
    framer=SseDecoder,
    decoder=GeminiEvents,
    schema="strict",
    version="/v1beta",
    models_path="/models?pageSize=1000",
    media=Media(
        types=frozenset(
            {
                "image/png",
                "image/jpeg",
                "image/webp",
                "application/pdf",
                "audio/mpeg",
                "audio/wav",
                "audio/ogg",
                "audio/flac",
            }
        ),
        urls=frozenset({"image", "pdf", "audio"}),
        # https://ai.google.dev/gemini-api/docs/file-input-methods, read 2026-11-29.
        most_bytes=100 * MEGABYTE,
        most_each={"pdf": 50 * MEGABYTE},
    ),
)
