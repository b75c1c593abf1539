"""Decide in one place what a stream can show: escape sequences, colour, width."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from hfs_cli.notices import is_terminal, wants_color

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

FALLBACK_SIZE = (80, 24)
# Environment variables of terminals that rewrap the screen when the window is made narrower:
# GNOME's and its kin, kitty, WezTerm, Ghostty, Alacritty, Konsole, Windows, iTerm2, tmux.
# There is no way to ask. xterm and the Linux console do not rewrap.
_REFLOWING = (
    "VTE_VERSION",
    "KITTY_WINDOW_ID",
    "WEZTERM_PANE",
    "GHOSTTY_RESOURCES_DIR",
    "ALACRITTY_WINDOW_ID",
    "KONSOLE_VERSION",
    "WT_SESSION",
    "ITERM_SESSION_ID",
    "TMUX",
)


@dataclass(frozen=True, slots=True)
class Terminal:
    """What may be written to a stream.

    Args:
        tty: A person reads it.
        moves: The cursor may be moved, lines erased.
        color: Colour and weight may be set (SGR sequences).
        width: Columns to lay text out for, at least 1.
        height: Rows that can be redrawn, at least 1.
        reflows: The rows on the screen are rewrapped when the window is made narrower.
    """

    tty: bool
    moves: bool
    color: bool
    width: int
    height: int
    reflows: bool = False


def terminal(stream: TextIO | None) -> Terminal:
    """What a stream can show now; the window may have another size later.

    Args:
        stream: ``sys.stdout`` or ``sys.stderr``; None if it was closed.
    """
    tty = is_terminal(stream)
    width, height = _size(stream, tty=tty)
    return Terminal(
        tty=tty,
        moves=tty and os.environ.get("TERM", "dumb") not in {"dumb", ""},
        color=wants_color(stream),
        width=width,
        height=height,
        reflows=any(name in os.environ for name in _REFLOWING),
    )


def stdout() -> Terminal:
    """What standard output can show now."""
    return terminal(sys.stdout)


def _size(stream: TextIO | None, *, tty: bool) -> tuple[int, int]:
    """Columns and rows: those of ``COLUMNS`` and ``LINES``, but not more than the window has.

    The terminal would wrap longer rows itself, and a redraw could not tell how many there are.
    """
    width, height = _count(os.environ.get("COLUMNS")), _count(os.environ.get("LINES"))
    if tty and stream is not None:
        real = os.get_terminal_size(stream.fileno())
        width = min(width or real.columns, real.columns) or width
        height = min(height or real.lines, real.lines) or height
    return width or FALLBACK_SIZE[0], height or FALLBACK_SIZE[1]


def _count(value: str | None) -> int:
    # A huge number would exhaust memory.
    return min(int(value), 10_000) if value and value.isascii() and value.isdigit() else 0


def console(look: Terminal, width: int | None = None) -> Console:
    """A Rich console that renders into memory, independent of Rich's own detection.

    Markup, emoji codes and highlighting are off: all text is data. The caller captures
    what is printed and writes it itself.

    Args:
        look: What the stream can show.
        width: Columns, or None for the stream's width.
    """
    import io

    from rich.console import Console

    return Console(
        file=io.StringIO(),
        force_terminal=look.color,
        # The sixteen colours of the user's palette, light or dark; None also turns bold and
        # italic off.
        color_system="standard" if look.color else None,
        no_color=not look.color,
        width=width or look.width,
        height=look.height,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=False,
        _environ={},
    )


def ansi(line: Text, view: Console) -> str:
    """A line of any length, with its styles as escape sequences.

    Args:
        line: Safe text.
        view: A console with the terminal's colours.
    """
    from rich.color import ColorSystem

    colors = ColorSystem.STANDARD if view.color_system else None
    return "".join(
        segment.style.render(segment.text, color_system=colors) if segment.style else segment.text
        for segment in line.render(view)
    )
