"""Bare lists of roles and contents: shell_gpt's chats (JSON) and aichat's sessions (YAML).

Neither keeps times; the file's own stands for them. Its name is the conversation's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from hfs_cli.conversations import Conversation
from hfs_cli.errors import UsageError
from hfs_cli.exchange.foreign import Said, arrived
from hfs_cli.exchange.json_values import Fields
from hfs_cli.messages import Role

_ROLES = ("system", "user", "assistant", "tool")


def fits(document: object) -> bool:
    """Whether it is a list of messages."""
    return (
        isinstance(document, list)
        and bool(document)
        and isinstance(document[0], dict)
        and {"role", "content"} <= document[0].keys()
    )


def shell_gpt(document: list[object], path: Path) -> Iterator[Conversation]:
    """A chat of shell_gpt: the list is the whole file.

    Raises:
        UsageError: It is not what it should be.
    """
    yield from _conversation("shell_gpt", path, document, None)


def aichat(text: str, path: Path) -> Iterator[Conversation]:
    """A session of aichat: settings, and the list under ``messages``.

    Raises:
        UsageError: It is not YAML of that shape, or PyYAML is not installed.
    """
    fields = Fields(_parse_yaml(text, path), str(path))
    model = fields.maybe_text("model")
    # What it compressed out of the context was still said.
    messages = (*fields.items("compressed_messages"), *fields.items("messages"))
    yield from _conversation("aichat", path, messages, model)


def _conversation(
    source: str, path: Path, messages: list[object] | tuple[object, ...], model: str | None
) -> Iterator[Conversation]:
    begun = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    said = [_said(Fields(m, f"{path}, message {n}"), model) for n, m in enumerate(messages, 1)]
    found = arrived(source, path.stem, path.stem, begun, [one for one in said if one.content])
    if found is not None:
        yield found


def _said(message: Fields, model: str | None) -> Said:
    role = cast("Role", message.choice("role", _ROLES))
    return Said(role=role, content=_content(message), model=model if role == "assistant" else None)


def _content(message: Fields) -> str:
    """Text, or a list of parts of which some are text."""
    if not message.is_array("content"):
        return message.maybe_text("content") or ""
    parts = [Fields(part, message.where) for part in message.items("content")]
    return "\n\n".join(part.maybe_text("text") or "[a file]" for part in parts)


def _parse_yaml(text: str, path: Path) -> object:
    try:
        import yaml
    except ImportError:
        raise UsageError(f"reading {path} needs PyYAML: pip install 'hfs-cli[yaml]'") from None

    class Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
        """Plain data only, and no aliases: a few lines of them can stand for gigabytes."""

        def compose_node(self, parent: object, index: object) -> object:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("aliases are not read")
            return super().compose_node(parent, index)

    try:
        return yaml.load(text, Loader)  # noqa: S506  (a SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"{path} is not valid YAML: {str(error).splitlines()[0]}") from error
