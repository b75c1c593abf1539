"""The reply to a schema: its JSON alone, whatever a model puts around it."""

from __future__ import annotations

from collections.abc import Callable

from hfs_cli import notices
from hfs_cli.messages import Call, Opened, Outcome
from hfs_cli.turn.run import Renderer


class JsonAlone:
    """Hands on the JSON of a reply; what begins as JSON streams, anything else waits for the end.

    Args:
        inner: Shows it.
        read: Finds the JSON in a whole reply.
        hold: Show nothing before the end, for the reply may be changed.
        remark: What to say on standard error at the end, or None.
    """

    def __init__(
        self,
        inner: Renderer,
        read: Callable[[str], str],
        *,
        hold: bool,
        remark: str | None = None,
    ) -> None:
        self._remark = remark
        self._inner = inner
        self._read = read
        self._hold = hold
        self._streams = False
        self._held = ""

    def opened(self, opened: Opened) -> None:
        """Pass on."""
        self._inner.opened(opened)

    def reasoning(self, text: str) -> None:
        """Pass on."""
        self._inner.reasoning(text)

    def text(self, text: str) -> None:
        """Pass on what is JSON, and hold back what may not be."""
        if self._streams:
            self._inner.text(text)
            return
        self._held += text
        if not self._hold and self._held.lstrip().startswith(("{", "[")):
            self._streams = True
            held, self._held = self._held, ""
            self._inner.text(held)

    def called(self, call: Call) -> None:
        """What was said before a tool is no JSON of the reply."""
        self._inner.text(self._held)
        self._held, self._streams = "", False
        self._inner.called(call)

    def waiting(self) -> None:
        """Pass on."""
        self._inner.waiting()

    def returned(self, call: Call) -> None:
        """Pass on."""
        self._inner.returned(call)

    def close(self, outcome: Outcome) -> None:
        """Show what was held back; of a reply that broke off, all that came."""
        if self._held and not self._streams:
            text = self._held if outcome.error else self._read(self._held)
            self._inner.text(text)
            outcome = outcome._replace(reply=outcome.reply._replace(text=text))
        self._inner.close(outcome)
        if self._remark:
            notices.remark(self._remark)
