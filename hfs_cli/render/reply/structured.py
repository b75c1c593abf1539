"""Show only the JSON of a reply to a schema, without any text around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from hfs_cli import notices
from hfs_cli.messages import Call, Outcome
from hfs_cli.render.output import ForwardingRenderer

if TYPE_CHECKING:
    from hfs_cli.turn.protocols import Renderer


class JsonReader(NamedTuple):
    """Finds the JSON in what one model replies to a schema.

    Args:
        way: How the schema was sent, in words for the user.
        read: Finds the JSON in a reply.
        changes: Whether `read` may change the JSON, and not only cut it out.
    """

    way: str
    read: Callable[[str], str]
    changes: bool


class JsonAlone(ForwardingRenderer):
    """Passes on the JSON of a reply.

    A reply that begins as JSON streams; any other waits for the end, and so does all JSON that may
    be changed.

    Args:
        inner: Shows the JSON.
        readers: One for each model that may reply, by its full name.
        say: Say at the end how the schema was sent.
    """

    def __init__(self, inner: Renderer, readers: Mapping[str, JsonReader], *, say: bool) -> None:
        super().__init__(inner)
        self._readers = readers
        self._say = say
        self._hold = any(one.changes for one in readers.values())
        self._streams = False
        self._held = ""

    def text(self, text: str) -> None:
        """Pass on JSON, and hold back text that may be something else."""
        if self._streams:
            self.inner.text(text)
            return
        self._held += text
        if not self._hold and self._held.lstrip().startswith(("{", "[")):
            self._streams = True
            held, self._held = self._held, ""
            self.inner.text(held)

    def called(self, call: Call) -> None:
        """Pass on the text before a call, which is not a part of the JSON."""
        self.inner.text(self._held)
        self._held, self._streams = "", False
        self.inner.called(call)

    def close(self, outcome: Outcome) -> None:
        """Show the JSON in the text that was held back; if the reply broke off, all of the text."""
        reader = self._readers[outcome.reply.model]
        if self._held and not self._streams:
            text = self._held if outcome.error else reader.read(self._held)
            self.inner.text(text)
            outcome = outcome._replace(reply=outcome.reply._replace(text=text))
        self.inner.close(outcome)
        if self._say:
            notices.remark(f"schema sent: {reader.way}")
