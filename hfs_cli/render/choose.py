"""Choose how a turn is shown, once, from what standard output is and what was asked."""

from __future__ import annotations

from typing import Literal

from hfs_cli.render.output import Output
from hfs_cli.render.terminal import stdout
from hfs_cli.turn import Renderer

Format = Literal["text", "json", "jsonl"]
Render = Literal["auto", "markdown", "plain"]


def make_renderer(
    *,
    format: Format = "text",  # noqa: A002 - the option's own name
    render: Render = "auto",
    stream: bool = True,
    quiet: bool = False,
    usage: bool = False,
    hide_reasoning: bool = False,
) -> Renderer:
    """The renderer of one turn.

    Args:
        format: Text, one JSON object at the end, or one JSON event a line.
        render: For text: Markdown, the text itself, or Markdown on a terminal only.
        stream: Show text as it comes, or all of it at the end.
        quiet: Nothing on standard error but errors and what was asked for.
        usage: End with a line of token counts on standard error.
        hide_reasoning: Do not show the model's reasoning.
    """
    from hfs_cli.render.status import Watched

    inner = _renderer(format, render, stream=stream)
    return Watched(inner, quiet=quiet, usage=usage, hide_reasoning=hide_reasoning)


def _renderer(format_: Format, render: Render, *, stream: bool) -> Renderer:
    output = Output()
    if format_ != "text":
        from hfs_cli.render.jsonformats import JsonLinesRenderer, JsonRenderer

        return JsonRenderer(output) if format_ == "json" else JsonLinesRenderer(output)
    look = stdout()
    if render == "markdown" or (render == "auto" and look.moves):
        from hfs_cli.render.markdown import MarkdownRenderer

        return MarkdownRenderer(output, stream=stream)
    from hfs_cli.render.plain import PlainRenderer

    return PlainRenderer(output, safe=look.tty, stream=stream)
