"""Only the code of the reply: one fenced block, for a script or a file."""

from __future__ import annotations

from hfs_cli.errors import ProviderError
from hfs_cli.messages import Opened, Outcome
from hfs_cli.render.output import Sink
from hfs_cli.sanitize import sanitize


class ExtractRenderer:
    """Writes one fenced code block of the reply when the turn has ended.

    Of a reply that broke off nothing is written: half a script must not run.

    Args:
        output: Where the code goes.
        last: The last block instead of the first.
        safe: Show control characters escaped (a terminal).
    """

    def __init__(self, output: Sink, *, last: bool, safe: bool) -> None:
        self._output = output
        self._index = -1 if last else 0
        self._safe = safe

    def opened(self, opened: Opened) -> None:
        """Nothing yet."""

    def reasoning(self, text: str) -> None:
        """Nothing yet."""

    def text(self, text: str) -> None:
        """Nothing yet."""

    def close(self, outcome: Outcome) -> None:
        """Write the block.

        Raises:
            ProviderError: The reply has none.
        """
        if outcome.error is not None:
            return
        blocks = fenced_blocks(outcome.reply.text)
        if not blocks:
            raise ProviderError(f"the reply has no fenced code block{_where(outcome)}")
        code = blocks[self._index]
        self._output.write(sanitize(code) if self._safe else code)


def fenced_blocks(text: str) -> list[str]:
    """The code of every fenced block of a Markdown text, in order, nested ones too.

    Args:
        text: Markdown; CR LF is read as a newline.
    """
    from hfs_cli.markdown.parser import parser

    tokens = parser().parse(text.replace("\r\n", "\n"))
    return [token.content for token in tokens if token.type == "fence"]


def _where(outcome: Outcome) -> str:
    if outcome.session is None:
        return ": leave out -x to see it"
    return f": hfs sessions show {outcome.session.id} shows it"
