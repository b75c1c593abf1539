"""`hfs help`: the help of commands, and topics."""

from __future__ import annotations

import re

import click

from hfs_cli.groups import Context, HelpFormatter, show_page


@click.command(name="help")
@click.argument("words", nargs=-1, metavar="[COMMAND|TOPIC]...")
@click.pass_context
def show_help(context: click.Context, *, words: tuple[str, ...]) -> None:
    """Show the help of a command, as its --help does, or of a topic.

    Topics: refs, config, models, scripting, exit-codes, json.

    \b
      hfs help sessions export
      hfs help refs
    """
    from hfs_cli.topics import TOPICS

    topic = TOPICS.get(words[0]) if len(words) == 1 else None
    if topic and words[0] not in {"config", "models"}:
        show_page(_laid_out(topic.text).removesuffix("\n"))
        return
    shown = context.find_root()
    for index, word in enumerate(words):
        group = shown.command
        found = group.get_command(shown, word) if isinstance(group, click.Group) else None
        if found is None:
            from hfs_cli.groups.mistyped import unknown_command

            error = unknown_command(shown, words[index:])
            if index == 0 and ":" not in error.message:
                # No name is near, so name the topics.
                topics = f"the topics are {', '.join(TOPICS)}"
                error = click.UsageError(f"{error.message}: {topics}", shown)
            raise error
        shown = Context(found, shown, word, **found.context_settings)
    show_page(shown.get_help())
    if topic:  # config and models are commands too
        show_page(f"\n{_laid_out(topic.text)}".removesuffix("\n"))


def _laid_out(topic: str) -> str:
    """Lay out a topic for the window: prose is wrapped, commands and tables keep their lines."""
    formatter = HelpFormatter()
    for number, part in enumerate(topic.rstrip().split("\n\n")):
        prose, commands = part, ""
        if number:
            formatter.write_paragraph()
        if found := re.search(r"^  .*", part, re.MULTILINE | re.DOTALL):
            prose, commands = part[: found.start()], found[0]
        if rows := re.findall(r"^(\d+) +(.*)$", prose, re.MULTILINE):
            formatter.write_dl(rows)
        elif prose:
            formatter.write_text(prose)
        if commands:
            formatter.write(f"{commands}\n")
    return formatter.getvalue()
