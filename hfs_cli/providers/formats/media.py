"""Attachments in requests: what a format carries, and how bytes become text."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from hfs_cli.errors import UsageError
from hfs_cli.messages import Attachment, ChatMessage
from hfs_cli.providers.formats.wire import MEGABYTE, Media


def kind_of(media_type: str) -> str:
    """``pdf``, or the first half of a media type: ``image``, ``audio``."""
    return "pdf" if media_type == "application/pdf" else media_type.partition("/")[0]


def base64_of(attachment: Attachment) -> str:
    """The bytes of an attachment in Base64."""
    return base64.b64encode(attachment.data).decode()


def data_url(attachment: Attachment) -> str:
    """The attachment's URL if it has one, else a ``data:`` URL with its bytes."""
    return attachment.url or f"data:{attachment.media_type};base64,{base64_of(attachment)}"


def check_media(messages: Iterable[ChatMessage], media: Media, who: str) -> None:
    """Refuse attachments that a format cannot carry, before anything is sent.

    Args:
        messages: The messages to send.
        media: What the format carries.
        who: The provider or model, for the error message.

    Raises:
        UsageError: An attachment has another type, is too large, or is a URL that the vendor does
            not fetch.
    """
    size = 0
    for attachment in (a for message in messages for a in message.attachments):
        _check_one(attachment, media, who)
        size += -(-len(attachment.data) // 3) * 4  # base64
    if size > media.most_bytes:
        raise UsageError(
            f"the attachments are {size / MEGABYTE:.1f} MB as they are sent, and {who} takes"
            f" {media.most_bytes // MEGABYTE} MB: send fewer or smaller ones"
        )


def _check_one(attachment: Attachment, media: Media, who: str) -> None:
    name, media_type = attachment.name, attachment.media_type
    if media_type not in media.types:
        names = sorted(kind.rpartition("/")[2] for kind in media.types)
        takes = f"it takes {', '.join(names)}" if names else "it takes text only"
        raise UsageError(
            f"{who} cannot take {name} ({media_type}): {takes}; choose another model with -m"
        )
    if attachment.url and kind_of(media_type) not in media.urls:
        raise UsageError(f"{who} does not fetch such URLs: download {name} and attach the file")
    most = media.most_each.get(kind_of(media_type))
    if most and len(attachment.data) > most:
        raise UsageError(f"{name} is over the {most // MEGABYTE} MB that {who} takes: shrink it")
