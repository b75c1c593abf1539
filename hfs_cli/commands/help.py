"""`hfs help`: what a command does."""

from __future__ import annotations

import click

from hfs_cli.groups import no_command


@click.command(name="help")
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def show_help(context: click.Context, *, words: tuple[str, ...]) -> None:
    """Show what a command does, as its --help does.

    \b
      hfs help chat
      hfs help sessions export
    """
    shown = context.find_root()
    for index, word in enumerate(words):
        group = shown.command
        found = group.get_command(shown, word) if isinstance(group, click.Group) else None
        if found is None:
            raise no_command(shown, words[index:])
        shown = click.Context(found, shown, word, **found.context_settings)
    click.echo(shown.get_help())
