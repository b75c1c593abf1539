"""The reply to a schema: its JSON alone, whatever a model puts around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from hfs_cli import notices
from hfs_cli.messages import Call, Outcome
from hfs_cli.render.output import PassedOn
from hfs_cli.turn.protocols import Renderer


class Asking(NamedTuple):
    """How a model is asked for a schema.

    Args:
        way: In words, for the user.
        read: Finds the JSON in its reply.
        changes: Whether the JSON that is found is not what the model wrote.
    """

    way: str
    read: Callable[[str], str]
    changes: bool


class JsonAlone(PassedOn):
    """Hands on the JSON of a reply; what begins as JSON streams, anything else waits for the end.

    Where the JSON may be changed, all of it waits.

    Args:
        inner: Shows it.
        asking: How each model that may answer is asked, by its full name.
        say: Whether to say, at the end, how the schema was sent.
    """

    def __init__(self, inner: Renderer, asking: Mapping[str, Asking], *, say: bool) -> None:
        super().__init__(inner)
        self._asking = asking
        self._say = say
        self._hold = any(one.changes for one in asking.values())
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
        """Show what was held back; of a reply that broke off, all that came."""
        asked = self._asking[outcome.reply.model]
        if self._held and not self._streams:
            text = self._held if outcome.error else asked.read(self._held)
            self.inner.text(text)
            outcome = outcome._replace(reply=outcome.reply._replace(text=text))
        self.inner.close(outcome)
        if self._say:
            notices.remark(f"schema sent: {asked.way}")
