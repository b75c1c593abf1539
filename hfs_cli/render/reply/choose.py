"""Choose how a turn is shown, from the options and from what standard output can show."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

from hfs_cli.notices import stderr_is_terminal
from hfs_cli.render.output import Output, PlainRenderer, Sink
from hfs_cli.render.terminal import Terminal, stdout, terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hfs_cli.config import ModelConfig
    from hfs_cli.turn.protocols import Renderer

Format = Literal["text", "json", "jsonl"]
Extract = Literal["first", "last"]


@dataclass(frozen=True, slots=True)
class View:
    """How a turn is shown: the options of a command, and the settings that concern it.

    Args:
        format: Text, one JSON object at the end, or one JSON event on each line.
        extract: With text: show only one fenced code block.
        output: A file to write instead of standard output, or None.
        force: The file may exist already.
        quiet: Show only errors and what was asked for on standard error.
        usage: End with a line of token counts on standard error.
        hide_reasoning: Do not show the model's reasoning.
        citations: List the sources below the reply in a pipe, too.
        verbose: Show the whole input and output of tools on standard error.
        render: How text is shown: ``auto`` is Markdown on a terminal and plain elsewhere.
        stream: Show each piece as it arrives.
        prices: The prices, by model, for the usage.
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
    render: str = "auto"
    stream: bool = True
    prices: Mapping[str, ModelConfig] = field(default_factory=dict)


def make_renderer(view: View, *, tools: bool = False) -> Renderer:
    """The renderer of one turn.

    Args:
        view: How it is shown.
        tools: Whether the model may ask for tools. Text that precedes a call is not the reply, so
            nothing can be written to a pipe before a step has ended.

    Raises:
        UsageError: The output file cannot be made.
    """
    inner: Renderer
    if view.output is None:
        inner = _inner(view, Output(), stdout, tools=tools)
    else:
        from hfs_cli.render.output_file import FileRenderer, OutputFile

        file, look = OutputFile(view.output, force=view.force), terminal(None)
        inner = FileRenderer(_inner(view, file, lambda: look, tools=tools), file)
    prices = None
    if view.usage:
        from hfs_cli.prices import prices_of

        prices = partial(prices_of, configured=view.prices)
    # A script that shows nothing on standard error saves a layer for each token.
    if not (view.usage or view.verbose or stderr_is_terminal()):
        return inner
    from hfs_cli.render.reply.status import StatusRenderer

    return StatusRenderer(
        inner,
        quiet=view.quiet,
        hide_reasoning=view.hide_reasoning,
        verbose=view.verbose,
        prices=prices,
    )


def _inner(view: View, sink: Sink, look: Callable[[], Terminal], *, tools: bool) -> Renderer:
    renderer = _reply(view, sink, look, tools=tools)
    if view.format != "text" or view.extract or not (view.citations or look().tty):
        return renderer
    from hfs_cli.render.reply.citations import CitingRenderer

    return CitingRenderer(renderer, sink, dim=look().color)


def _reply(view: View, sink: Sink, look: Callable[[], Terminal], *, tools: bool) -> Renderer:
    stream = view.stream and (look().tty or not tools)
    if view.format == "json":
        from hfs_cli.prices import prices_of
        from hfs_cli.render.json_shapes import JsonRenderer

        prices = partial(prices_of, configured=view.prices)
        return JsonRenderer(sink, prices, hide_reasoning=view.hide_reasoning)
    if view.format == "jsonl":
        from hfs_cli.render.json_shapes import JsonLinesRenderer

        return JsonLinesRenderer(sink, hide_reasoning=view.hide_reasoning)
    if view.extract:
        from hfs_cli.render.reply.extract import ExtractRenderer

        return ExtractRenderer(sink, last=view.extract == "last", safe=look().tty)
    if view.render == "markdown" or (view.render == "auto" and look().moves):
        from hfs_cli.render.reply.stream import MarkdownRenderer

        return MarkdownRenderer(sink, look, stream=stream)
    return PlainRenderer(sink, safe=look().tty, stream=stream)
