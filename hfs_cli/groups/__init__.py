"""Groups of commands: they load what is asked for, and say what a mistyped word may mean."""

from __future__ import annotations

import itertools
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, TypeVar

import click

from hfs_cli.notices import wants_color

Runs = TypeVar("Runs", bound=Callable[..., Any])


class Word(click.ParamType[Any]):
    """A word that an option takes.

    Args:
        name: What kind of word it is, for help.
        read: Makes a value of it; raises a ValueError that says what it had to be.
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
        """Read the word; a default may be a value already."""
        try:
            return self._read(value)
        except ValueError as error:
            self.fail(f"{str(value)[:20]!r} is not {error}.", param, ctx)


def whole_number(least: int) -> Word:
    """A whole number of at most nine digits, which every database holds."""

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


def owner_options(*, looks: bool = False) -> Callable[[Runs], Runs]:
    """Add `--owner`, with which a command is about another one's sessions.

    Every configuration that is loaded while the command runs says so.

    Args:
        looks: Whether it changes nothing: then everybody's can be meant (`--all-owners`).
    """
    owner = click.option(
        "--owner",
        metavar="OWNER",
        expose_value=False,
        callback=_count_as_typed,
        help="Act as OWNER: see, continue and change the sessions of this owner.",
    )
    every = click.option(
        "--all-owners",
        is_flag=True,
        default=None,
        expose_value=False,
        callback=_count_as_typed,
        help="Look at the sessions of every owner.",
    )
    return lambda function: owner(every(function) if looks else function)


def _count_as_typed(context: click.Context, option: click.Parameter, value: object) -> None:
    if value is None:
        return
    from hfs_cli.config.loading import typed

    context.with_resource(typed("user" if option.name == "owner" else "all_owners", value))


class HelpFormatter(click.HelpFormatter):
    """Help that is laid out for the window as it is; click's own takes none under 52 columns.

    In colour it has the look of the lists: headings stand out, and names are cyan.
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
        """Write terms and what they mean, in two columns or, in a narrow window, below them."""
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
    """What a command is run in; its help is laid out by a `HelpFormatter`."""

    formatter_class = HelpFormatter


class Group(click.Group):
    """A group that answers a command it does not have with the near one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names.

        Raises:
            click.UsageError: No command has that name.
        """
        name = args[0]
        # What looks like an option is click's to explain.
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            raise no_command(ctx, args)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the group's own options.

        Raises:
            click.UsageError: One is a command's, and stands in front of it.
        """
        try:
            return super().parse_args(ctx, list(args))
        except click.NoSuchOption as error:
            option, path = error.option_name, [ctx.command_path]
            command: click.Command = self
            for word in args:
                found = command.get_command(ctx, word) if isinstance(command, click.Group) else None
                if found is not None:
                    path.append(word)
                    command = found
            says = "belongs behind the command"
            if command is self and ctx.parent is None:  # hfs -m gpt-6-luna hi
                path.append("chat")
                command = self.get_command(ctx, "chat") or self
                says = "is an option of hfs chat"
            params = [] if command is self else command.get_params(ctx)
            if any(option in (*p.opts, *p.secondary_opts) for p in params):
                raise click.UsageError(
                    f"{option} {says}: {' '.join(path)} {option} …", ctx
                ) from error
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, each with the whole first sentence of its help."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(n, c.get_short_help_str(limit=200)) for n, c in found if c and not c.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All of them, in the order in which they were written; click's own is the alphabet's."""
        return list(self.commands)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Find one, with its help."""
        found = super().get_command(ctx, name)
        return found and with_help(found)


def _help_option() -> click.Option:
    """The one that click would add, which prints the page with its colours."""

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
    """Print a page of the program's own words, and their colours with them."""
    # Of `hfs_cli.render.output.StandardOutput`, which escapes what others print on a terminal.
    write = getattr(sys.stdout, "write_own", sys.stdout.write)
    write(f"{text}\n")


def no_option(error: click.NoSuchOption) -> str:
    """The message for an option that a command has not, with the one that may have been meant.

    Click's own guesses are three, of any likeness.
    """
    typed = error.option_name
    params = error.ctx.command.get_params(error.ctx) if error.ctx else []
    names = [name for p in params for name in (*p.opts, *p.secondary_opts) if name[:2] == "--"]
    # A short option that there is not (-V) may be the first letter of a long one.
    begins = f"--{typed[1:].lower()}" if typed[:2] != "--" else typed
    near = [name for name in names if name.startswith(begins)]
    if typed[:2] == "--" and not near:
        from hfs_cli.wording import near_names

        # --no-pager is not meant as --no-save, though the letters are mostly the same.
        meant = _OPTIONS_ALSO_CALLED.get(typed)
        near = [meant] if meant in names else near_names(typed, names, 1)
    hint = f": did you mean {' or '.join(near)}?" if 0 < len(near) <= _MOST_GUESSES else ""
    return f"No such option {typed!r}{hint}"


_MOST_GUESSES = 3
# What another command calls it, where the nearest by its letters would be the opposite.
_OPTIONS_ALSO_CALLED = {"--budget": "--max-cost"}


def missing(error: click.MissingParameter) -> str:
    """The message for a word that is not there, with all that the command takes."""
    param, ctx = error.param, error.ctx
    if param is None or ctx is None:
        return error.format_message()
    label = param.metavar or (param.name or "").upper()
    if isinstance(param, click.Option):
        return f"missing option {param.opts[0]} {label}"
    label = label.split()[-1].removesuffix("...").strip("[]")
    if isinstance(param.type, click.Choice):
        label += f" ({', '.join(map(str, param.type.choices))})"
    pieces = [piece for piece in ctx.command.collect_usage_pieces(ctx) if piece != "[OPTIONS]"]
    return f"missing {label}: {' '.join([ctx.command_path, *pieces])}"


def with_help(command: click.Command) -> click.Command:
    """The command with help that fits the window, from its docstring also where Python drops it.

    Under ``PYTHONOPTIMIZE=2`` docstrings are read from the source.
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


# What other programs call it, and words that a question begins with rather than a command.
_ALSO_CALLED = {
    "ask": "chat",
    "history": "list",
    "ls": "list",
    "login": "keys set",
    "mv": "rename",
    "new": "chat",
    "prune": "delete",
    "remove": "delete",
    "rm": "delete",
}
_QUESTIONS = {
    "a", "an", "and", "are", "can", "could", "do", "does", "explain", "give", "how", "i", "in",
    "is", "it", "name", "please", "summarise", "summarize", "tell", "the", "this", "translate",
    "what", "what's", "when", "where", "which", "who", "why", "will", "would", "write",
}  # fmt: skip


def no_command(ctx: click.Context, words: Sequence[str]) -> click.UsageError:
    """The error for a command that does not exist, with what may have been meant.

    Click's own words are not used: whether they suggest something depends on its version.

    Args:
        ctx: The context of what was asked for the command.
        words: The word that names none, and what follows it.
    """
    # From the surest reading to the least: an option of that name (hfs version), a question
    # (hfs what is awk), a near or foreign name (hfs lst, hfs rm), and words that may be a prompt.
    name = words[0]
    is_root = ctx.parent is None
    options = [option for param in ctx.command.get_params(ctx) for option in param.opts]
    if f"--{name}" in options:
        hint = f": did you mean {ctx.command_path} --{name}?"
    elif is_root and (" " in name or name.lower() in _QUESTIONS):
        hint = _to_ask(words)
    else:
        hint = _as_command(ctx, name) or (_to_ask(words) if is_root and len(words) > 1 else "")
    return click.UsageError(f"No such command {name!r}{hint}", ctx)


def _to_ask(words: Sequence[str]) -> str:
    said = " ".join(itertools.takewhile(lambda word: not word.startswith("-"), words))
    # Single quotes where a shell would read something in double ones.
    if set(said) & set('"$`\\!'):
        from shlex import quote

        return f": to ask a model, hfs chat {quote(said)}"
    return f': to ask a model, hfs chat "{said}"'


def _as_command(ctx: click.Context, name: str) -> str:
    """A near name here, or the same name in another group."""
    group = ctx.command
    if not isinstance(group, click.Group):  # hfs help chat now
        return ""
    here = group.list_commands(ctx)
    also = _ALSO_CALLED.get(name, name)
    if also in here:
        return f": did you mean {ctx.command_path} {also}?"
    if also != name and " " in also:
        return f": did you mean {ctx.find_root().command_path} {also}?"
    from hfs_cli.wording import near_names

    elsewhere = [path for path, commands in _groups(ctx) if also in commands]
    if not elsewhere:
        near = near_names(name, here, 1)
        return f": did you mean {near[0]}?" if near else ""
    *most, last = [f"{path} {also}" for path in elsewhere[:3]]
    return f": did you mean {', '.join(most)}{' or ' if most else ''}{last}?"


def _groups(ctx: click.Context) -> Iterator[tuple[str, list[str]]]:
    """Each group's path and its commands, the root's first."""
    root = ctx.find_root()
    assert isinstance(root.command, click.Group)
    names = root.command.list_commands(root)
    yield root.command_path, names
    for name in names:
        group = root.command.get_command(root, name)
        if isinstance(group, click.Group):
            yield f"{root.command_path} {name}", group.list_commands(root)


class LazyGroup(Group):
    """A group of commands by the place of each, which is loaded when it is asked for.

    Args:
        places: For each command ``module:name``, in the order that help shows; the module is
            in `hfs_cli.commands`.
    """

    def __init__(self, *args: Any, places: Mapping[str, str], **settings: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **settings)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All of them, in the order in which they were written."""
        return list(self._places)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """Load one."""
        if name not in self._places:
            return None
        module, _, attribute = self._places[name].partition(":")
        found: click.Command = getattr(import_module(f"hfs_cli.commands.{module}"), attribute)
        return with_help(found)
