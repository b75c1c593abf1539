"""The commands and options as data, read from Click, from which scripts and pages are written."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import click

from hfs_cli.topics import TOPICS

# The kind of a value by its metavar: a new kind is added only here and, if it is dynamic, to
# `hfs_cli.completion.words`, which answers for those.
KINDS = {
    "REF": "sessions",
    "CHECKPOINT": "checkpoints",
    "N|CHECKPOINT": "checkpoints+messages",
    "MODEL": "models",
    "PROVIDER": "providers",
    "KEY": "settings",
    "PROFILE": "profiles",
    "OWNER": "owners",
    "TOOL": "tools",
    "TEMPLATE": "templates",
    "FILE": "files",
    "FILE|-": "files",
    "PATH": "files",
    "PATH|URL": "files",
    "NAME|URL|FILE": "weights",
}
# The kinds of the values of an option whose metavar says too little.
_OF_OPTIONS = {"--at": ("messages",), "--param": ("placeholders", "")}
_HELP = "COMMAND|TOPIC"
# For arguments: hfs config set KEY VALUE.
_OF_ARGUMENTS = KINDS | {"VALUE": "values"}


@dataclass(frozen=True, slots=True)
class Value:
    """A word that the user fills in.

    Args:
        label: What help texts call it (``REF``).
        kind: ``files``, ``directories``, a dynamic kind (or several, joined by +), or empty if
            nothing can be offered.
        choices: The only words that it can be; empty if there are no fixed ones.
    """

    label: str
    kind: str = ""
    choices: tuple[str, ...] = ()

    @property
    def dynamic(self) -> bool:
        """Whether its words depend on the user, so that the script has to ask hfs for them."""
        return self.kind not in {"", "files", "directories"}


@dataclass(frozen=True, slots=True)
class Option:
    """An option: its spellings, its values, and whether it may be repeated."""

    names: tuple[str, ...]
    help: str
    values: tuple[Value, ...] = ()
    repeatable: bool = False

    @property
    def short(self) -> tuple[str, ...]:
        """The spellings with one dash."""
        return tuple(name for name in self.names if not name.startswith("--"))

    @property
    def long(self) -> tuple[str, ...]:
        """The spellings with two dashes."""
        return tuple(name for name in self.names if name.startswith("--"))


@dataclass(frozen=True, slots=True)
class Command:
    """A command or a group of commands.

    Args:
        path: The words that call it, ``hfs`` first.
        summary: The first sentence of its help.
        help: Its help text, without the options.
        usage: What follows the path in its usage line.
        arguments: Its arguments, by position.
        endless: Whether the last argument may be repeated.
        commands: The commands of a group; otherwise empty.
    """

    path: tuple[str, ...]
    summary: str
    help: str
    usage: str
    options: tuple[Option, ...]
    arguments: tuple[Value, ...] = ()
    endless: bool = False
    commands: tuple[Command, ...] = ()

    @property
    def name(self) -> str:
        """The last word of its path."""
        return self.path[-1]

    def walk(self) -> Iterator[Command]:
        """The command and all below it, each group before its commands."""
        yield self
        for command in self.commands:
            yield from command.walk()


def read_tree(command: click.Command, parent: click.Context | None = None) -> Command:
    """Describe a Click command and all below it.

    Args:
        parent: The context of the group that the command is in, or None for the root.
    """
    name = command.name if parent else "hfs"
    context = click.Context(command, parent, name, **command.context_settings)
    parameters = command.get_params(context)
    words = [p for p in parameters if isinstance(p, click.Argument)]
    arguments = [value for word in words for value in _argument(word)]
    if arguments and arguments[0].label == _HELP:
        root = context.find_root().command
        assert isinstance(root, click.Group)
        choices = dict.fromkeys((*root.list_commands(context), *TOPICS))
        arguments[0] = replace(arguments[0], choices=tuple(choices))
    commands: tuple[Command, ...] = ()
    if isinstance(command, click.Group):
        found = [command.get_command(context, name) for name in command.list_commands(context)]
        commands = tuple(read_tree(sub, context) for sub in found if sub and not sub.hidden)
    return Command(
        path=tuple(context.command_path.split()),
        summary=command.get_short_help_str(limit=100).rstrip("."),
        # Python 3.13 removes the indentation of docstrings; earlier versions keep it.
        help=inspect.cleandoc(command.help or ""),
        usage=" ".join(command.collect_usage_pieces(context)),
        options=tuple(
            _option(p) for p in parameters if isinstance(p, click.Option) and not p.hidden
        ),
        arguments=tuple(arguments),
        # An argument with fixed choices is offered once only.
        endless=bool(words)
        and "..." in (words[-1].metavar or "..." * (words[-1].nargs < 0))
        and not arguments[-1].choices,
        commands=commands,
    )


def script(shell: str, root: click.Command) -> str:
    """The script for a shell (``bash``, ``zsh`` or ``fish``) to complete the commands of `root`."""
    text: str = import_module(f"hfs_cli.completion.{shell}").script(read_tree(root))
    return text


def _option(option: click.Option) -> Option:
    takes = 0 if option.is_flag or option.count else option.nargs
    labels = (option.metavar or option.type.name.upper()).split()
    values = [_value(label, option.type) for label in labels[:takes]]
    for name in option.opts:
        kinds = _OF_OPTIONS.get(name, ())
        values[: len(kinds)] = map(Value, labels, kinds)
    return Option(
        # The option that switches off (--no-x of "--x/--no-x") is a spelling of its own.
        # Before 8.5, click has the names of --help in no order.
        names=(*sorted(option.opts, key=len), *option.secondary_opts),
        help=" ".join((option.help or "").split()).rstrip("."),
        values=tuple(values),
        repeatable=option.multiple or bool(option.count),
    )


def _argument(argument: click.Argument) -> Iterator[Value]:
    """The words of an argument, of which a metavar such as ``[REF] NAME`` names two."""
    labels = (argument.metavar or (argument.name or "").upper()).split()
    values = [
        _value(label.removesuffix("...").strip("[]"), argument.type, _OF_ARGUMENTS)
        for label in labels
    ]
    for label, value, after in zip(labels, values, (*values[1:], None), strict=True):
        # If the first word may be left out, a single word may be either.
        both = label.startswith("[") and value.dynamic and after is not None and after.dynamic
        yield replace(value, kind=f"{value.kind}+{after.kind}") if both and after else value


def _value(label: str, type_: click.ParamType[Any], kinds: Mapping[str, str] = KINDS) -> Value:
    if isinstance(type_, click.Choice):
        return Value(label, choices=tuple(str(choice) for choice in type_.choices))
    if isinstance(type_, click.Path):
        return Value(label, "files" if type_.file_okay else "directories")
    return Value(label, kinds.get(label, ""))
