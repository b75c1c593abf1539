"""What a provider's refusal means to the user: statuses and bodies become errors. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hfs_cli.errors import (
    CredentialsError,
    HfsError,
    NotFoundError,
    ProviderError,
    TooLongError,
    UnavailableError,
)
from hfs_cli.providers.formats.vendor_words import json_document, says_too_long, vendor_message
from hfs_cli.providers.formats.wire import Context, presentable


def is_for_responses(message: str) -> bool:
    """Whether a refusal of chat completions says that the model is served over Responses.

    OpenAI, and others with its formats, say "only supported in v1/responses and not in
    v1/chat/completions" or "not a chat model".
    """
    return re.search(r"v1/responses|not a chat model", message, re.IGNORECASE) is not None


def refusal(status: int, body: bytes, context: Context) -> HfsError:
    """The error for a response that is not a reply.

    Args:
        status: The HTTP status.
        body: The response's body, or the beginning of it.
        context: What the message needs to know of the request.
    """
    document = json_document(body)
    said = presentable(vendor_message(document if document is not None else body), context.secrets)
    why = f": {said}" if said else ""
    name = context.provider
    if _is_unknown_model(status, document, said, context.model):
        return NotFoundError(
            f'{name} has no model "{context.model}" ({status}){why}',
            f"see: hfs models list {name}",
        )
    if status == 401 or (status == 400 and _BAD_KEY.search(said)):
        return CredentialsError(f"{name} refused the key ({status}){why}", context.key_hint)
    if status == 403:  # not always for the key: a country, a region, a firewall on the way
        advice = f"if the key is why, {context.key_hint}" if context.key_hint else ""
        return CredentialsError(f"{name} refused access ({status}){why}", advice)
    if 300 <= status < 400:
        return ProviderError(
            f"{name} answered with a redirect ({status}), which is not followed: "
            "set base_url to where it leads, if you trust it"
        )
    if status == 404 and (document is None or _NOTHING_HERE.fullmatch(said)):
        return ProviderError(f"{name} has nothing at {context.url} (404)", _address_hint(context))
    if status == 413 or (status in {400, 422, 500} and says_too_long(said)):
        kind: type[ProviderError] = TooLongError
    elif status in {408, 409, 429} or status >= 500:
        kind = UnavailableError
    else:
        kind = ProviderError
    who = f"{name} ({context.model})" if context.model else name
    what = f"{who} {_VERBS.get(status, 'failed')} ({status}){why}"
    return kind(what, _next_step(status, context, said))


# What helps with a conversation that has grown too long.
LEAVE_OUT = "leave out what is oldest (--context trim), have it summarised (--context compact)"
LEAVE_OUT += ", or start a new session"
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
# Gemini answers a wrong key with 400 ("API key not valid", reason API_KEY_INVALID).
_BAD_KEY = re.compile(
    r"api[ _-]?key (is )?(not valid|not found|invalid|expired)|(invalid|incorrect) api[ _-]?key",
    re.IGNORECASE,
)
# How vendors without an error code say that a model is unknown: DeepSeek "Model Not Exist",
# OpenRouter "x is not a valid model ID", LiteLLM "Invalid model name passed in", Groq "has been
# decommissioned", Perplexity and Mistral "Invalid model", Fireworks "Model not found".
_NO_MODEL = re.compile(
    r"\bmodel\b.{0,80}?\b(not exist|not found|decommissioned)|\bnot a valid model\b"
    r"|\b(unknown|invalid|no such) model\b(?! (param|option|input|output))",
    re.IGNORECASE,
)
# Ollama's words for its own limit, which is smaller than the model's.
_OLLAMAS_LIMIT = re.compile("(exceeds|longer than) the context length")
# How vendors say that a model does not think, or lacks the level: OpenAI "Unsupported parameter:
# 'reasoning.effort' is not supported with this model", "Unrecognized request argument supplied:
# reasoning_effort"; Anthropic "adaptive thinking is not supported on this model"; Gemini "Thinking
# level is not supported for this model"; Ollama "does not support thinking"; xAI and Groq
# "`reasoning_effort` is not supported with this model". Read 2026-11-29.
_THINKING = r"(reasoning|thinking|effort)"
_LACKS = (
    r"(not (supported|allowed|enabled)|(un|does not )support|unrecognized|unknown|invalid value)"
)
_NO_THINKING = re.compile(
    rf"{_THINKING}.{{0,60}}{_LACKS}|{_LACKS}.{{0,60}}{_THINKING}", re.IGNORECASE
)
_NO_MODEL_CODES = frozenset({"model_not_found", "model_decommissioned", "model_not_available"})


def _next_step(status: int, context: Context, said: str) -> str:
    if status in {402, 429}:
        quota = f"see {context.docs} for your quota"
        return quota if context.docs else "wait, or choose another model with -m"
    if _OLLAMAS_LIMIT.search(said):
        return f"give it more (-o num_ctx 32768), or {LEAVE_OUT}"
    if status == 413 or (status in {400, 422, 500} and says_too_long(said)):
        return LEAVE_OUT
    if status in {400, 422}:
        if _NO_THINKING.search(said):
            return "leave out --reasoning, or choose another model with -m"
        return "shorten the prompt, or start a new session" if "context" in said.lower() else ""
    return "try again, or choose another model with -m" if status >= 500 else ""


def _address_hint(context: Context) -> str:
    """What is usually wrong with a base URL below which nothing is found."""
    if context.version and not re.search(r"/v\d", context.base_url):
        return f"does base_url lack {context.version} at its end?"
    if not context.version and (end := re.search(r"/v\d\w*$", context.base_url)):
        return f"base_url must not end with {end[0]} for this format"
    return "check base_url"


def _is_unknown_model(status: int, document: object, said: str, model: str) -> bool:
    if status not in {400, 403, 404, 410, 422} or not model:
        return False
    error = document.get("error") if isinstance(document, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, str) and code in _NO_MODEL_CODES:
        return True
    if re.search(r"data policy|privacy", said, re.IGNORECASE):
        # OpenRouter has the model, but nobody serves it under the account's privacy settings.
        return False
    named = re.search(rf"(?<![\w.-]){re.escape(model)}(?![\w-])", said)
    return bool(_NO_MODEL.search(said) or (status == 404 and named))
