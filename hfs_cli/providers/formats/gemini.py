"""Google's Gemini, ``streamGenerateContent``.

https://ai.google.dev/api/generate-content

A reply with signed parts goes back unchanged, part by part: since Gemini 3 a call without its
signature is refused (https://ai.google.dev/gemini-api/docs/thought-signatures, read 2026-11-29).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from io import StringIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hfs_cli.errors import UsageError
from hfs_cli.messages import Attachment, Call, ChatMessage, Request
from hfs_cli.providers.formats.events import (
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
from hfs_cli.providers.formats.wire import (
    IMAGES,
    MEGABYTE,
    PDF,
    SOUND,
    Events,
    Media,
    Quirks,
    WireFormat,
    alternating,
    with_options,
)

if TYPE_CHECKING:
    from hfs_cli.providers.formats.streamed_arguments import StreamedCall

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
    """The tools of the request, and the configuration that they need.

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
            runs_code = "codeExecution" in str(beside["tools"])
            flag = "--tool code-execution" if runs_code else "--search"
            raise UsageError(
                f"{request.model} cannot use tools beside Google's own: leave out {flag} or the"
                " tools, or use Gemini 3 or later"
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
    """The conversation; consecutive replies become one."""
    contents: list[dict[str, Any]] = []
    messages = alternating(request.messages)
    questions = [at for at, message in enumerate(messages) if message.role == "user"]
    for at, message in enumerate(messages):
        if message.state or message.calls:
            state = message.state.items[0] if message.state else None
            this_turn = at > max(questions, default=-1) and _version(request.model) not in {1, 2}
            parts: Any = state["parts"] if state else _calling(message, signed=this_turn)
            content = {"role": "model", "parts": parts}
        else:
            content = _content(message)
        last = contents[-1] if contents else None
        if last and last["role"] == content["role"] == "model":
            last["parts"] = [*last["parts"], *content["parts"]]
        else:
            contents.append(content)
        if message.calls:
            # In a reply that goes back unchanged, some calls may have come without an id.
            calls = (part.get("functionCall") for part in content["parts"])
            ids = {call.get("id") for call in calls if isinstance(call, dict)}
            results = [
                _result(call, has_id=not message.state or call.id in ids) for call in message.calls
            ]
            contents.append({"role": "user", "parts": results})
    return contents


def _calling(message: ChatMessage, *, signed: bool) -> list[dict[str, Any]]:
    """The parts of a reply with calls that this model has not signed.

    Args:
        message: The reply.
        signed: Whether a call needs a signature, as it does in the current turn since Gemini 3.
    """
    text = [{"text": message.content}] if message.content.strip() else []
    calls: list[dict[str, Any]] = [
        {"functionCall": {"id": call.id, "name": call.name, "args": json.loads(call.arguments)}}
        for call in message.calls
    ]
    if signed:
        calls[0]["thoughtSignature"] = _NO_SIGNATURE
    return [*text, *calls]


def _result(call: Call, *, has_id: bool) -> dict[str, Any]:
    response = {"error" if call.failed else "output": call.result}
    id_ = {"id": call.id} if has_id else {}
    return {"functionResponse": {**id_, "name": call.name, "response": response}}


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
    """Decodes the responses of a stream, or a single one, which has the same shape.

    The format has no terminator; the body just ends.
    """

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._open: StreamedCall | None = None
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
        """The sources, each with the first passage of the reply that it supports.

        The vendor counts passages in bytes of UTF-8: bytes 0 to 4 of "naïve" are 3 characters.
        """
        chunks, supports = grounding.get("groundingChunks"), grounding.get("groundingSupports")
        sources: list[object] = chunks if isinstance(chunks, list) else []
        reply = "".join(
            text.getvalue()
            for text, part in zip(self._texts, self._parts, strict=True)
            if text and not part.get("thought")
        ).encode("utf-8", "replace")
        places: dict[int, dict[str, int]] = {}
        for support in supports if isinstance(supports, list) else ():
            match support:
                case {"segment": {"endIndex": int(end), **segment}, "groundingChunkIndices": [*of]}:
                    begin = segment.get("startIndex", 0)
                case _:
                    continue
            new = [n for n in of if type(n) is int and 0 <= n < len(sources) and n not in places]
            if new and type(begin) is int and 0 <= begin <= end:
                start, stop = (len(reply[:at].decode("utf-8", "ignore")) for at in (begin, end))
                places |= {number: {"start_index": start, "end_index": stop} for number in new}
        return [
            {**(web if isinstance(web := source.get("web"), dict) else source), **places[number]}
            if number in places and isinstance(source, dict)
            else source
            for number, source in enumerate(sources)
        ]

    def _call(self, call: dict[str, Any], part: dict[str, Any], batch: Batch) -> None:
        """Add a call, or a piece of one that comes value by value (Vertex AI)."""
        if self._open is None and not (call.get("willContinue") or call.get("partialArgs")):
            if call.get("name") or call.get("args"):
                self._add_call(call, part, batch)
            return
        if self._open is None:
            from hfs_cli.providers.formats.streamed_arguments import StreamedCall

            self._open = StreamedCall(call, part)
        self._open.add(call.get("partialArgs") or ())
        if not call.get("willContinue"):
            streamed, self._open = self._open, None
            self._add_call(streamed.whole(), streamed.part, batch)

    def _add_call(self, call: dict[str, Any], part: dict[str, Any], batch: Batch) -> None:
        arguments = call.get("args")
        text = json.dumps(arguments, ensure_ascii=False) if arguments else ""
        self._tracker().add(batch, call.get("name"), text, call.get("id"))
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

    def state(self) -> Mapping[str, Any] | None:
        """The parts unchanged, if one is signed or belongs to Google's own tools."""
        if self._size > MOST_STATE or not any(_OPAQUE & part.keys() for part in self._parts):
            return None
        parts = [
            {**part, "text": text.getvalue()} if text else part
            for part, text in zip(self._parts, self._texts, strict=True)
        ]
        return self._state_of("gemini", {"parts": parts})


_OF_TEXT = frozenset({"text", "thought"})
# Parts that only the vendor can make, or understand.
_OPAQUE = frozenset({"thoughtSignature", "toolCall", "toolResponse", "executableCode"})


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
    body=payload,
    call_ids=r"[A-Za-z0-9_.:-]{1,64}",
    decoder=GeminiEvents,
    schema="strict",
    version="/v1beta",
    models_path="/models?pageSize=1000",
    keeps={"parts": list},
    media=Media(
        types=(IMAGES - {"image/gif"}) | PDF | SOUND | {"audio/ogg", "audio/flac"},
        urls=frozenset({"image", "pdf", "audio"}),
        # https://ai.google.dev/gemini-api/docs/file-input-methods, read 2026-11-29.
        most_bytes=100 * MEGABYTE,
        most_each={"pdf": 50 * MEGABYTE},
    ),
)
