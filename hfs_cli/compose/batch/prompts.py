"""Make messages from the records of an input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hfs_cli.batch.records import Value
from hfs_cli.config.templates import INPUT, placeholders
from hfs_cli.errors import UsageError
from hfs_cli.messages import ChatMessage

if TYPE_CHECKING:
    from hfs_cli.compose.asked import Asked
    from hfs_cli.messages import Attachment

# The fields that hold the prompt unless a template says otherwise.
_PROMPT_FIELDS = (INPUT, "prompt")


class Prompts:
    """Makes messages from the values of an input.

    Args:
        asked: The template, the files that go with each prompt, and the system prompt.
    """

    def __init__(self, asked: Asked) -> None:
        self._template = asked.template
        self._system = asked.system
        self._texts: tuple[str, ...] = ()
        self._attachments: tuple[Attachment, ...] = ()
        if "-" in asked.files:
            raise UsageError("-f - is standard input, where the prompts come from: give FILE or -")
        if asked.files:
            from hfs_cli.compose.attachments import read_files

            self._texts, self._attachments = read_files(asked.files, asked.encoding)
        texts = [asked.template.text, asked.template.system or ""] if asked.template else []
        self._named = {name for text in texts for name in placeholders(text)}

    def message(self, value: Value) -> tuple[ChatMessage, str | None]:
        """The user message for a value, and the system prompt.

        Raises:
            UsageError: A placeholder has no value, or there is no prompt.
        """
        fields = _fields(value)
        parts, system = [], self._system
        if self._template:
            text, own = self._template.filled_by(fields)
            parts.append(text)
            system = system if own is None else own
        # Text that the template has no place for is appended, as standard input is.
        used = self._named | {name for name in _PROMPT_FIELDS if INPUT in self._named}
        only = next(iter(value)) if isinstance(value, Mapping) and len(value) == 1 else INPUT
        if INPUT in fields and used.isdisjoint({INPUT, only}):
            parts.append(fields[INPUT])
        if not self._template and not parts:
            raise UsageError('there is no field "prompt": add it, or use a template with -t')
        prompt = "\n\n".join(part for part in parts if part)
        if not prompt.strip():
            raise UsageError("the prompt is empty")
        return ChatMessage("user", "\n\n".join((prompt, *self._texts)), self._attachments), system


def _fields(value: Value) -> dict[str, str]:
    """What placeholders stand for; ``input`` is the text, or the field that holds the prompt."""
    if isinstance(value, str):
        return {INPUT: value}
    fields = {name: _as_text(one) for name, one in value.items() if one is not None}
    for name in _PROMPT_FIELDS:
        if name in fields:
            return {INPUT: fields[name], **fields}
    return {INPUT: next(iter(fields.values())), **fields} if len(fields) == 1 else fields


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
