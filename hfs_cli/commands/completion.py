"""`hfs completion`: the script that lets a shell complete hfs."""

from __future__ import annotations

import click


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def print_completion(context: click.Context, *, shell: str) -> None:
    """Print the completion script for a shell.

    \b
      hfs completion bash > ~/.local/share/bash-completion/completions/hfs
      hfs completion zsh > ~/.zfunc/_hfs     (with fpath+=~/.zfunc before compinit)
      hfs completion fish > ~/.config/fish/completions/hfs.fish
    """
    from hfs_cli.completion.scripts import script

    click.echo(script(shell, context.find_root().command), nl=False)
