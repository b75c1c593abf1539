"""Groups of commands: they load what is asked for, and say what a mistyped word may mean."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from hfs_cli.wording import did_you_mean


class Group(click.Group):
    """A group that answers a command it does not have with the near one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names.

        Raises:
            click.UsageError: There is none of that name.
        """
        name = args[0]
        # What looks like an option is click's to explain.
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            raise no_command(ctx, name)
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Find one, with its help."""
        found = super().get_command(ctx, name)
        return found and with_help(found)


def with_help(command: click.Command) -> click.Command:
    """The command with its docstring as help, also under ``PYTHONOPTIMIZE=2``.

    Python drops docstrings then; they are read from the source.
    """
    if sys.flags.optimize >= 2 and command.help is None and command.callback is not None:
        import ast
        import inspect

        source = inspect.getsource(inspect.unwrap(command.callback))
        function = ast.parse(source).body[0]
        assert isinstance(function, ast.FunctionDef)
        command.help = ast.get_docstring(function)
    return command


def no_command(ctx: click.Context, name: str) -> click.UsageError:
    """The error for a command that does not exist, with what may have been meant.

    Click's own words are not used: whether they suggest something depends on its version.

    Args:
        ctx: The context of what was asked for the command.
        name: The word that names none.
    """
    group = ctx.command
    names = group.list_commands(ctx) if isinstance(group, click.Group) else []
    asks = ctx.parent is None and " " in name
    question = f': to ask a model, hfs chat "{name}"' if asks else ""
    hint = did_you_mean(name, names, 1, otherwise=question)
    return click.UsageError(f"No such command {name!r}{hint}", ctx)


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
        """All of them, in the order of the contract."""
        return list(self._places)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """Load one."""
        if name not in self._places:
            return None
        module, _, attribute = self._places[name].partition(":")
        found: click.Command = getattr(
            import_module(f"hfs_cli.commands.{module}"), attribute or "command"
        )
        return with_help(found)
