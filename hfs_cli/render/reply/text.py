"""The reply as text: exact in a pipe, safe on a terminal; all of it, or only its code."""

from __future__ import annotations

from hfs_cli import notices
from hfs_cli.errors import ProviderError
from hfs_cli.files import OutputFile
from hfs_cli.messages import Call, Opened, Outcome
from hfs_cli.render.output import PassedOn, Silent, Sink
from hfs_cli.sanitize import StreamSanitizer, sanitize
from hfs_cli.turn.protocols import Renderer


class PlainRenderer(Silent):
    """Writes each piece as it comes, and one newline at the end if there is none.

    Args:
        output: Where the text goes.
        safe: Show control characters escaped (a terminal); in a pipe the text is exact.
        stream: Write each piece at once, or everything when the turn has ended.
    """

    def __init__(self, output: Sink, *, safe: bool, stream: bool) -> None:
        self._output = output
        self._safe = StreamSanitizer() if safe else None
        self._stream = stream
        self._held: list[str] = []
        self._last = "\n"

    def text(self, text: str) -> None:
        """Write a piece of the reply.

        Raises:
            ReaderLeft: Nobody reads standard output any more.
            OutputError: It cannot be written.
        """
        if not text:
            return
        if self._stream:
            self._write(self._safe.feed(text) if self._safe else text)
        else:
            self._held.append(text)

    def called(self, call: Call) -> None:  # noqa: ARG002 - the protocol's own name
        """What came before a tool is not the answer: a person sees it, a pipe does not."""
        if self._safe:
            self._end()
        else:
            self._held.clear()

    def close(self, outcome: Outcome) -> None:  # noqa: ARG002 - all was said by text()
        """Write what was held back, and the last newline."""
        self._end()

    def _end(self) -> None:
        text = "".join(self._held)
        self._held.clear()
        if self._safe:
            text = self._safe.feed(text) + self._safe.flush()
        # In one piece: of many that write into one pipe (`xargs -P`) each stays whole then, up
        # to what the kernel takes at once.
        self._write(text if (text or self._last).endswith("\n") else text + "\n")

    def _write(self, text: str) -> None:
        if text:
            self._last = text[-1]
            self._output.write(text)


class ExtractRenderer(Silent):
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
            # A person sees what it is; a script would run it.
            notices.warn("the reply has no fenced code block: this is all of it")
            code = outcome.reply.text.removesuffix("\n") + "\n"
        else:
            kept = outcome.session
            where = f"hfs sessions show -r {kept.id} shows it" if kept else "leave out -x to see it"
            raise ProviderError(f"the reply has no fenced code block: {where}")
        self._output.write(sanitize(code) if self._safe else code)


def fenced_blocks(text: str) -> list[str]:
    """The code of every fenced block of a Markdown text, in order, nested ones too.

    Args:
        text: Markdown; CR LF is read as a newline.
    """
    from hfs_cli.markdown.parser import parser

    tokens = parser().parse(text.replace("\r\n", "\n"))
    return [token.content for token in tokens if token.type == "fence"]


class Kept(PassedOn):
    """A renderer whose output is a file: it stands when the turn has ended well.

    Args:
        inner: Writes to the file.
        file: The file.
    """

    def __init__(self, inner: Renderer, file: OutputFile) -> None:
        super().__init__(inner)
        self._file = file

    def opened(self, opened: Opened) -> None:
        """Make room for it before the request goes out."""
        self._file.open()
        self.inner.opened(opened)

    def close(self, outcome: Outcome) -> None:
        """Write the rest; name the file if the reply came whole, else remove it."""
        whole = False
        try:
            self.inner.close(outcome)
            whole = outcome.error is None
        finally:
            self._file.finish(keep=whole)
