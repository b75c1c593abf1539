"""Read top-level code fences line by line, because one may be longer than the screen."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SEGMENT_LINES = 32
"""How many lines of code are returned, and highlighted, at a time."""


@dataclass(frozen=True, slots=True)
class FenceLine:
    """The opening or closing line of a fence, as it was written.

    Args:
        language: The first word after an opening fence; None for a closing fence.
        gap: Whether a blank line comes before it.
    """

    text: str
    language: str | None = None
    gap: bool = False


@dataclass(frozen=True, slots=True)
class CodeLines:
    """Lines of code in a fence, without their newlines."""

    lines: tuple[str, ...]


@dataclass(slots=True)
class Fence:
    """A fence that is open (https://spec.commonmark.org/0.31.2/#fenced-code-blocks).

    Args:
        markup: The fence itself: three or more backticks or tildes.
        indent: The spaces before it, which its lines may have, too.
        pending: Lines that do not fill a segment yet.
    """

    markup: str
    indent: int
    pending: list[str] = field(default_factory=list)

    def take(self, text: str, *, end: bool) -> tuple[list[FenceLine | CodeLines], str, bool]:
        """Read lines until the fence closes or they run out.

        Args:
            text: More text; a last line without a newline is read only at the `end`.
            end: No more text will come.

        Returns:
            The lines that were read, the text that was not, and whether the fence was closed.
        """
        lines = text.split("\n")
        partial = lines.pop()
        if end and partial:
            lines.append(partial)
            partial = ""
        units: list[FenceLine | CodeLines] = []
        for number, line in enumerate(lines, 1):
            if self.closes(line):
                self._flush(units)
                units.append(FenceLine(line.strip()))
                return units, "\n".join([*lines[number:], partial]), True
            # White space up to the fence's own indentation is not part of the code.
            spaces = len(line) - len(line.lstrip(" "))
            self.pending.append(line[min(spaces, self.indent) :])
            if len(self.pending) == SEGMENT_LINES:
                self._flush(units)
        if end:
            self._flush(units)
        return units, partial, False

    def closes(self, line: str) -> bool:
        """Whether `line` is the closing fence."""
        char, least = re.escape(self.markup[0]), len(self.markup)
        return re.fullmatch(rf" {{0,3}}{char}{{{least},}}[ \t]*", line) is not None

    def _flush(self, units: list[FenceLine | CodeLines]) -> None:
        if self.pending:
            units.append(CodeLines(tuple(self.pending)))
            self.pending.clear()
