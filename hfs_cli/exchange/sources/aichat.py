"""The sessions of aichat: YAML that holds settings, and a list of roles and contents.

Times are not kept; the file's own stands for them, and its name is the conversation's. A content
is a text, a list of texts and pictures, or ``tool_results``: each call with its output
(``src/client/message.rs`` and ``src/function.rs`` of sigoden/aichat, 82976d3 of 2026-02-23, read
2026-11-29).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hfs_cli.conversations import Incoming
from hfs_cli.errors import UsageError
from hfs_cli.exchange.json_values import Fields
from hfs_cli.exchange.sources.foreign import listed


def conversations(text: str, path: Path) -> Iterator[Incoming]:
    """The conversation of a file.

    Raises:
        UsageError: It is not YAML of that shape, or PyYAML is not installed.
    """
    fields = Fields(_parse_yaml(text, path), str(path))
    model = fields.maybe_text("model") or None
    # What it compressed out of the context was still said.
    messages = (*fields.items("compressed_messages"), *fields.items("messages"))
    yield from listed("aichat", path, messages, model)


def _parse_yaml(text: str, path: Path) -> object:
    try:
        import yaml
    except ImportError:
        raise UsageError(f"reading {path} needs PyYAML: pip install 'hfs-cli[yaml]'") from None

    # BaseLoader builds strings, lists and mappings and looks at no tag, so a text that looks
    # like a date stays text, and `!!bool perhaps` does no harm.
    class Loader(yaml.BaseLoader):  # type: ignore[misc]  # PyYAML has no types
        """No aliases either: a few lines of them can stand for gigabytes."""

        def compose_node(self, parent: object, index: object) -> object:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("aliases are not read")
            return super().compose_node(parent, index)

    try:
        return yaml.load(text, Loader)  # noqa: S506  (a BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"{path} is not valid YAML: {str(error).splitlines()[0]}") from error
