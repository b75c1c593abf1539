"""Show only the code of a reply."""

from __future__ import annotations

from hfs_cli import notices
from hfs_cli.errors import ProviderError
from hfs_cli.messages import Outcome
from hfs_cli.render.output import Silent, Sink
from hfs_cli.sanitize import sanitize


class ExtractRenderer(Silent):
    """Writes one fenced code block of the reply at the end of the turn.

    Nothing is written of a reply that broke off: half a script must not run.

    Args:
        output: Where the code is written.
        last: The last block instead of the first.
        safe: Show control characters escaped (a terminal).
    """

    def __init__(self, output: Sink, *, last: bool, safe: bool) -> None:
        self._output = output
        self._index = -1 if last else 0
        self._safe = safe

    def close(self, outcome: Outcome) -> None:
        """Write the block.

        Raises:
            ProviderError: The reply has none.
        """
        if outcome.error is not None:
            return
        blocks = fenced_blocks(outcome.reply.text)
        if blocks:
            code = blocks[self._index]
        elif self._safe:
            # A person sees that it is not code; a script would run it.
            notices.warn("the reply has no fenced code block: this is all of it")
            code = outcome.reply.text.removesuffix("\n") + "\n"
        else:
            kept = outcome.session
            where = f"hfs sessions show -r {kept.id} shows it" if kept else "leave out -x to see it"
            raise ProviderError(f"the reply has no fenced code block: {where}")
        self._output.write(sanitize(code) if self._safe else code)


def fenced_blocks(text: str) -> list[str]:
    """The code of all fenced blocks of a Markdown text in order, including nested ones.

    Args:
        text: Markdown; CR LF is read as a newline.
    """
    from hfs_cli.markdown.parser import parser

    tokens = parser().parse(text.replace("\r\n", "\n"))
    return [token.content for token in tokens if token.type == "fence"]
