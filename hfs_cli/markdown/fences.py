"""Top-level code fences, line by line: a fence may be longer than the screen."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SEGMENT_LINES = 32
"""How many lines of code are handed out, and highlighted, at once."""


@dataclass(frozen=True, slots=True)
class FenceLine:
    """The opening or the closing line of a fence, as it was written.

    Args:
        language: The first word after an opening fence; None for a closing one.
        gap: Whether a blank line comes before it.
    """

    text: str
    language: str | None = None
    gap: bool = False


@dataclass(frozen=True, slots=True)
class CodeLines:
    """The next lines of the code in the fence, without their newlines."""

    lines: tuple[str, ...]


@dataclass(slots=True)
class Fence:
    """A fence that has been opened (https://spec.commonmark.org/0.31.2/#fenced-code-blocks).

    Args:
        markup: The fence itself: three or more backticks or tildes.
        indent: Spaces before it, which its lines may have too.
        pending: Code that does not fill a segment yet.
    """

    markup: str
    indent: int
    pending: list[str] = field(default_factory=list)

    def take(self, text: str, *, end: bool) -> tuple[list[FenceLine | CodeLines], str, bool]:
        """Read lines until the fence closes or they run out.

        Args:
            text: What follows; a last line without a newline is read only at the `end`.
            end: No more text will come.

        Returns:
            What was completed, the text that was not read, and whether the fence closed.
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
            # As much white space as the fence itself has is not the code's.
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
