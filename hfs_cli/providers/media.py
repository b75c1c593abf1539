"""Attachments as the vendors take them: what kinds there are, and their text forms."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from hfs_cli.errors import UsageError
from hfs_cli.messages import Attachment, ChatMessage


def kind_of(media_type: str) -> str:
    """``image``, ``pdf``, ``audio`` or ``text``."""
    return "pdf" if media_type == "application/pdf" else media_type.partition("/")[0]


def base64_of(attachment: Attachment) -> str:
    """Its bytes as text."""
    return base64.b64encode(attachment.data).decode()


def data_url(attachment: Attachment) -> str:
    """Its own URL where the vendor fetches it, else its bytes as one."""
    return attachment.url or f"data:{attachment.media_type};base64,{base64_of(attachment)}"


def check_media(
    messages: Iterable[ChatMessage], kinds: frozenset[str], urls: frozenset[str], who: str
) -> None:
    """Refuse what a format cannot carry, before anything is sent.

    Args:
        messages: The messages to be sent.
        kinds: The kinds that it carries.
        urls: The kinds that the vendor fetches by itself.
        who: The provider and model, for the message.

    Raises:
        UsageError: An attachment is of another kind, or a URL that nobody would fetch.
    """
    for attachment in (a for message in messages for a in message.attachments):
        kind = kind_of(attachment.media_type)
        if kind not in kinds:
            takes = f"it takes {', '.join(sorted(kinds))}" if kinds else "it takes text only"
            raise UsageError(
                f"{who} cannot take {attachment.name} ({attachment.media_type}): {takes};"
                " choose another model with -m"
            )
        if attachment.url and kind not in urls:
            raise UsageError(
                f"{who} fetches no URLs for {kind}: download {attachment.name} and give the file"
            )
