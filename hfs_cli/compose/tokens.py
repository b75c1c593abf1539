"""About how many tokens a request has, before its vendor has counted them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hfs_cli.messages import Attachment, ChatMessage, Request

# It holds for English, about so for what takes more bytes a letter.
BYTES_A_TOKEN = 4
# An image of the size that vendors make it smaller to, a page of a PDF, and a sound at 128 kbit/s
# with 32 tokens a second: https://platform.claude.com/docs/en/build-with-claude/vision,
# .../pdf-support and https://ai.google.dev/gemini-api/docs/tokens, read 2026-11-29.
_IMAGE_TOKENS = 1600
_PAGE_TOKENS = 2250
_SOUND_BYTES_A_TOKEN = 500
_PAGE = re.compile(rb"/Type\s*/Page\b")


def estimated_tokens(request: Request) -> int:
    """About how many tokens a request has: its text, attachments, tools and schema."""
    size = _size(request.system or "")
    for _, description, parameters in request.tools:
        size += _size(description) + _size(json.dumps(parameters))
    if request.schema is not None:
        size += _size(json.dumps(request.schema))
    return -(-size // BYTES_A_TOKEN) + tokens_of(request.messages)


def tokens_of(messages: Iterable[ChatMessage]) -> int:
    """About how many tokens messages have."""
    size = tokens = 0
    for message in messages:
        size += _size(message.content)
        size += sum(_size(call.arguments) + _size(call.result or "") for call in message.calls)
        tokens += sum(map(_attached, message.attachments))
    return tokens - (-size // BYTES_A_TOKEN)


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _attached(attachment: Attachment) -> int:
    """What nobody has fetched yet counts as one picture or page."""
    kind = attachment.media_type.partition("/")[0]
    if kind == "audio":
        return -(-len(attachment.data) // _SOUND_BYTES_A_TOKEN)
    if attachment.media_type == "application/pdf":
        return _PAGE_TOKENS * max(1, len(_PAGE.findall(attachment.data)))
    return _IMAGE_TOKENS
