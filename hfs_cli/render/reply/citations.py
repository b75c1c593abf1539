"""List the sources of a reply as numbered notes below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfs_cli.messages import Citation, Outcome
from hfs_cli.render.output import ForwardingRenderer, Sink
from hfs_cli.sanitize import sanitize_line

if TYPE_CHECKING:
    from hfs_cli.turn.protocols import Renderer


class CitingRenderer(ForwardingRenderer):
    """Adds the notes to a renderer of text.

    The numbers are those of ``--json``; replies of Perplexity's models refer to them.

    Args:
        inner: Shows the reply.
        output: Where its text is written.
        dim: Show the notes dim (on a terminal with colours).
    """

    def __init__(self, inner: Renderer, output: Sink, *, dim: bool) -> None:
        super().__init__(inner)
        self._output = output
        self._dim = dim

    def close(self, outcome: Outcome) -> None:
        """End the text, and write a blank line and the notes."""
        self.inner.close(outcome)
        if outcome.reply.citations:
            lines = map(note, range(1, 1 + len(outcome.reply.citations)), outcome.reply.citations)
            before, after = ("\x1b[2m", "\x1b[0m") if self._dim else ("", "")
            self._output.write("\n" + "".join(f"{before}{line}{after}\n" for line in lines))


def note(number: int, source: Citation) -> str:
    """A source's number, title and URL in one line that is safe to show."""
    parts = " — ".join(sanitize_line(part) for part in (source.title, source.url) if part)
    return f"[{number}] {parts}"
