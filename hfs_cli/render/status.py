"""What a person sees on standard error during a turn: spinner, reasoning, session, usage."""

from __future__ import annotations

import sys

from hfs_cli import notices
from hfs_cli.messages import Opened, Outcome, Reply
from hfs_cli.render.terminal import Terminal, terminal
from hfs_cli.render.ticker import Ticker
from hfs_cli.sanitize import StreamSanitizer
from hfs_cli.turn import Renderer

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_ERASE = "\r\x1b[K"


class Watched:
    """Adds to a renderer of standard output what belongs on standard error.

    The spinner and the reasoning are for a person; the usage comes when it was asked for.

    Args:
        inner: Shows the reply.
        quiet: No spinner, reasoning or session line.
        usage: End with a line of token counts.
        hide_reasoning: Do not show the reasoning.
    """

    def __init__(self, inner: Renderer, *, quiet: bool, usage: bool, hide_reasoning: bool) -> None:
        self._inner = inner
        self._usage = usage
        look = terminal(sys.stderr)
        self._session_line = look.tty and not quiet
        self._spinner = Spinner() if look.moves and not quiet else None
        shows = look.tty and not quiet and not hide_reasoning
        self._aside = Aside(look) if shows else None

    def opened(self, opened: Opened) -> None:
        """Show that something is under way."""
        if self._spinner:
            self._spinner.start()
        self._inner.opened(opened)

    def reasoning(self, text: str) -> None:
        """Show the reasoning, dimmed."""
        self._settle()
        if self._aside:
            pause = getattr(self._inner, "pause", None)
            if pause:
                pause()
            self._aside.write(text)
        self._inner.reasoning(text)

    def text(self, text: str) -> None:
        """Show the reply, below whatever reasoning came before it."""
        if not text:
            return
        self._settle()
        if self._aside:
            self._aside.end()
        self._inner.text(text)

    def close(self, outcome: Outcome) -> None:
        """End the reply, then say which session it is kept in."""
        self._settle()
        if self._aside:
            self._aside.end()
        try:
            self._inner.close(outcome)
        finally:
            if self._session_line and outcome.session is not None:
                notices.notice(f"session {outcome.session.id} · {outcome.session.name}")
            if self._usage:
                notices.remark(usage_line(outcome.reply))

    def _settle(self) -> None:
        if self._spinner:
            self._spinner.stop()
            self._spinner = None


class Spinner:
    """A sign of life on standard error until the first token."""

    def __init__(self) -> None:
        self._frame = 0
        self._ticker = Ticker(self._draw, 0.1)

    def start(self) -> None:
        """Begin to turn."""
        self._ticker.start()

    def stop(self) -> None:
        """Leave no trace."""
        self._ticker.stop()
        if self._frame:
            _stderr(_ERASE)

    def _draw(self) -> None:
        _stderr(f"\r{_FRAMES[self._frame % len(_FRAMES)]}")
        self._frame += 1


class Aside:
    """Reasoning on standard error, dimmed, always on lines of its own."""

    def __init__(self, look: Terminal) -> None:
        self._dim, self._plain = ("\x1b[2m", "\x1b[0m") if look.color else ("", "")
        self._safe = StreamSanitizer()
        self._last = "\n"

    def write(self, text: str) -> None:
        """Show a piece."""
        self._show(self._safe.feed(text))

    def end(self) -> None:
        """Finish the line, for something else comes now."""
        self._show(self._safe.flush())
        if self._last != "\n":
            self._show("\n")

    def _show(self, text: str) -> None:
        if text:
            self._last = text[-1]
            _stderr(f"{self._dim}{text}{self._plain}")


def _stderr(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(text)
        sys.stderr.flush()


def usage_line(reply: Reply) -> str:
    """Token counts, waiting time and speed of a turn, as far as they are known."""
    usage, parts = reply.usage, []
    if usage is not None:
        if usage.input_tokens is not None:
            cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
            parts.append(f"{usage.input_tokens:,} in{cached}")
        if usage.output_tokens is not None:
            thought = f" ({usage.reasoning_tokens:,} reasoning)" if usage.reasoning_tokens else ""
            parts.append(f"{usage.output_tokens:,} out{thought}")
    if not parts:
        parts.append("the provider gave no token counts")
    if reply.first_token_s is not None:
        parts.append(f"first token {reply.first_token_s:.2f} s")
    if (speed := _tokens_per_second(reply)) is not None:
        parts.append(f"{speed:.0f} tokens/s")
    return " · ".join(parts)


def _tokens_per_second(reply: Reply) -> float | None:
    """Speed after the first token: the wait before it is another number."""
    if reply.usage is None or not reply.usage.output_tokens:
        return None
    if reply.total_s is None or reply.first_token_s is None:
        return None
    seconds = reply.total_s - reply.first_token_s
    return reply.usage.output_tokens / seconds if seconds > 0 else None
