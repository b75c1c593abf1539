"""Choose how a turn is shown, once, from what standard output is and what was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hfs_cli.render.output import Output
from hfs_cli.render.terminal import stdout, terminal

if TYPE_CHECKING:
    from hfs_cli.config import ModelConfig
    from hfs_cli.files import OutputFile
    from hfs_cli.turn.run import Renderer

Format = Literal["text", "json", "jsonl"]
Render = Literal["auto", "markdown", "plain"]
Extract = Literal["first", "last"]


@dataclass(frozen=True, slots=True)
class View:
    """How a turn is to be shown.

    Args:
        format: Text, one JSON object at the end, or one JSON event a line.
        render: For text: Markdown, the text itself, or Markdown on a terminal only.
        extract: For text: only one fenced code block of it.
        file: Written instead of standard output.
        stream: Show text as it comes, or all of it at the end.
        quiet: Nothing on standard error but errors and what was asked for.
        usage: End with a line of token counts on standard error.
        hide_reasoning: Do not show the model's reasoning.
        prices: What the model's tokens cost, for the usage.
    """

    format: Format = "text"
    render: Render = "auto"
    extract: Extract | None = None
    file: OutputFile | None = None
    stream: bool = True
    quiet: bool = False
    usage: bool = False
    hide_reasoning: bool = False
    prices: ModelConfig | None = None


def make_renderer(view: View) -> Renderer:
    """The renderer of one turn."""
    from hfs_cli.render.reply.status import Watched

    return Watched(
        _renderer(view),
        quiet=view.quiet,
        usage=view.usage,
        hide_reasoning=view.hide_reasoning,
        prices=view.prices,
    )


def _renderer(view: View) -> Renderer:
    if view.file is not None:
        from hfs_cli.render.reply.file import Kept

        return Kept(_inner(view), view.file)
    return _inner(view)


def _inner(view: View) -> Renderer:
    sink = view.file or Output()
    look = terminal(None) if view.file else stdout()
    if view.format == "json":
        from hfs_cli.render.json_shapes import JsonRenderer

        return JsonRenderer(sink)
    if view.format == "jsonl":
        from hfs_cli.render.json_shapes import JsonLinesRenderer

        return JsonLinesRenderer(sink)
    if view.extract:
        from hfs_cli.render.reply.extract import ExtractRenderer

        return ExtractRenderer(sink, last=view.extract == "last", safe=look.tty)
    if view.render == "markdown" or (view.render == "auto" and look.moves):
        from hfs_cli.render.markdown.stream import MarkdownRenderer

        asked_again = (lambda: look) if view.file else stdout
        return MarkdownRenderer(sink, asked_again, stream=view.stream)
    from hfs_cli.render.reply.plain import PlainRenderer

    return PlainRenderer(sink, safe=look.tty, stream=view.stream)
