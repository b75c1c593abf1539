"""`hfs chat`: one turn, in a new session unless one is named."""

from __future__ import annotations

import click

from hfs_cli.compose.ask import take_turn
from hfs_cli.compose.asked import Asked, read_message
from hfs_cli.compose.options import TurnCommand, turn_options
from hfs_cli.errors import UsageError
from hfs_cli.groups import whole_number

SCHEMAS = ("json", "jsonl", "sessions", "transcript", "export")


def _print_schema(context: click.Context, _: click.Parameter, name: str | None) -> None:
    if name is None:
        return
    from hfs_cli.render.json_shapes import schema_text

    click.echo(schema_text(name), nl=False)
    context.exit()


@click.command(name="chat", cls=TurnCommand)
@click.option("-c", "--continue", "go_on", is_flag=True, help="Continue the last used session.")
@click.option("-S", "--session", "ref", metavar="REF", help="Continue session REF.")
@click.option("--create", is_flag=True, help="With -S or -c: make the session if there is none.")
@click.option("-n", "--name", metavar="NAME", help="Name of the new session.")
@click.option(
    "--at",
    type=whole_number(0),
    metavar="N",
    help="Continue from message N; what follows it is kept as a branch.",
)
@click.option(
    "--schema-of",
    type=click.Choice(SCHEMAS),
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print the JSON Schema of a format and exit.",
)
@turn_options()
def chat(
    asked: Asked,
    *,
    go_on: bool,
    ref: str | None,
    create: bool,
    name: str | None,
    at: int | None,
) -> None:
    """Send one message and show the reply.

    The prompt is the arguments, then standard input. Each call is kept in a session;
    a new one unless -c, -S or HFS_SESSION says otherwise. What REF may be: hfs help refs.

    \b
      hfs chat "What is a write-ahead log?"
      git diff --staged | hfs chat "write a commit message"
      hfs chat -c "shorter, please"
    """
    if sum([go_on, ref is not None, name is not None]) > 1:
        raise UsageError("-c, -S and -n exclude each other: keep one")
    if create and not (go_on or ref is not None):
        raise UsageError("--create goes with -S NAME or -c")
    if ref is not None and not ref.strip():
        raise UsageError("-S needs a session: its id, its name, or @last")
    message = read_message(asked)
    if message is None:
        if asked.edit:
            raise UsageError("the editor left no prompt: nothing is sent")
        took = " (-o takes two words, unless they are NAME=VALUE)" if asked.options else ""
        raise UsageError(
            f'no prompt: give one as arguments (hfs chat "…") or on standard input{took}'
        )
    from hfs_cli.messages import Place
    from hfs_cli.store.store import open_store

    pinned = asked.config.session
    with open_store(asked.config) as store:
        session, place = None, Place()
        if go_on or ref is not None or name is not None or pinned is not None:
            from hfs_cli.compose.session import chosen_place

            session, place = chosen_place(store, name, ref, pinned, go_on=go_on, create=create)
        if at is not None and session is None:
            raise UsageError("--at goes with a session to continue: -S REF or -c")
        take_turn(asked, store, message, session, place._replace(at=at))
