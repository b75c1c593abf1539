"""What a provider's refusal means to the user: statuses and bodies become errors. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from hfs_cli.errors import CredentialsError, HfsError, NotFoundError, ProviderError
from hfs_cli.providers.formats.wire import Context, shown
from hfs_cli.sanitize import sanitize_line

_TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.DOTALL | re.IGNORECASE)


def is_for_responses(message: str) -> bool:
    """Whether a chat-completions endpoint's refusal sends the caller to Responses.

    OpenAI, and those who speak its formats, say "only supported in v1/responses and not in
    v1/chat/completions", or "not a chat model".
    """
    return re.search(r"v1/responses|not a chat model", message, re.IGNORECASE) is not None


def refusal(status: int, body: bytes, context: Context) -> HfsError:
    """The error for a response that is not a reply.

    Args:
        status: The HTTP status.
        body: The response's body, or its beginning.
        context: What the message names.
    """
    document = _document(body)
    said = shown(vendor_message(document if document is not None else body), context.secrets)
    why = f": {said}" if said else ""
    name = context.provider
    if _is_unknown_model(status, document, said, context.model):
        return NotFoundError(
            f'{name} has no model "{context.model}" ({status}){why} — see: hfs models list {name}'
        )
    if status in {401, 403} or (status == 400 and _BAD_KEY.search(said)):
        return CredentialsError(f"{name} refused the key ({status}){why} — {context.key_hint}")
    if 300 <= status < 400:
        return ProviderError(
            f"{name} answered with a redirect ({status}), which is not followed: "
            "set base_url to where it leads, if you trust it"
        )
    if status == 404 and (document is None or _NOTHING_HERE.fullmatch(said)):
        return ProviderError(
            f"{name} has nothing at {context.url} (404) — {_address_hint(context.url)}"
        )
    return ProviderError(f"{name} ({context.model}) {_VERBS.get(status, 'failed')} ({status})"
                         f"{why}{_next_step(status, context, said)}")  # fmt: skip


_VERBS: Mapping[int, str] = {
    400: "refused the request",
    402: "wants payment",
    404: "refused the request",
    408: "timed out",
    413: "found the request too large",
    422: "refused the request",
    429: "is limiting requests",
    503: "is unavailable",
    529: "is overloaded",
}
_NOTHING_HERE = re.compile(r"((404:? )?(page |file |route )?not found[.!]?)?", re.IGNORECASE)
# Gemini says 400 to a wrong key ("API key not valid", reason API_KEY_INVALID).
_BAD_KEY = re.compile(
    r"api[ _-]?key (is )?(not valid|not found|invalid|expired)|(invalid|incorrect) api[ _-]?key",
    re.IGNORECASE,
)
# How vendors say that they have no such model where no code says it: DeepSeek "Model Not Exist",
# OpenRouter "x is not a valid model ID", LiteLLM "Invalid model name passed in", Groq "has been
# decommissioned", Perplexity and Mistral "Invalid model", Fireworks "Model not found".
_NO_MODEL = re.compile(
    r"\bmodel\b.{0,80}?\b(not exist|not found|decommissioned)|\bnot a valid model\b"
    r"|\b(unknown|invalid|no such) model\b(?! (param|option|input|output))",
    re.IGNORECASE,
)
_NO_MODEL_CODES = frozenset({"model_not_found", "model_decommissioned", "model_not_available"})


def _next_step(status: int, context: Context, said: str) -> str:
    see = f" — see {context.docs}" if context.docs else ""
    if status in {402, 429}:
        return f"{see} for your quota" if see else " — wait, or choose another model with -m"
    if status == 413 or (status in {400, 422} and "context" in said.lower()):
        return " — shorten the prompt, or start a new session"
    if status >= 500:
        return " — try again, or choose another model with -m"
    return ""


def _address_hint(url: str) -> str:
    """What is mostly wrong with an address where nothing is."""
    if "/v1/api/" in url:
        return "base_url must not end with /v1 for this format"
    if not re.search(r"/v\d", url):
        return "does base_url lack /v1 at its end?"
    return "check base_url"


def _document(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _is_unknown_model(status: int, document: object, said: str, model: str) -> bool:
    if status not in {400, 403, 404, 410, 422} or not model:
        return False
    error = document.get("error") if isinstance(document, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, str) and code in _NO_MODEL_CODES:
        return True
    if re.search(r"data policy|privacy", said, re.IGNORECASE):
        # OpenRouter has the model, and nobody who serves it as the account's settings want.
        return False
    named = re.search(rf"(?<![\w.-]){re.escape(model)}(?![\w-])", said)
    return bool(_NO_MODEL.search(said) or (status == 404 and named))


def vendor_message(value: object) -> str:
    """The vendor's own words, from an error of any shape, as one line."""
    return sanitize_line(" ".join(_words(value).split()))


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
    """The message in an error object: vendors call it, and wrap it, in many ways."""
    match error:
        case {"metadata": {"raw": str(raw)}} if raw.strip():
            return f"{_words(error.get('message', ''))}: {_words(raw)}"
        case {"loc": [*place], "msg": str(said)}:  # what FastAPI says of a field
            return f"{'.'.join(map(str, place))}: {said}"
        case {"message": str(said), "param": str(field)} if field and field not in said:
            return f"{_words(said)} (field {field})"
    for name in ("error", "message", "detail", "msg", "type", "code"):
        if inner := error.get(name):
            return _words(inner)
    return json.dumps(error, ensure_ascii=False) if error else ""


def _with_inner(text: str) -> str:
    """A message, with the error object that a gateway wrapped at its end as its message.

    LiteLLM says ``OpenAIException - {"error": {"message": "no"}}``: that is read as
    ``OpenAIException: no``.
    """
    start = text.find("{")
    if start < 0 or not text.rstrip().endswith("}"):
        return text
    inner = _document(text[start:].encode("utf-8", "replace"))
    if not isinstance(inner, dict):
        return text
    outer = text[:start].rstrip(" -:")
    return f"{outer}: {_words_of(inner)}" if outer else _words_of(inner)


def _plain(text: str) -> str:
    if "<" not in text:
        return text
    title = _TITLE.search(text)
    return _TAGS.sub(" ", title[1] if title else text)
