"""Choose how a turn is shown, once, from what standard output is and what was asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from hfs_cli.notices import stderr_is_terminal
from hfs_cli.render.output import Output, Sink
from hfs_cli.render.terminal import Terminal, stdout, terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hfs_cli.config import Config
    from hfs_cli.turn.protocols import Renderer

Format = Literal["text", "json", "jsonl"]
Extract = Literal["first", "last"]


@dataclass(frozen=True, slots=True)
class View:
    """How a turn is to be shown, as it was typed; the settings say the rest.

    Args:
        format: Text, one JSON object at the end, or one JSON event a line.
        extract: For text: only one fenced code block of it.
        output: A file that is written instead of standard output, or None.
        force: The file may exist already.
        quiet: Nothing on standard error but errors and what was asked for.
        usage: End with a line of token counts on standard error.
        hide_reasoning: Do not show the model's reasoning.
        citations: List the sources under the reply off a terminal too.
        verbose: Show on standard error all that tools are given and all that they say.
    """

    format: Format = "text"
    extract: Extract | None = None
    output: Path | None = None
    force: bool = False
    quiet: bool = False
    usage: bool = False
    hide_reasoning: bool = False
    citations: bool = False
    verbose: bool = False


def make_renderer(view: View, config: Config, *, tools: bool = False) -> Renderer:
    """The renderer of one turn.

    Args:
        view: What was typed.
        config: How text is shown, whether it streams, and the prices for the usage.
        tools: Whether the model may ask for tools. What it says before it does is not the reply,
            so off a terminal nothing can be written before a step has ended.

    Raises:
        UsageError: The output file cannot be made.
    """
    inner: Renderer
    if view.output is None:
        inner = _inner(view, config, Output(), stdout, tools=tools)
    else:
        from hfs_cli.files import OutputFile
        from hfs_cli.render.reply.text import Kept

        file, look = OutputFile(view.output, force=view.force), terminal(None)
        inner = Kept(_inner(view, config, file, lambda: look, tools=tools), file)
    prices = None
    if view.usage:
        from hfs_cli.prices import prices_of

        prices = partial(prices_of, configured=config.models)
    # Nobody reads standard error: a script's turn does without a layer between it and each token.
    if not (view.usage or view.verbose or stderr_is_terminal()):
        return inner
    from hfs_cli.render.reply.status import Watched

    return Watched(
        inner,
        quiet=view.quiet,
        usage=view.usage,
        hide_reasoning=view.hide_reasoning,
        verbose=view.verbose,
        prices=prices,
    )


def _inner(
    view: View, config: Config, sink: Sink, look: Callable[[], Terminal], *, tools: bool
) -> Renderer:
    renderer = _reply(view, config, sink, look, tools=tools)
    if view.format != "text" or view.extract or not (view.citations or look().tty):
        return renderer
    from hfs_cli.render.reply.citations import Cited

    return Cited(renderer, sink, dim=look().color)


def _reply(
    view: View, config: Config, sink: Sink, look: Callable[[], Terminal], *, tools: bool
) -> Renderer:
    stream = config.stream and (look().tty or not tools)
    if view.format == "json":
        from hfs_cli.prices import prices_of
        from hfs_cli.render.json_shapes import JsonRenderer

        return JsonRenderer(sink, partial(prices_of, configured=config.models))
    if view.format == "jsonl":
        from hfs_cli.render.json_shapes import JsonLinesRenderer

        return JsonLinesRenderer(sink)
    if view.extract:
        from hfs_cli.render.reply.text import ExtractRenderer

        return ExtractRenderer(sink, last=view.extract == "last", safe=look().tty)
    if config.render == "markdown" or (config.render == "auto" and look().moves):
        from hfs_cli.render.reply.stream import MarkdownRenderer

        return MarkdownRenderer(sink, look, stream=stream)
    from hfs_cli.render.reply.text import PlainRenderer

    return PlainRenderer(sink, safe=look().tty, stream=stream)
