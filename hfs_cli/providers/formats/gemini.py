"""Google's Gemini, ``streamGenerateContent``.

https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from hfs_cli.messages import (
    Attachment,
    ChatMessage,
    Finish,
    Request,
)
from hfs_cli.providers.formats.decode import (
    CALLED,
    FAILED,
    FILTERED,
    LIMITED,
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
    Media,
    Quirks,
    WireFormat,
    alternating,
)

_NAMES = {
    "max_tokens": "maxOutputTokens",
    "top_p": "topP",
    "top_k": "topK",
    "stop": "stopSequences",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
# What stands beside generationConfig; every other option is one of its fields.
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


def payload(request: Request, quirks: Quirks) -> dict[str, Any]:  # noqa: ARG001
    """The body of a streamed generation."""
    body: dict[str, Any] = {
        "contents": [_content(message) for message in alternating(request.messages)]
    }
    if request.system:
        body["systemInstruction"] = {"parts": [{"text": request.system}]}
    settings: dict[str, object] = {}
    if request.schema is not None:
        settings |= {
            "responseMimeType": "application/json",
            "responseJsonSchema": request.schema,
        }
    for name, value in request.options.items():
        if name in _BESIDE:
            body[name] = value
        else:
            settings[_NAMES.get(name, name)] = value
    if isinstance(settings.get("stopSequences"), str):
        settings["stopSequences"] = [settings["stopSequences"]]
    settings = {name: value for name, value in settings.items() if value is not None}
    return body | ({"generationConfig": settings} if settings else {})


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


class GeminiEvents:
    """Reads the responses of a stream, and a whole one, which has the same shape."""

    def __init__(self) -> None:
        self.finish: Finish | None = None
        # The format has no terminator: the body ends.
        self.terminated = False
        self._called = False

    def decode(self, data: str, batch: Batch) -> None:
        """Add what one response says to the batch."""
        if data.lstrip().startswith("[DONE]"):  # gateways add OpenAI's mark of the end
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
            if call := part.get("functionCall"):
                self._call(call, batch)
        batch.cite(batch.fields(candidate.get("groundingMetadata")).get("groundingChunks"))
        batch.cite(batch.fields(candidate.get("citationMetadata")).get("citationSources"))
        if reason := candidate.get("finishReason"):
            self.finish = finish_of(reason, _ENDINGS, candidate.get("finishMessage"))
            if reason == "STOP" and self._called:
                self.finish = CALLED.finish(reason)

    def _call(self, call: dict[str, Any], batch: Batch) -> None:
        self._called = True
        arguments = call.get("args", call.get("partialArgs"))
        text = json.dumps(arguments, ensure_ascii=False) if arguments else ""
        if call.get("name") or text:
            batch.call(call.get("name"), text)


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
    decoder=lambda _: GeminiEvents(),
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
        most_bytes=20 * MEGABYTE,
    ),
)
