"""The options that every command which takes a turn shares, split by what they concern."""

from __future__ import annotations

import functools
import itertools
import json
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hfs_cli import notices
from hfs_cli.compose.input import read_text, utf8_word
from hfs_cli.config import Config, load_config
from hfs_cli.config.settings import FORMATS, PROFILE_SETTINGS, REASONING_LEVELS, SETTINGS
from hfs_cli.errors import UsageError
from hfs_cli.groups import AMOUNT, Word, owner_options, whole_number

if TYPE_CHECKING:
    from datetime import datetime

    from hfs_cli.compose.templates import Prompt
    from hfs_cli.render.reply.choose import View


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed of a turn, but for the settings and for how it is to be shown.

    Args:
        words: The prompt's words; one that is ``-`` asks for standard input.
        files: What ``-f`` names.
        template: The prompt of a template, or None.
        encoding: What the text of the files and of standard input is written in; UTF-8 if None.
        edit: Write the prompt in the editor.
        models: Models' names or aliases: the one to ask, and those to fall back on.
        options: Sampling options by name.
        schema: The JSON Schema that the reply must fit, or None.
        system: The system prompt, or None.
        no_system: Send no system prompt this once.
        dry_run: Only print what would be sent.
        over_budget: Go on when the day's budget is spent.
        confirm: Ask before a tool runs.
        reuse: The oldest kept reply that may answer the same request, or None for none.
    """

    words: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    template: Prompt | None = None
    encoding: str | None = None
    edit: bool = False
    models: tuple[str, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    schema: Mapping[str, object] | None = None
    system: str | None = None
    no_system: bool = False
    dry_run: bool = False
    over_budget: bool = False
    confirm: bool = False
    reuse: datetime | None = None


def _age(word: str | bool) -> datetime:  # noqa: FBT001  (True is what a template says)
    """How old a reply may be: an age, or any."""
    from datetime import UTC, datetime

    from hfs_cli.moments import parse_age

    return datetime.fromtimestamp(0, UTC) if word in {_ANY_AGE, True} else parse_age(str(word))


def _setting(name: str) -> Word:
    """A value that is read as the setting of the same name is."""
    return Word(name, SETTINGS[name].parse)


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
        """Make two words of ``NAME=VALUE`` after ``-o``: click reads a fixed number of them."""
        takes = {
            name: option.nargs
            for option in self.get_params(ctx)
            if isinstance(option, click.Option) and not option.is_flag
            for name in option.opts
        }
        return super().parse_args(ctx, _with_pairs(args, takes))

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


def _with_pairs(args: list[str], takes: Mapping[str, int]) -> list[str]:
    """The words with each ``-o NAME=VALUE`` as ``-o NAME VALUE``.

    Only where ``-o`` is an option: in ``-s -o -o stop=END "a=b"`` the first one is a system
    prompt, and the words become ``-s -o -o stop END "a=b"``.

    Args:
        takes: How many words follow each option.
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
            # An age is not needed, and a prompt is not one.
            aged = left and re.fullmatch(r"[0-9]{1,6}[mhdw]", left[0])
            given[-1:] = [word, left.popleft() if aged else _ANY_AGE]
        elif word in _PAIRS and left and "=" in left[0]:
            name, _, value = left.popleft().partition("=")
            given += [name, value]
        else:
            given += [left.popleft() for _ in range(min(takes.get(word, 0), len(left)))]
    return given


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
        help="What a placeholder of the template stands for: -p to French or -p to=French.",
    ),
    click.option(
        "-f",
        "--file",
        "files",
        multiple=True,
        metavar="PATH|URL",
        help="A file, a directory (as git sees it), a pattern, a URL or -: text joins the prompt;"
        " an image, a PDF or a sound is attached.",
    ),
    click.option(
        "--encoding",
        metavar="NAME",
        callback=_known_encoding,
        help="Of text that is not UTF-8: latin-1, utf-16, …, or replace.",
    ),
)
# What the message of one turn is made of besides.
_MESSAGE = (
    click.argument("words", metavar="[PROMPT]...", nargs=-1),
    click.option(
        "--save-template",
        metavar="NAME",
        help="Write a template of that name from what is given here, and send nothing.",
    ),
    click.option("-e", "--edit", is_flag=True, help="Write the prompt in $EDITOR."),
    click.option("--no-stdin", "stdin", flag_value="never", help="Do not read standard input."),
    click.option(
        "--stdin-timeout",
        type=_setting("stdin_timeout"),
        metavar="S",
        help="Give up standard input after so long a silence.",
    ),
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
    click.option(
        "--max-cost",
        type=_setting("max_cost"),
        metavar="X",
        help="End the turn when it costs more.",
    ),
    click.option("--over-budget", is_flag=True, help="Go on when the daily budget is spent."),
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
    click.option(
        "--timeout", type=_setting("timeout"), metavar="S", help="Limit for the whole reply."
    ),
    click.option(
        "--idle-timeout",
        type=_setting("idle_timeout"),
        metavar="S",
        help="Limit without a byte.",
    ),
    click.option("--retries", type=_setting("retries"), metavar="N", help="Tries after the first."),
    click.option(
        "--tool",
        multiple=True,
        metavar="TOOL",
        help="Let the model use a tool: NAME, all of an MCP SERVER's, SERVER:TOOL, or of the"
        " vendor's own web-search or code-execution.",
    ),
    click.option(
        "--max-steps",
        type=_setting("max_steps"),
        metavar="N",
        help="Requests that a turn with tools may take (10).",
    ),
    click.option(
        "--tool-timeout", type=_setting("tool_timeout"), metavar="S", help="Limit for each call."
    ),
    click.option("--profile", metavar="PROFILE", help="Use the settings of [profiles.PROFILE]."),
    click.option(
        "--record",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Keep each exchange as a file there, for HFS_REPLAY=DIR.",
    ),
)
# What is not a setting is a field of `hfs_cli.render.reply.choose.View`.
_VIEW = (
    click.option(
        "-x",
        "--extract",
        flag_value="first",
        help="Only the first fenced code block of the reply.",
    ),
    click.option("--extract-last", "extract", flag_value="last", help="Only the last one."),
    click.option("-q", "--quiet", is_flag=True, help="No session line, no notices."),
)
# What is said in another way, or not at all, of many turns at once.
_OF_ONE = (
    click.option(
        "-m",
        "--model",
        "models",
        multiple=True,
        metavar="MODEL",
        help="Model (provider/id) or alias; a second one is asked when the first cannot answer.",
    ),
    click.option("--confirm", is_flag=True, help="Ask on the terminal before each call of a tool."),
    click.option(
        "--context",
        type=click.Choice(SETTINGS["context"].kind.choices),
        help="What becomes of a conversation that is too long for the model.",
    ),
    click.option(
        "--reuse",
        "--cache",
        "reuse",
        type=Word("age", _age),
        metavar="[AGE]",
        help="Give a kept reply to the very same request, asked with --reuse and not older.",
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
        help="Show the reply when it is whole.",
    ),
    click.option(
        "--format",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="What standard output carries.",
    ),
    click.option("--json", "format", flag_value="json", help="Short for --format json."),
    click.option(
        "-O",
        "--output",
        type=click.Path(path_type=Path),
        help="Write the reply to this file instead (whole or not at all).",
    ),
    click.option("--force", is_flag=True, help="With -O: replace a file that exists."),
    click.option("--hide-reasoning", is_flag=True, help="Do not show the model's reasoning."),
    click.option("--citations", is_flag=True, help="List what the reply cites off a terminal too."),
    click.option(
        "-v",
        "--verbose",
        is_flag=True,
        help="Show all that tools are given and what they say on stderr.",
    ),
    click.option("-u", "--usage", is_flag=True, help="Show tokens and times on stderr."),
)
_REUSE = {"--reuse", "--cache"}
_ANY_AGE = "any"
# Options of two words, which may be written as one: NAME=VALUE.
_PAIRS = {"-o", "--option", "-p", "--param"}
# The options with the name of a setting override it, but for the system prompt: what is typed is
# of any turn, and the setting of a new session's first.
_SETTING_NAMES = (*(name for name in PROFILE_SETTINGS if name != "system"), "profile")
# Options that name files, whose names may be any bytes.
_PATHS = {"files", "schema", "schema_multi"}
# What a request is made of: as an option it would replace the conversation that is kept.
_NOT_OPTIONS = {"model", "messages", "contents", "stream"}


def turn_options(
    *, message: bool = True, many: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the shared options to a command, which gets them as three values.

    They come first: an `Asked`, the `Config` with the settings that were typed on top, and
    the `View`. What is left of the command's own parameters follows by name.

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
            asked, config, view = _split(context, values, many=many)
            if saved is None:
                function(asked, config, view, **values)
                return
            from hfs_cli.compose.templates import save_template

            file = save_template(context, saved, asked.words, config.file, replace=view.force)
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


def _record_in(directory: Path, *, sends: bool) -> None:
    """Have each exchange kept in a directory.

    Args:
        sends: Whether there will be any; else nothing is made.

    Raises:
        UsageError: Nothing can be written there.
    """
    if sends:
        from hfs_cli.providers.http.client import make_recordings_directory

        make_recordings_directory(str(directory), UsageError)
    os.environ["HFS_RECORD"] = str(directory)  # which all that reaches the network asks


def _split(
    context: click.Context, values: dict[str, Any], *, many: bool
) -> tuple[Asked, Config, View]:
    """Take the shared options out of all that click has read, and what is nearest to each.

    A flag beats a template, which beats the profile.
    """
    from hfs_cli.render.reply.choose import View

    def take(names: Iterable[str]) -> dict[str, Any]:
        return {name: values.pop(name) for name in names if name in values}

    saved = context.params.get("save_template") is not None
    prompt, taken = _template_prompt(context, values, saved=saved, many=many)
    settings = take(_SETTING_NAMES)
    if record := values.pop("record", None):
        _record_in(record, sends=not values.get("dry_run"))
    settings["tool"] = settings["tool"] or None  # not named, as opposed to named none
    config = load_config(flags=settings)
    if config.turn_options and not saved:
        from hfs_cli.compose.templates import fill

        where = f"[profiles.{config.profile}] of {config.file}"
        fill(context, values, config.turn_options, where, strict=False, taken=taken)
    view = take(View.__dataclass_fields__)
    if settings.get("stdin") == "never" and "-" in values["words"]:
        raise UsageError("- asks for standard input and --no-stdin forbids it: drop one")
    if view["extract"] and (rival := _rival_of_extract(view, settings)):
        raise UsageError(f"-x takes code out of the text: leave out {rival}")
    if view["force"] and not view["output"] and not saved:
        raise UsageError("--force goes with -O FILE")
    # An empty word comes from an unset variable; taken for none, it would ask another model.
    if not all(name.strip() for name in values["models"]):
        raise UsageError("-m needs a model: PROVIDER/MODEL or an alias")
    schema = _schema(values.pop("schema"), values.pop("schema_multi"))
    if view["extract"] and schema is not None:
        raise UsageError("-x takes code out of a text, and --schema asks for JSON: keep one")
    file, no_system = values.pop("system_file"), values["no_system"]
    if sum([values["system"] is not None, file is not None, no_system]) > 1:
        raise UsageError("--system, --system-file and --no-system exclude each other: keep one")
    if file is not None:
        values["system"] = read_text(file, encoding=values.get("encoding"))
    options = _model_options(**take(("pairs", "temperature", "max_tokens")))
    given = take(Asked.__dataclass_fields__)
    asked = Asked(**given, template=prompt, options=options, schema=schema)
    view |= {"render": config.render, "stream": config.stream, "prices": config.models}
    return asked, config, View(**view)


def _rival_of_extract(view: Mapping[str, Any], settings: Mapping[str, Any]) -> str | None:
    format_ = view.get("format", "text")
    if format_ != "text":
        return "--json" if format_ == "json" else f"--format {format_}"
    return "--render" if settings.get("render") else None


def _template_prompt(
    context: click.Context, values: dict[str, Any], *, saved: bool, many: bool
) -> tuple[Prompt | None, frozenset[str]]:
    """Fill in what the templates say; their prompt, and which parameters that were."""
    names, pairs = values.pop("template", ()), values.pop("params", ())
    if saved and names:
        raise UsageError("--save-template writes what is given here: leave out -t")
    if not names and (saved or not pairs):
        return None, frozenset()
    from hfs_cli.compose.templates import fill_from_templates
    from hfs_cli.places import config_file

    file = Path(config_file(os.environ))
    return fill_from_templates(context, values, names, pairs, file, many=many)


def _schema(one: str | None, many: str | None) -> Mapping[str, object] | None:
    """The JSON Schema that was asked for, or None."""
    if one is None and many is None:
        return None
    if one is not None and many is not None:
        raise UsageError("--schema and --schema-multi exclude each other: keep one")
    from hfs_cli.compose.schema import many_of, parse_schema

    return parse_schema(one) if one is not None else many_of(parse_schema(many or ""))


def _model_options(
    pairs: tuple[tuple[str, str], ...], temperature: float | None, max_tokens: int | None
) -> dict[str, object]:
    """The sampling options that were typed.

    Raises:
        UsageError: An option is given twice, is the conversation itself, or is a number that
            JSON does not have.
    """
    given: dict[str, object] = {}
    named = [(name, _value(text)) for name, text in pairs]
    named += [("temperature", temperature), ("max_tokens", max_tokens)]
    for name, value in named:
        if value is None:
            continue
        if not name or "=" in name:
            raise UsageError(f'"{name}" is not an option\'s name: write -o NAME=VALUE')
        if name in given:
            raise UsageError(f"the option {name} is given twice: keep one")
        if name in _NOT_OPTIONS:
            raise UsageError(f"{name} is not an option of a model: hfs itself sends it")
        try:
            json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise UsageError(f"the value of {name} cannot be sent as JSON") from error
        given[name] = value
    return given


def _value(text: str) -> object:
    """A JSON value, or the text itself where it is not JSON (``-o stop END``)."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
    except (ValueError, RecursionError):
        # A number of more digits than Python reads, or lists in lists without end: NaN, like
        # them, has no form in which it could be sent.
        return float("nan")
