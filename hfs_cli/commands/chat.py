"""`hfs chat`: one turn, in a new session unless told otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from hfs_cli.compose.ask import Target, take_turn, turn_config
from hfs_cli.compose.options import TurnOptions, turn_options
from hfs_cli.compose.prompt import given_prompt
from hfs_cli.config import Config
from hfs_cli.errors import NotFoundError, UsageError
from hfs_cli.naming import check_name

if TYPE_CHECKING:
    from hfs_cli.store.store import SessionStore


SCHEMAS = ("json", "jsonl", "sessions", "transcript")


def _print_schema(context: click.Context, _: click.Parameter, name: str | None) -> None:
    if name is None:
        return
    from hfs_cli.render.schema import schema_text

    click.echo(schema_text(name), nl=False)
    context.exit()


@click.command(name="chat")
@click.option("-c", "--continue", "go_on", is_flag=True, help="Continue the last used session.")
@click.option("-S", "--session", "ref", metavar="REF", help="Continue this session.")
@click.option("--create", is_flag=True, help="With -S or -c: make the session if absent.")
@click.option("-n", "--name", metavar="NAME", help="Name of the new session.")
@click.option(
    "--at",
    type=click.IntRange(min=0),
    metavar="N",
    help="Continue from message N; what follows it is kept as a branch.",
)
@click.option(
    "--schema-of",
    type=click.Choice(SCHEMAS),
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print the JSON Schema of a format and leave.",
)
@turn_options
def command(
    asked: TurnOptions,
    *,
    go_on: bool,
    ref: str | None,
    create: bool,
    name: str | None,
    at: int | None,
) -> None:
    """Send one message and show the reply.

    The prompt is the arguments, then standard input. Each call is kept in a session;
    a new one unless -c, -S or HFS_SESSION says otherwise.

    \b
      hfs chat "What is a write-ahead log?"
      git diff --staged | hfs chat "write a commit message"
      hfs chat -c "shorter, please"
    """
    if sum([go_on, ref is not None, name is not None]) > 1:
        raise UsageError("-c, -S and -n exclude each other: keep one")
    if create and not (go_on or ref):
        raise UsageError("--create goes with -S NAME or -c")
    from hfs_cli.compose.attachments import read_files

    files = read_files(asked.file)
    prompt = files.joined(given_prompt(asked.words, no_stdin=asked.no_stdin, edit=asked.edit))
    if prompt is None:
        raise UsageError('no prompt: give one as arguments (hfs chat "…") or on standard input')
    config = turn_config(asked)
    from hfs_cli.store.store import SessionStore

    with SessionStore(config.database, checkpoint_retention=config.checkpoint_retention) as store:
        target = _target(store, config, go_on=go_on, ref=ref, create=create, name=name)
        if at is not None:
            if target.session is None:
                raise UsageError("--at goes with a session to continue: -S REF or -c")
            target = replace(target, at=at)
        take_turn(asked, config, store, target, prompt, files.attachments)


def _target(
    store: SessionStore,
    config: Config,
    *,
    go_on: bool,
    ref: str | None,
    create: bool,
    name: str | None,
) -> Target:
    """Which session the turn belongs to, by the rules of precedence."""
    if name is not None:
        return Target(name=check_name(name))
    if go_on:
        last = store.last_used()
        if last is None and not create:
            raise NotFoundError("no session to continue yet: start one with hfs chat, or --create")
        return Target(session=last)
    if ref is not None and create:
        return _named(store, ref)
    ref = ref or config.session
    return Target(session=store.resolve(ref) if ref else None)


def _named(store: SessionStore, name: str) -> Target:
    session = store.find(name)
    return Target(session) if session else Target(name=check_name(name), or_existing=True)
