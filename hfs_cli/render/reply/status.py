"""Show a turn's status on standard error: spinner, reasoning, calls, session, usage."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from hfs_cli import notices
from hfs_cli.config import ModelConfig
from hfs_cli.messages import Call, Opened, Outcome, Reply, Usage, added
from hfs_cli.render.terminal import Terminal, terminal
from hfs_cli.sanitize import StreamSanitizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hfs_cli.render.progress import Spinner
    from hfs_cli.turn.protocols import Renderer

# Columns that a spinner takes beside its label, which must not wrap: only one line is erased.
_BESIDE = 4


class StatusRenderer:
    """Adds standard error to a renderer of standard output.

    Only a terminal gets the spinner, the reasoning, the calls and the session line.

    Args:
        inner: Shows the reply.
        quiet: Show none of these.
        hide_reasoning: Do not show the reasoning.
        verbose: Show the whole input and output of tools, on a terminal or not.
        prices: Returns a model's prices, for a line of usage at the end; None for no such line.
    """

    def __init__(
        self,
        inner: Renderer,
        *,
        quiet: bool,
        hide_reasoning: bool,
        verbose: bool,
        prices: Callable[[str], ModelConfig | None] | None,
    ) -> None:
        self._inner = inner
        self._prices = prices
        self._verbose = verbose
        self._look = look = terminal(sys.stderr)
        self._for_person = look.tty and not quiet
        self._spins = look.moves and not quiet
        self._spinner = _spinner() if self._spins else None
        self._called: list[Call] = []
        shows_reasoning = self._for_person and not hide_reasoning
        self._reasoning = _Reasoning(look) if shows_reasoning else None

    def opened(self, opened: Opened) -> None:
        """Show that the request is under way."""
        if self._spinner:
            self._spinner.start()
        self._inner.opened(opened)

    def reasoning(self, text: str) -> None:
        """Show the reasoning, dimmed."""
        self._settle()
        self._inner.reasoning(text)
        if self._reasoning:
            self._reasoning.write(text)

    def text(self, text: str) -> None:
        """Show the reply, below the reasoning that came before it."""
        if not text:
            return
        self._settle()
        self._end_reasoning()
        self._inner.text(text)

    def called(self, call: Call) -> None:
        """End what is being shown: the user may be asked whether the tool may run."""
        self._settle()
        self._end_reasoning()
        self._called.append(call)
        self._inner.called(call)

    def waiting(self) -> None:
        """Show which tools run, or that the model is asked again."""
        if self._spins and self._spinner is None:
            label = ""
            if self._called:
                from hfs_cli.render.reply.calls import names_of

                label = names_of(self._called, self._look.width - _BESIDE)
            self._spinner = _spinner(label)
            self._spinner.start()

    def returned(self, call: Call) -> None:
        """Show the call in a line."""
        self._settle()
        # A vendor need not give ids, and calls may be alike.
        for place, asked in enumerate(self._called):
            if asked[:3] == call[:3]:
                del self._called[place]
                break
        self._inner.returned(call)
        if self._for_person or self._verbose:
            from hfs_cli.render.reply.calls import show_call

            show_call(call, self._look, verbose=self._verbose)
        self.waiting()

    def close(self, outcome: Outcome) -> None:
        """End the reply, then name its session, and the usage if it was asked for."""
        self._settle()
        self._end_reasoning()
        try:
            self._inner.close(outcome)
        finally:
            if self._for_person and outcome.session is not None:
                notices.notice(outcome.session.label)
            if self._prices:
                notices.remark(usage_line(outcome.steps, self._prices(outcome.reply.model)))

    def _end_reasoning(self) -> None:
        if self._reasoning:
            self._reasoning.end()

    def _settle(self) -> None:
        if self._spinner:
            self._spinner.stop()
            self._spinner = None


def _spinner(label: str = "") -> Spinner:
    from hfs_cli.render.progress import Spinner

    return Spinner(label)


class _Reasoning:
    """Reasoning on standard error: dim, and on lines of its own."""

    def __init__(self, look: Terminal) -> None:
        self._dim, self._plain = ("\x1b[2m", "\x1b[0m") if look.color else ("", "")
        self._safe = StreamSanitizer()
        self._last = "\n"

    def write(self, text: str) -> None:
        """Show a piece."""
        self._show(self._safe.feed(text))

    def end(self) -> None:
        """End the line, because something else follows; without colour, add a blank line."""
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
        steps: The replies to its requests.
        prices: The model's prices, or None.
    """
    from hfs_cli.prices import cost, saved
    from hfs_cli.wording import money

    usage = added(*(step.usage for step in steps))
    parts = _counts(usage)
    if steps[0].first_token_s is not None:
        parts.append(f"first token {steps[0].first_token_s:.2f} s")
    if (speed := _tokens_per_second(steps)) is not None:
        parts.append(f"{speed:.0f} tokens/s")
    if usage and (spent := cost(usage, prices)) is not None:
        parts.append(f"cost {money(spent)}")
    if steps[-1].cached:
        parts.append("from the database")
    if usage and (kept := saved(usage, prices)):
        parts.append(f"the cache saved {money(kept)}")
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
