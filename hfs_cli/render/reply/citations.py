"""The sources that a reply names, as numbered notes under it."""

from __future__ import annotations

from hfs_cli.messages import Citation, Outcome
from hfs_cli.render.output import PassedOn, Sink
from hfs_cli.sanitize import sanitize_line
from hfs_cli.turn.protocols import Renderer


class Cited(PassedOn):
    """Adds the notes to a renderer of text.

    The numbers are those of ``--json``; Perplexity's texts name their sources by them.

    Args:
        inner: Shows the reply.
        output: Where its text goes.
        dim: Set the notes off by their weight (a terminal with colours).
    """

    def __init__(self, inner: Renderer, output: Sink, *, dim: bool) -> None:
        super().__init__(inner)
        self._output = output
        self._dim = dim

    def close(self, outcome: Outcome) -> None:
        """End the text, then write a note a line, after a blank one."""
        self.inner.close(outcome)
        if outcome.reply.citations:
            lines = map(note, range(1, 1 + len(outcome.reply.citations)), outcome.reply.citations)
            before, after = ("\x1b[2m", "\x1b[0m") if self._dim else ("", "")
            self._output.write("\n" + "".join(f"{before}{line}{after}\n" for line in lines))


def note(number: int, source: Citation) -> str:
    """One source as a line that is safe to show: its number, title and URL."""
    named = " — ".join(sanitize_line(part) for part in (source.title, source.url) if part)
    return f"[{number}] {named}"
