"""The JSON form of messages and checkpoints, which `sessions show` and exports share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hfs_cli.messages import Attachment, Call, Message
from hfs_cli.moments import iso

if TYPE_CHECKING:  # printing a list in a pipe does not need the module
    from hfs_cli.conversations import Checkpoint

Shape = Mapping[str, object]


def message_shape(message: Message, *, data: bool) -> Shape:
    """A message without the number that a database gave it.

    Args:
        data: Whether to include the bytes of attachments, as base64, and what only vendors can
            read; otherwise only the number of bytes.
    """
    shape: dict[str, object] = {
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
        "calls": [
            {**call_shape(call), "extra": call.extra} if data else call_shape(call)
            for call in message.tool_calls
        ],
        "citations": [source._asdict() for source in message.citations],
        "usage": None if message.usage is None else message.usage._asdict(),
        "first_token_s": message.first_token_s,
        "total_s": message.total_s,
        "created_at": iso(message.created_at),
        "reply_to": message.reply_to,
        "step": message.step,
        "stands_for": message.stands_for,
        "attachments": [_attachment_shape(a, data=data) for a in message.attachments],
    }
    if data:
        shape["state"] = message.state and message.state._asdict()
        shape["extra"] = message.extra
    return shape


def call_shape(call: Call) -> Shape:
    """A call of a tool, without what only its vendor can read.

    ``name`` is the tool's name for the model, ``tool`` the one that people type.
    """
    return {
        "id": call.id,
        "name": call.name,
        "tool": call.label,
        "arguments": call.arguments,
        "result": call.result,
        "failed": call.failed,
        "started_at": call.started_at and iso(call.started_at),
        "ended_at": call.ended_at and iso(call.ended_at),
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
