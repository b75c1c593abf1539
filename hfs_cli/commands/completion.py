"""`hfs completion`: the script with which a shell completes hfs."""

from __future__ import annotations

import os

import click


@click.command(name="completion")
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
@click.option("--install", "installs", is_flag=True, help="Put it where the shell looks for it.")
@click.pass_context
def print_completion(context: click.Context, *, shell: str, installs: bool) -> None:
    """Print the completion script for a SHELL (bash, zsh or fish), or install it.

    With --install it is written for you alone, and what your shell still needs is printed.
    Run that again after an upgrade.

    \b
      hfs completion bash --install
      source <(hfs completion bash)
    """
    from hfs_cli.completion.tree import script

    text = script(shell, context.find_root().command)
    if not installs:
        click.echo(text, nl=False)
        return
    from hfs_cli.completion.install import install

    done = install(shell, text, os.environ)
    click.echo(f"{'wrote' if done.changed else 'already up to date:'} {done.path}")
    if done.lines:
        found = "bash-completion finds it there; without that package, " if shell == "bash" else ""
        click.echo(f"{found}add to {done.startup}:")
    for line in done.lines:
        click.echo(f"  {line}")
    click.echo(f"then open a new {shell}")
