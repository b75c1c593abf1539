"""Draw a reply on the screen: final blocks are printed once, the open one below is redrawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rich.text import Text

from hfs_cli.markdown.blocks import Splitter
from hfs_cli.render.markdown.layout import Layout
from hfs_cli.render.terminal import Terminal, ansi, console

# A terminal with synchronized output shows a frame only when it is complete; others ignore
# these marks (https://gist.github.com/christianparpart/d8a62cc1ab659194337d73e399004036).
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"


class Page:
    """Computes what to write as the text comes; writes nothing itself.

    Args:
        look: Returns what the terminal can show now; its size may change between two frames.
    """

    def __init__(self, look: Callable[[], Terminal]) -> None:
        self._look = look
        self._splitter = Splitter()
        self._console = console(look())
        self._layout = Layout(self._console, color=look().color)
        self._live = Region()

    def frame(self, text: str) -> str:
        """What to write when more text has come.

        Args:
            text: The next piece, safe to show.
        """
        look = self._look()
        self._splitter.feed(text)
        final = self._ansi(self._layout.lines(self._splitter.finished(), look.width))
        if not look.moves:
            return "".join(final)
        rest = self._layout.copy().lines(self._splitter.rest(), look.width)
        return self._live.update(final, self._fitting(rest, look), look)

    def last(self, text: str) -> str:
        """What to write when the reply ends with `text`."""
        look = self._look()
        self._splitter.feed(text)
        units = [*self._splitter.finished(), *self._splitter.end()]
        final = self._ansi(self._layout.lines(units, look.width))
        return self._live.update(final, [], look) if look.moves else "".join(final)

    def clear(self) -> str:
        """What to write to erase the open block."""
        return self._live.update([], [], self._look())

    def _fitting(self, lines: Iterable[Text], look: Terminal) -> list[str]:
        """The last lines of the open block that fit on the screen, one row each."""
        shown = list(lines)[-max(1, look.height - 2) :]
        for line in shown:
            line.expand_tabs()
            line.truncate(look.width, overflow="ellipsis")
        return self._ansi(shown)

    def _ansi(self, lines: Iterable[Text]) -> list[str]:
        return [ansi(line, self._console) + "\n" for line in lines]


class Region:
    """The rows at the bottom that are redrawn; rows that do not change are not touched."""

    def __init__(self) -> None:
        self._rows: list[str] = []
        self._width = 0

    def update(self, above: list[str], rows: list[str], look: Terminal) -> str:
        """What to write so that `above` is printed for good, and `rows` below it.

        Args:
            above: Finished lines.
            rows: The new rows, none wider than the terminal.
            look: The terminal as it is now.
        """
        # On the screen: a, b, c. Wanted: a for good, then b and d. So a and b stay, the cursor
        # goes up one row to c, everything from there is erased and d is written. A row that has
        # scrolled out of the window cannot be reached, so final rows are printed only once.
        wanted = above + rows
        same = 0
        if look.width == self._width:
            for old, new in zip(self._rows, wanted, strict=False):
                if old != new:
                    break
                same += 1
        up = self._height(same, look)
        written = "".join(wanted[same:])
        self._rows, self._width = rows, look.width
        if not up:
            return written
        return f"{_BEGIN}\x1b[{up}A\r\x1b[J{written}{_END}"

    def _height(self, same: int, look: Terminal) -> int:
        """How many rows of the screen the old rows take, without the first that stay.

        Some terminals wrap them when the window is made narrower.
        """
        old = self._rows[same:]
        if look.width >= self._width or not look.reflows:
            return len(old)
        from rich.text import Text

        widths = (Text.from_ansi(row).cell_len for row in old)
        return sum(max(1, -(-width // look.width)) for width in widths)
