"""Messages and checkpoints as every JSON has them: `sessions show`, and exports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hfs_cli.messages import Attachment, Message
from hfs_cli.moments import iso

if TYPE_CHECKING:  # a list in a pipe does without them
    from hfs_cli.conversations import Checkpoint

Shape = Mapping[str, object]


def message_shape(message: Message, *, data: bool) -> Shape:
    """A message without the number that a database gave it.

    Args:
        message: The message.
        data: With its attachments' bytes as base64; else with how many they are.
    """
    return {
        "position": message.position,
        "role": message.role,
        "content": message.content,
        "reasoning": message.reasoning,
        "status": message.status,
        "error": message.error,
        "model": message.model,
        "finish_reason": message.finish_reason,
        "finish_raw": message.finish_raw,
        "tool_calls": [call.name for call in message.tool_calls],
        "citations": [source._asdict() for source in message.citations],
        "usage": None if message.usage is None else message.usage._asdict(),
        "first_token_s": message.first_token_s,
        "total_s": message.total_s,
        "created_at": iso(message.created_at),
        "reply_to": message.reply_to,
        "attachments": [_attachment_shape(a, data=data) for a in message.attachments],
    }


def checkpoint_shape(checkpoint: Checkpoint) -> Shape:
    """A checkpoint without the number that a database gave it."""
    return {
        "position": checkpoint.position,
        "label": checkpoint.label,
        "created_at": iso(checkpoint.created_at),
    }


def _attachment_shape(attachment: Attachment, *, data: bool) -> Shape:
    shape: Shape = {"name": attachment.name, "media_type": attachment.media_type}
    if attachment.url is not None:
        return {**shape, "url": attachment.url}
    if not data:
        return {**shape, "bytes": len(attachment.data)}
    from base64 import b64encode

    return {**shape, "data": b64encode(attachment.data).decode("ascii")}
