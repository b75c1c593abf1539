"""`hfs help`: what a command does, and the rules that no one command owns."""

from __future__ import annotations

import click

from hfs_cli.groups import no_command


@click.command(name="help")
@click.argument("words", nargs=-1, metavar="[COMMAND|TOPIC]...")
@click.pass_context
def show_help(context: click.Context, *, words: tuple[str, ...]) -> None:
    """Show what a command does, as its --help does, or the rules of a topic.

    Topics: refs, config, models, scripting, exit-codes, json.

    \b
      hfs help sessions export
      hfs help refs
    """
    from hfs_cli.topics import TOPICS

    topic = TOPICS.get(words[0]) if len(words) == 1 else None
    if topic and words[0] not in {"config", "models"}:
        click.echo(topic, nl=False)
        return
    shown = context.find_root()
    for index, word in enumerate(words):
        group = shown.command
        found = group.get_command(shown, word) if isinstance(group, click.Group) else None
        if found is None:
            raise no_command(shown, words[index:])
        shown = click.Context(found, shown, word, **found.context_settings)
    click.echo(shown.get_help())
    if topic:  # config and models are commands too
        click.echo(f"\n{topic}", nl=False)
