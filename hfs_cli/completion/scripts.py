"""The completion script of each shell."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click

from hfs_cli.completion import bash, fish, zsh
from hfs_cli.completion.tree import Command, read_tree

SHELLS: Mapping[str, Callable[[Command], str]] = {
    "bash": bash.script,
    "zsh": zsh.script,
    "fish": fish.script,
}


def script(shell: str, root: click.Command) -> str:
    """The completion script of `shell` for the command line below `root`."""
    return SHELLS[shell](read_tree(root))
