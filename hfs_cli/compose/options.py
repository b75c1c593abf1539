"""Declare the options that all commands which take a turn share, grouped by subject."""

from __future__ import annotations

import functools
import itertools
import re
from collections import deque
from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import Any

import click

from hfs_cli import notices
from hfs_cli.compose.asked import ANY_AGE, oldest_reply, read_options
from hfs_cli.compose.input import utf8_word
from hfs_cli.config.settings import FORMATS, REASONING_LEVELS, SETTINGS
from hfs_cli.errors import UsageError
from hfs_cli.groups import AMOUNT, OutputPath, Word, owner_options, whole_number


def _age(word: str) -> str:
    """An age, once it is known to be one; a template keeps it as it was typed."""
    oldest_reply(word)
    return word


def _setting(name: str, metavar: str, text: str) -> Callable[..., Any]:
    """An option with the name of the setting that it overrides, whose values it takes."""
    parsed = Word(name, SETTINGS[name].parse)
    return click.option(f"--{name.replace('_', '-')}", type=parsed, metavar=metavar, help=text)


# The parameters under each heading of the help.
_HEADINGS = {
    "Session": "go_on ref create keep name at owner save context",
    "Input": "kind limit template params save_template files encoding edit stdin stdin_timeout",
    "Model": "models profile system system_file no_system reasoning search temperature max_tokens"
    " pairs schema schema_multi",
    "Tools": "tool confirm max_steps tool_timeout verbose",
    "Output": "format extract output resume retry_failed force unordered render stream"
    " hide_reasoning citations usage quiet no_pager schema_of",
    "At a vendor": "vendor no_wait status cancel as_json",
    "Limits": "width per_minute timeout idle_timeout retries max_cost budget over_budget reuse"
    " record dry_run",
}
_LAST_HEADING = "Limits"


class TurnCommand(click.Command):
    """A command with the options of a turn, of which ``-o`` takes one word or two."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Split ``NAME=VALUE`` after ``-o`` in two: click reads a fixed number of words."""
        options = [p for p in self.get_params(ctx) if isinstance(p, click.Option)]
        takes = {
            name: option.nargs for option in options if not option.is_flag for name in option.opts
        }
        names = {name for option in options for name in (*option.opts, *option.secondary_opts)}
        return super().parse_args(ctx, _with_pairs(args, takes, names | {"--"}))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under headings, in the order of the headings' names."""
        records: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if isinstance(param, click.Option) and record is not None:
                records.setdefault(param.name or "", []).append(record)
        for heading, names in _HEADINGS.items():
            shown = [record for name in names.split() for record in records.pop(name, ())]
            if heading == _LAST_HEADING:  # --help, and what no heading names
                shown += itertools.chain.from_iterable(records.values())
            if shown:  # a command without a message of its own has no options of input
                with formatter.section(heading):
                    formatter.write_dl(shown)


def _with_pairs(args: list[str], takes: Mapping[str, int], options: Container[str]) -> list[str]:
    """The words, with each ``-o NAME=VALUE`` as ``-o NAME VALUE``.

    Only where ``-o`` is an option: in ``-s -o -o stop=END "a=b"`` the first one is a system
    prompt, and the words become ``-s -o -o stop END "a=b"``.

    Args:
        takes: How many words follow each option.
        options: The names of all options, and ``--``. None of them is the value of a pair, though
            click would take it: in ``-p to -m x/y``, ``-p to -mx/y`` and ``-p to --model=x/y`` the
            value was forgotten.

    Raises:
        UsageError: A pair has no value, a word holds an option and a space, or what may be meant
            as an age is none.
    """
    given: list[str] = []
    left = deque(args)
    while left:
        word = left.popleft()
        if word == "--":
            return [*given, word, *left]
        if re.match(r"-\w |--[\w-]+ ", word):
            raise UsageError('what begins with "-" is an option: put -- before the prompt')
        if attached := re.fullmatch(r"(?:--(?:option|param)=|-[op])([^=]+=.*)", word, re.DOTALL):
            word = "-o" if word.startswith(("-o", "--option")) else "-p"
            left.appendleft(attached[1])
        given.append(word)
        if word in _REUSE:
            # The age is optional, and a prompt must not be taken for one.
            aged = left and re.fullmatch(r"[0-9]{1,6}[mhdw]", left[0])
            if left and not aged and re.fullmatch(r"[0-9][0-9A-Za-z.]*", left[0]):
                raise UsageError(
                    f"{left[0]!r} is not an age: write {word}=90m, 12h, 30d or 2w; if it begins the"
                    " prompt, put -- before it"
                )
            given[-1:] = [word, left.popleft() if aged else ANY_AGE]
        elif word in _PAIRS and left and "=" in left[0]:
            name, _, value = left.popleft().partition("=")
            given += [name, value]
        elif word in _PAIRS and len(left) > 1 and _option_of(left[1]) in options:
            raise UsageError(f"{word} {left[0]} has no value: write {word} {left[0]}=VALUE")
        else:
            given += [left.popleft() for _ in range(min(takes.get(word, 0), len(left)))]
    return given


def _option_of(word: str) -> str:
    """The option that a word would be: ``--model`` of ``--model=x``, ``-m`` of ``-mx``."""
    return word.partition("=")[0] if word.startswith("--") else word[:2]


def _known_encoding(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    if name is None or name == "replace":
        return name
    try:
        "x".encode(name)
    except (LookupError, ValueError) as error:
        raise UsageError(f"no encoding {name!r}: use latin-1, utf-16, shift_jis, …") from error
    return name


_INPUT = (
    click.option(
        "-t",
        "--template",
        multiple=True,
        metavar="TEMPLATE",
        help="Take prompt and options from a template; see hfs templates list.",
    ),
    click.option(
        "-p",
        "--param",
        "params",
        nargs=2,
        multiple=True,
        metavar="NAME VALUE",
        help="Value of a placeholder of the template: -p to French or -p to=French.",
    ),
    click.option(
        "-f",
        "--file",
        "files",
        multiple=True,
        metavar="PATH|URL",
        help="Add a file, a directory (as git sees it), a pattern, a URL or -: text joins the"
        " prompt; images, PDFs and sounds are attached.",
    ),
    click.option(
        "--encoding",
        metavar="NAME",
        callback=_known_encoding,
        help="Encoding of text that is not UTF-8: latin-1, utf-16, …, or replace.",
    ),
)
# More that the message of a single turn is made of.
_MESSAGE = (
    click.argument("words", metavar="[PROMPT]...", nargs=-1),
    click.option(
        "--save-template",
        metavar="NAME",
        help="Save what is given here as a template of that name, and send nothing.",
    ),
    click.option("-e", "--edit", is_flag=True, help="Write the prompt in $EDITOR."),
    click.option("--no-stdin", "stdin", flag_value="never", help="Do not read standard input."),
    _setting("stdin_timeout", "S", "Give up standard input after S seconds of silence."),
)
_MODEL = (
    click.option("-s", "--system", metavar="TEXT", help="System prompt."),
    click.option(
        "--system-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Read the system prompt from a file.",
    ),
    click.option("--no-system", is_flag=True, help="Send no system prompt this time."),
    click.option(
        "-o",
        "--option",
        "pairs",
        nargs=2,
        multiple=True,
        metavar="NAME VALUE",
        help="Model option: -o top_p 0.9 or -o top_p=0.9 (the value is JSON or text).",
    ),
    click.option(
        "--temperature", type=AMOUNT, metavar="T", help="Sampling temperature, 0 or more."
    ),
    click.option(
        "--max-tokens", type=whole_number(1), metavar="N", help="Longest reply, in tokens."
    ),
    click.option(
        "--schema",
        metavar="SCHEMA",
        help='Reply in JSON that fits: a file, JSON Schema, or "name, age int, tags list".',
    ),
    click.option(
        "--schema-multi",
        metavar="SCHEMA",
        help='The same for a list of such objects: {"items": […]}.',
    ),
    _setting("max_cost", "X", "End the turn when it costs more than X."),
    click.option("--over-budget", is_flag=True, help="Continue even if the daily budget is spent."),
)
# Each has the name of the setting that it overrides; see `hfs_cli.config`.
_SETTINGS = (
    click.option(
        "--reasoning",
        type=click.Choice(REASONING_LEVELS),
        help="How much the model thinks first; max is the most it takes.",
    ),
    click.option(
        "--search/--no-search",
        default=None,
        help="Let the vendor search the web; sources are listed.",
    ),
    _setting("timeout", "S", "Seconds for the whole reply."),
    _setting("idle_timeout", "S", "Seconds without a byte."),
    _setting("retries", "N", "Send a request that failed up to N times again."),
    click.option(
        "--tool",
        multiple=True,
        metavar="TOOL",
        help="Let the model use a tool: NAME, all of an MCP SERVER's, SERVER:TOOL, or the vendor's"
        " own web-search or code-execution.",
    ),
    _setting("max_steps", "N", "Make at most N requests in a turn with tools (10)."),
    _setting("tool_timeout", "S", "Seconds for each call of a tool."),
    click.option("--profile", metavar="PROFILE", help="Use the settings of [profiles.PROFILE]."),
    click.option(
        "--record",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Keep each exchange as a file in DIR, for HFS_REPLAY=DIR.",
    ),
)
# What is not a setting is a field of `hfs_cli.render.reply.choose.View`.
_VIEW = (
    click.option(
        "-x",
        "--extract",
        flag_value="first",
        help="Print only the first fenced code block of the reply.",
    ),
    click.option("--extract-last", "extract", flag_value="last", help="Print only the last one."),
    click.option("-q", "--quiet", is_flag=True, help="Show no session line and no notices."),
)
# For a single turn: with many turns at once these differ or have no meaning.
_OF_ONE = (
    click.option(
        "-m",
        "--model",
        "models",
        multiple=True,
        metavar="MODEL",
        help="Model (PROVIDER/MODEL) or alias; a second one is asked if the first cannot answer.",
    ),
    click.option("--confirm", is_flag=True, help="Ask on the terminal before each call of a tool."),
    click.option(
        "--context",
        type=click.Choice(SETTINGS["context"].kind.choices),
        help="What to do with a conversation that is too long for the model.",
    ),
    click.option(
        "--reuse",
        "--cache",
        "reuse",
        type=Word("age", _age),
        metavar="[AGE]",
        help="Answer with the kept reply to the very same request, if that was sent with --reuse"
        " too and is not older than AGE.",
    ),
    click.option("--dry-run", is_flag=True, help="Print the request; send and save nothing."),
    click.option(
        "--no-save", "save", flag_value=False, default=None, help="Keep nothing of this turn."
    ),
    click.option(
        "--render",
        type=click.Choice(SETTINGS["render"].kind.choices),
        help="How text is shown; auto is Markdown on a terminal.",
    ),
    click.option(
        "--no-stream",
        "stream",
        flag_value=False,
        default=None,
        help="Show the reply only when it is complete.",
    ),
    click.option(
        "--format",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="What to print.",
    ),
    click.option("--json", "format", flag_value="json", help="Short for --format json."),
    click.option(
        "-O",
        "--output",
        type=OutputPath(path_type=Path),
        metavar="FILE",
        help="Write the reply to FILE instead (all of it or nothing).",
    ),
    click.option("--force", is_flag=True, help="With -O: replace a file that exists."),
    click.option(
        "--hide-reasoning", is_flag=True, help="Leave out the model's reasoning, also in JSON."
    ),
    click.option("--citations", is_flag=True, help="List what the reply cites, in a pipe too."),
    click.option(
        "-v",
        "--verbose",
        is_flag=True,
        help="Show on stderr all that tools are given and say.",
    ),
    click.option("-u", "--usage", is_flag=True, help="Show tokens and times on stderr."),
)
_REUSE = {"--reuse", "--cache"}
# Options of two words, which may be written as one: NAME=VALUE.
_PAIRS = {"-o", "--option", "-p", "--param"}
# Options that name files, whose names may be any bytes.
_PATHS = {"files", "schema", "schema_multi"}


def turn_options(
    *, message: bool = True, many: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the shared options to a command, which gets them as one value, an `Asked`.

    It comes first. What is left of the command's own parameters follows by name.

    Args:
        message: With the words and options that the user message is made of.
        many: For many turns at once: without what concerns one alone, and templates get the
            values of their placeholders later (see `fill_from_templates`).
    """
    input_ = (*_INPUT, *(() if many else _MESSAGE)) if message else ()
    options = (*input_, *_MODEL, *_SETTINGS, *_VIEW, *(() if many else _OF_ONE))

    def add(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def with_options(**values: Any) -> None:  # noqa: ANN401  (click's own types)
            for name, value in values.items():
                if name not in _PATHS:
                    _refuse_what_is_not_utf8(value)
            context = click.get_current_context()
            saved = values.pop("save_template", None)
            asked = read_options(context, values, many=many)
            if saved is None:
                function(asked, **values)
                return
            from hfs_cli.compose.templates import save_template

            file = save_template(
                context, saved, asked.words, asked.config.file, replace=asked.view.force
            )
            notices.notice(f"the template is kept: {file}")

        for option in reversed(options):
            with_options = option(with_options)
        return owner_options()(with_options)

    return add


def _refuse_what_is_not_utf8(value: object) -> None:
    """Refuse words that are not UTF-8 before anything is kept."""
    if isinstance(value, str):
        utf8_word(value)
    elif isinstance(value, tuple):
        for part in value:
            _refuse_what_is_not_utf8(part)
