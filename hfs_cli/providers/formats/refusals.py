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
    told = f": {said}" if said else ""
    name = context.provider
    if status in {401, 403}:
        return CredentialsError(f"{name} refused the key ({status}){told} — {context.key_hint}")
    if _names_model(status, document, said, context.model):
        return NotFoundError(
            f'{name} has no model "{context.model}" ({status}){told} — see: hfs models list {name}'
        )
    if 300 <= status < 400:
        return ProviderError(
            f"{name} answered with a redirect ({status}), which is not followed: "
            "set base_url to where it leads, if you trust it"
        )
    return ProviderError(f"{name} ({context.model}) {_VERBS.get(status, 'failed')} ({status})"
                         f"{told}{_next_step(status, context, said)}")  # fmt: skip


_VERBS: Mapping[int, str] = {
    400: "refused the request",
    402: "wants payment",
    404: "found nothing at this address",
    408: "timed out",
    413: "found the request too large",
    422: "refused the request",
    429: "is limiting requests",
    503: "is unavailable",
    529: "is overloaded",
}


def _next_step(status: int, context: Context, said: str) -> str:
    see = f" — see {context.docs}" if context.docs else ""
    if status in {402, 429}:
        return f"{see} for your quota" if see else " — wait, or choose another model with -m"
    if status == 404:
        return " — check base_url"
    if status == 413 or (status in {400, 422} and "context" in said.lower()):
        return " — shorten the prompt, or start a new session"
    if status >= 500:
        return " — try again, or choose another model with -m"
    return ""


def _document(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _names_model(status: int, document: object, said: str, model: str) -> bool:
    error = document.get("error") if isinstance(document, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    named = bool(model) and re.search(rf"(?<![\w.-]){re.escape(model)}(?![\w-])", said)
    return code == "model_not_found" or (status == 404 and bool(named))


def vendor_message(value: object) -> str:
    """The vendor's own words, from an error of any shape, as one line."""
    return sanitize_line(" ".join(_words(value).split()))


def _words(value: object) -> str:
    if isinstance(value, bytes):
        return _plain(value.decode("utf-8", "replace"))
    if isinstance(value, list) and value:
        return _words(value[0])
    if isinstance(value, dict):
        return _words_of(value)
    return value if isinstance(value, str) else json.dumps(value)


def _words_of(error: Mapping[str, object]) -> str:
    """The message in an error object: vendors call it, and wrap it, in many ways."""
    match error.get("metadata"):
        case {"raw": str(raw)} if raw.strip():
            return f"{_words(error.get('message', ''))}: {raw}"
    for name in ("error", "message", "detail", "msg", "type", "code"):
        if inner := error.get(name):
            return _words(inner)
    return json.dumps(error, ensure_ascii=False) if error else ""


def _plain(text: str) -> str:
    if "<" not in text:
        return text
    title = _TITLE.search(text)
    return _TAGS.sub(" ", title[1] if title else text)
