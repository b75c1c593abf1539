"""A vendor's own words about an error, found in any shape and put on one line. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from hfs_cli.sanitize import sanitize_line

_TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.DOTALL | re.IGNORECASE)

# How vendors say that a request is longer than the model's context. Read on 2026-11-29 in their
# documentation and in the errors that litellm and the SDKs recognise: OpenAI "maximum context
# length", "exceeds the context window"; Anthropic "prompt is too long", "exceed context limit";
# Gemini "exceeds the maximum number of tokens allowed"; Ollama "exceeds the context length", and
# "longer than" it; llama.cpp "exceeds the available context size"; xAI "maximum prompt length";
# Bedrock "Input is too long".
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum (context|prompt|model) length"
    r"|exceeds? (the |this model's )?(available |maximum )?(context|number of tokens)"
    r"|longer than the context length|maximum number of tokens allowed|(prompt|input) is too long"
    r"|reduce the length of the (messages|prompt|input)|too large for model with",
    re.IGNORECASE,
)


def says_too_long(said: str) -> bool:
    """Whether a vendor says that the request is longer than the model's context."""
    return _TOO_LONG.search(said) is not None


def vendor_message(value: object) -> str:
    """The vendor's own words in an error of any shape, as one line.

    Without the full stop at their end, since more of our sentence follows.
    """
    said = sanitize_line(" ".join(_words(value).split()))
    return said if said.endswith("..") else said.removesuffix(".")


def _words(value: object) -> str:
    match value:
        case bytes():
            return _plain(value.decode("utf-8", "replace"))
        case [first, *_]:
            return _words(first)
        case dict():
            return _words_of(value)
        case str():
            return _with_inner(value)
    return json.dumps(value)


def _words_of(error: Mapping[str, object]) -> str:
    """The message in an error object, which vendors name and nest in many ways."""
    match error:
        case {"metadata": {"raw": str(raw)}} if raw.strip():
            return f"{_words(error.get('message', ''))}: {_words(raw)}"
        case {"loc": [*place], "msg": str(said)}:  # FastAPI, about a field
            return f"{'.'.join(map(str, place))}: {said}"
        case {"message": str(said), "param": str(field)} if field and field not in said:
            return f"{_words(said)} (field {field})"
    for name in ("error", "message", "detail", "msg", "type", "code"):
        if inner := error.get(name):
            return _words(inner)
    return json.dumps(error, ensure_ascii=False) if error else ""


def _with_inner(text: str) -> str:
    """A message; an error object that a gateway put at its end is replaced by its message.

    For example, LiteLLM's ``OpenAIException - {"error": {"message": "no"}}`` becomes
    ``OpenAIException: no``.
    """
    start = text.find("{")
    if start < 0 or not text.rstrip().endswith("}"):
        return text
    inner = json_document(text[start:].encode("utf-8", "replace"))
    if not isinstance(inner, dict):
        return text
    outer = text[:start].rstrip(" -:")
    return f"{outer}: {_words_of(inner)}" if outer else _words_of(inner)


def _plain(text: str) -> str:
    """A web page as text: its title, or else all of it without tags."""
    if "<" not in text:
        return text
    title = _TITLE.search(text)
    return _TAGS.sub(" ", title[1] if title else text)


def json_document(body: bytes) -> object:
    """A body parsed as JSON, or None where it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
