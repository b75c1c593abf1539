"""What a person sees on standard error during a turn: spinner, reasoning, session, usage."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from hfs_cli import notices
from hfs_cli.config import ModelConfig
from hfs_cli.messages import Call, Opened, Outcome, Reply, Usage, added
from hfs_cli.render.terminal import Terminal, terminal
from hfs_cli.sanitize import StreamSanitizer
from hfs_cli.turn.protocols import Renderer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hfs_cli.render.progress import Spinner


class Watched:
    """Adds to a renderer of standard output what belongs on standard error.

    The spinner and the reasoning are for a person; the usage comes when it was asked for.

    Args:
        inner: Shows the reply.
        quiet: No spinner, reasoning, tools or session line.
        usage: End with a line of token counts.
        verbose: Show all that tools are given and all that they say, terminal or not.
        hide_reasoning: Do not show the reasoning.
        prices: What a model's tokens cost, for the usage.
    """

    def __init__(
        self,
        inner: Renderer,
        *,
        quiet: bool,
        usage: bool,
        hide_reasoning: bool,
        verbose: bool,
        prices: Callable[[str], ModelConfig | None] | None,
    ) -> None:
        self._inner = inner
        self._usage = usage
        self._prices = prices
        look = terminal(sys.stderr)
        self._session_line = look.tty and not quiet
        self._turns = look.moves and not quiet
        self._spinner = _spinner() if self._turns else None
        self._calls = self._session_line
        self._verbose = verbose
        self._look = look
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
        self._inner.reasoning(text)
        if self._aside:
            self._aside.write(text)

    def text(self, text: str) -> None:
        """Show the reply, below whatever reasoning came before it."""
        if not text:
            return
        self._settle()
        if self._aside:
            self._aside.end()
        self._inner.text(text)

    def called(self, call: Call) -> None:
        """End what was shown before the tool; the user may be asked whether it may run."""
        self._settle()
        if self._aside:
            self._aside.end()
        self._inner.called(call)

    def waiting(self) -> None:
        """Show that something is under way: a tool, or the model again."""
        if self._turns and self._spinner is None:
            self._spinner = _spinner()
            self._spinner.start()

    def returned(self, call: Call) -> None:
        """A line for each call."""
        self._settle()
        self._inner.returned(call)
        if self._calls or self._verbose:
            from hfs_cli.render.reply.calls import show_call

            show_call(call, self._look, verbose=self._verbose)
        self.waiting()

    def close(self, outcome: Outcome) -> None:
        """End the reply, then say which session it is kept in."""
        self._settle()
        if self._aside:
            self._aside.end()
        try:
            self._inner.close(outcome)
        finally:
            if self._session_line and outcome.session is not None:
                notices.notice(outcome.session.label)
            if self._usage:
                prices = self._prices(outcome.reply.model) if self._prices else None
                notices.remark(usage_line(outcome.steps, prices))

    def _settle(self) -> None:
        if self._spinner:
            self._spinner.stop()
            self._spinner = None


def _spinner() -> Spinner:
    from hfs_cli.render.progress import Spinner

    return Spinner()


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
        """Finish the line, for something else comes now; without colour, leave one empty."""
        self._show(self._safe.flush())
        if self._last != "\n":
            self._show("\n" if self._dim else "\n\n")

    def _show(self, text: str) -> None:
        if text:
            self._last = text[-1]
            notices.write(f"{self._dim}{text}{self._plain}")


def usage_line(steps: Sequence[Reply], prices: ModelConfig | None) -> str:
    """Token counts, waiting time, speed and cost of a turn, as far as they are known.

    Args:
        steps: The replies of its requests as they ended.
        prices: What a million tokens of the model cost, or None.
    """
    from hfs_cli.prices import cost, saved

    usage = added(*(step.usage for step in steps))
    parts = _counts(usage)
    if steps[0].first_token_s is not None:
        parts.append(f"first token {steps[0].first_token_s:.2f} s")
    if (speed := _tokens_per_second(steps)) is not None:
        parts.append(f"{speed:.0f} tokens/s")
    if usage and (money := cost(usage, prices)) is not None:
        parts.append(f"cost {money:.4f}")
    if steps[-1].cached:
        parts.append("from the database")
    if usage and (money := saved(usage, prices)):
        parts.append(f"the cache saved {money:.4f}")
    return " · ".join(parts)


def _counts(usage: Usage | None) -> list[str]:
    if usage is None:
        return ["the provider gave no token counts"]
    parts = []
    if usage.input_tokens is not None:
        cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
        parts.append(f"{usage.input_tokens:,} in{cached}")
    if usage.output_tokens is not None:
        thought = f" ({usage.reasoning_tokens:,} reasoning)" if usage.reasoning_tokens else ""
        parts.append(f"{usage.output_tokens:,} out{thought}")
    return parts


def _tokens_per_second(steps: Sequence[Reply]) -> float | None:
    """The speed after the first token of each reply; the wait before it is not counted."""
    measured = [
        (step.usage.output_tokens, step.total_s - step.first_token_s)
        for step in steps
        if step.usage and step.usage.output_tokens
        if step.total_s is not None and step.first_token_s is not None
    ]
    seconds = sum(took for _, took in measured)
    return sum(count for count, _ in measured) / seconds if seconds > 0 else None
