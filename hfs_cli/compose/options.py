"""The options that every command which takes a turn shares, as one frozen value."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any

import click

from hfs_cli.compose.prompt import utf8_word
from hfs_cli.errors import UsageError


@dataclass(frozen=True, slots=True)
class TurnOptions:
    """What the user asked of one turn; see `hfs chat --help` for the meanings.

    Args:
        words: The prompt's words as given.
        option: Pairs of option name and value text.
        timeout: Seconds for the whole reply, or None.
        idle_timeout: Seconds without a byte, or None.
    """

    words: tuple[str, ...] = ()
    model: str | None = None
    file: tuple[str, ...] = ()
    schema: str | None = None
    system: str | None = None
    system_file: Path | None = None
    no_system: bool = False
    edit: bool = False
    no_stdin: bool = False
    no_save: bool = False
    option: tuple[tuple[str, str], ...] = ()
    temperature: float | None = None
    max_tokens: int | None = None
    output_format: str = "text"
    render: str | None = None
    extract: str | None = None
    output: Path | None = None
    force: bool = False
    hide_reasoning: bool = False
    no_stream: bool = False
    quiet: bool = False
    usage: bool = False
    dry_run: bool = False
    over_budget: bool = False
    timeout: float | None = None
    idle_timeout: float | None = None
    retries: int | None = None


class _Seconds(click.FloatRange):
    """A time above 0: ``nan``, which compares with nothing, and ``inf`` are none."""

    def convert(
        self,
        value: Any,  # noqa: ANN401  (click's own type)
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Read the words."""
        seconds = super().convert(value, param, ctx)
        if not isfinite(seconds):
            self.fail(f"{value} is not a number of seconds above 0.", param, ctx)
        return seconds


_SECONDS = _Seconds(min=0, min_open=True)

_OPTIONS = (
    click.argument("words", metavar="[PROMPT]...", nargs=-1),
    click.option("-m", "--model", metavar="MODEL", help="Model (provider/id) or alias."),
    click.option(
        "-f",
        "--file",
        multiple=True,
        metavar="PATH",
        help="A file to send: text joins the prompt; an image, a PDF or a sound is attached.",
    ),
    click.option(
        "--schema",
        metavar="SCHEMA",
        help='Reply in JSON that fits: a file, JSON Schema, or "name, age int, tags list".',
    ),
    click.option("-s", "--system", metavar="TEXT", help="System prompt."),
    click.option(
        "--system-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Read the system prompt from a file.",
    ),
    click.option("--no-system", is_flag=True, help="Send no system prompt this time."),
    click.option("-e", "--edit", is_flag=True, help="Write the prompt in $EDITOR."),
    click.option("--no-stdin", is_flag=True, help="Do not read standard input."),
    click.option("--no-save", is_flag=True, help="Keep nothing of this turn."),
    click.option(
        "-o",
        "--option",
        nargs=2,
        multiple=True,
        metavar="NAME VALUE",
        help="Model option, e.g. -o top_p 0.9 (the value is JSON or text).",
    ),
    click.option("--temperature", type=click.FloatRange(min=0), help="Sampling temperature."),
    click.option("--max-tokens", type=click.IntRange(min=1), help="Longest reply, in tokens."),
    click.option(
        "--format",
        "output_format",
        type=click.Choice(["text", "json", "jsonl"]),
        default="text",
        show_default=True,
        help="What standard output carries.",
    ),
    click.option("--json", "output_format", flag_value="json", help="Short for --format json."),
    click.option(
        "--render",
        type=click.Choice(["auto", "markdown", "plain"]),
        help="How text is shown; auto is Markdown on a terminal.",
    ),
    click.option(
        "-x",
        "--extract",
        flag_value="first",
        help="Only the first fenced code block of the reply.",
    ),
    click.option("--extract-last", "extract", flag_value="last", help="Only the last one."),
    click.option(
        "-O",
        "--output",
        type=click.Path(path_type=Path),
        help="Write the reply to this file instead (whole or not at all).",
    ),
    click.option("--force", is_flag=True, help="With -O: replace a file that exists."),
    click.option("--hide-reasoning", is_flag=True, help="Do not show the model's reasoning."),
    click.option("--no-stream", is_flag=True, help="Show the reply when it is whole."),
    click.option("-q", "--quiet", is_flag=True, help="No session line, no notices."),
    click.option("-u", "--usage", is_flag=True, help="Show tokens and times on stderr."),
    click.option("--dry-run", is_flag=True, help="Print the request; send and save nothing."),
    click.option("--over-budget", is_flag=True, help="Go on when the daily budget is spent."),
    click.option("--timeout", type=_SECONDS, metavar="S", help="Limit for the whole reply."),
    click.option("--idle-timeout", type=_SECONDS, metavar="S", help="Limit without a byte."),
    click.option("--retries", type=click.IntRange(0, 10), help="Tries after the first."),
)
# What a request is made of: as an option it would replace the conversation that is kept.
_NOT_OPTIONS = {"model", "messages", "contents", "stream"}
# The names of files may be any bytes.
_PATHS = {"file", "schema"}
_NAMES = {field.name for field in fields(TurnOptions)}


def turn_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the shared options to a command; it gets them as one `TurnOptions`."""

    @functools.wraps(function)
    def with_options(**values: Any) -> None:  # noqa: ANN401  (click's own types)
        for name, value in values.items():
            if name not in _PATHS:
                _refuse_what_is_not_utf8(value)
        own = {name: values.pop(name) for name in list(values) if name not in _NAMES}
        function(TurnOptions(**values), **own)

    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options


def _refuse_what_is_not_utf8(value: object) -> None:
    """Before anything is kept."""
    if isinstance(value, str):
        utf8_word(value)
    elif isinstance(value, tuple):
        for part in value:
            _refuse_what_is_not_utf8(part)


def model_options(asked: TurnOptions) -> dict[str, object]:
    """The sampling options given on the command line.

    Raises:
        UsageError: An option is given twice, is the conversation itself, or is no number
            that JSON has.
    """
    given: dict[str, object] = {}
    pairs = [(name, _value(text)) for name, text in asked.option]
    pairs += [("temperature", asked.temperature), ("max_tokens", asked.max_tokens)]
    for name, value in pairs:
        if value is None:
            continue
        if name in given:
            raise UsageError(f"the option {name} is given twice: keep one")
        if name in _NOT_OPTIONS:
            raise UsageError(f"{name} is no option of a model: hfs itself sends it")
        try:
            json.dumps(value, allow_nan=False)
        except ValueError as error:
            raise UsageError(f"{name} is no number that can be sent: {value}") from error
        given[name] = value
    return given


def _value(text: str) -> object:
    """A JSON value, or the text itself where it is none (``-o stop END``)."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
