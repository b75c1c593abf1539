"""What commands are built from: option types, groups that load commands lazily, and their help."""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from hfs_cli.notices import wants_color

Runs = TypeVar("Runs", bound=Callable[..., Any])


class Word(click.ParamType[Any]):
    """The type of an option whose value is one word.

    Args:
        name: What help calls the type.
        read: Turns the word into a value; its ValueError says what was expected.
    """

    def __init__(self, name: str, read: Callable[[Any], object]) -> None:
        self.name = name
        self._read = read

    def convert(
        self,
        value: Any,  # noqa: ANN401  (click's own type)
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> object:
        """Read the word, or a default, which may be a value already."""
        try:
            return self._read(value)
        except ValueError as error:
            self.fail(f"{str(value)[:20]!r} is not {error}.", param, ctx)


def whole_number(least: int) -> Word:
    """The type of a whole number of at most nine digits, which every database can store."""

    def read(word: str | int) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", str(word)) or int(word) < least:
            raise ValueError(f"a whole number of {least} or more")
        return int(word)

    return Word("integer", read)


def _amount(word: str | float) -> float:
    with suppress(ValueError):
        if 0 <= (number := float(word)) < math.inf:
            return number
    raise ValueError("a number of 0 or more")


AMOUNT = Word("number", _amount)


class OutputPath(click.Path):
    """The type of ``-O FILE``: a path, or None for ``-``, which is standard output as elsewhere.

    ``./-`` is a file of that name.
    """

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401  (click's own type)
        """Read the word; whoever wants no file gets what an option that is not given has."""
        return None if value == "-" else super().convert(value, param, ctx)


def owner_options(*, looks: bool = False) -> Callable[[Runs], Runs]:
    """Add `--owner`, which makes a command act on the sessions of another owner.

    It counts for every configuration that is loaded while the command runs.

    Args:
        looks: Whether the command changes nothing; it then has `--all-owners` too.
    """
    owner = click.option(
        "--owner",
        metavar="OWNER",
        expose_value=False,
        callback=_count_as_typed,
        help="Work on the sessions of OWNER, in a database on a server.",
    )
    every = click.option(
        "--all-owners",
        is_flag=True,
        default=None,
        expose_value=False,
        callback=_count_as_typed,
        help="Include the sessions of every owner, in a database on a server.",
    )
    return lambda function: owner(every(function) if looks else function)


def typed_parameters(context: click.Context) -> frozenset[str]:
    """The names of the parameters that were given on the command line."""
    return frozenset(
        param.name or ""
        for param in context.command.get_params(context)
        if context.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
    )


def spelled(context: click.Context, names: Container[str]) -> list[str]:
    """The long names of options, and the names of arguments in capitals.

    Of several options for one parameter it is the one that gives the value: ``--no-search`` where
    it is False, ``--json`` for ``--format json`` too.
    """
    found: dict[str, str] = {}
    for param in context.command.get_params(context):
        name = param.name or ""
        if name not in names:
            continue
        given = context.params.get(name)
        if not isinstance(param, click.Option):
            found[name] = name.upper()
        elif name not in found or (param.is_flag and given == param.flag_value):
            opposite = param.secondary_opts if given is False else ()
            found[name] = max(opposite or param.opts, key=len)
    return list(found.values())


def _count_as_typed(context: click.Context, option: click.Parameter, value: object) -> None:
    if value is None:
        return
    from hfs_cli.config.loading import typed

    context.with_resource(typed("user" if option.name == "owner" else "all_owners", value))


class HelpFormatter(click.HelpFormatter):
    """Lay out help for a window of any width; click's own assumes at least 52 columns.

    Where there is colour, it looks like the lists: bold headings and cyan names.
    """

    def __init__(
        self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None
    ) -> None:
        if width is None:
            from shutil import get_terminal_size

            columns = get_terminal_size().columns
            width = max(min(columns, max_width or _WIDEST) - 2, _NARROWEST)
        super().__init__(indent_increment, width, max_width)
        self._colored = wants_color(sys.stdout)

    def write_heading(self, heading: str) -> None:
        """Write a heading."""
        shown = click.style(f"{heading}:", bold=True) if self._colored else f"{heading}:"
        self.write(f"{'':>{self.current_indent}}{shown}\n")

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Write terms and their meanings: in two columns, or below each other if it is narrow."""
        if self.width >= _TWO_COLUMNS:
            named = [(self._named(term), meaning) for term, meaning in rows]
            super().write_dl(named, col_max, col_spacing)
            return
        for term, meaning in rows:
            if len(term) + self.current_indent <= self.width:
                self.write(f"{'':>{self.current_indent}}{self._named(term)}\n")
            else:
                self.write_text(term)
            with self.indentation():
                self.write_text(meaning)

    def _named(self, term: str) -> str:
        return click.style(term, fg="cyan") if self._colored else term


_WIDEST, _TWO_COLUMNS, _NARROWEST = 80, 56, 20


class Context(click.Context):
    """The context of a command, whose help is laid out by `HelpFormatter`."""

    formatter_class = HelpFormatter


class Group(click.Group):
    """A group that suggests what may have been meant by a mistyped command or option."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names.

        Raises:
            click.UsageError: No command has that name.
        """
        name = args[0]
        # Click explains what looks like an option.
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            from hfs_cli.groups.mistyped import unknown_command

            raise unknown_command(ctx, args)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the group's own options.

        Raises:
            click.UsageError: An option of a command stands before the command.
        """
        try:
            return super().parse_args(ctx, list(args))
        except click.NoSuchOption as error:
            from hfs_cli.groups.mistyped import misplaced_option

            if misplaced := misplaced_option(self, ctx, args, error.option_name):
                raise misplaced from error
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, each with the whole first sentence of its help."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(n, c.get_short_help_str(limit=200)) for n, c in found if c and not c.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The commands in the order in which they were defined; click sorts them by name."""
        return list(self.commands)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Find a command, with its help set up."""
        found = super().get_command(ctx, name)
        return found and with_help(found)


def _help_option() -> click.Option:
    """The option that click would add itself, but it prints the page in colour."""

    def show(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001
        if value and not ctx.resilient_parsing:
            show_page(ctx.get_help())
            ctx.exit()

    return click.Option(
        ["-h", "--help"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Show this message and exit.",
    )


def show_page(text: str) -> None:
    """Print a page of the program's own text, with its colours."""
    # `hfs_cli.render.output.StandardOutput` escapes whatever else is printed on a terminal.
    write = getattr(sys.stdout, "write_own", sys.stdout.write)
    write(f"{text}\n")


def with_help(command: click.Command) -> click.Command:
    """Set up the help of a command: laid out for the window, and there without docstrings too.

    Under ``PYTHONOPTIMIZE=2``, which drops docstrings, they are read from the source.
    """
    command.context_class = Context
    if command.add_help_option:
        command.add_help_option = False
        command.params.append(_help_option())
    if sys.flags.optimize >= 2 and command.help is None and command.callback is not None:
        import ast
        import inspect

        source = inspect.getsource(inspect.unwrap(command.callback))
        function = ast.parse(source).body[0]
        assert isinstance(function, ast.FunctionDef)
        command.help = ast.get_docstring(function)
    return command


class LazyGroup(Group):
    """A group that loads each of its commands when it is needed.

    Args:
        places: Where each command is, ``module:name``, the module being one of
            `hfs_cli.commands`; in the order that help shows.
    """

    def __init__(self, *args: Any, places: Mapping[str, str], **settings: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **settings)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The commands, in the order of `places`."""
        return list(self._places)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """Load a command."""
        if name not in self._places:
            return None
        module, _, attribute = self._places[name].partition(":")
        found: click.Command = getattr(import_module(f"hfs_cli.commands.{module}"), attribute)
        return with_help(found)
