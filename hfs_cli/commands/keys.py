"""`hfs keys`: store the keys of providers, and see where each comes from."""

from __future__ import annotations

import os
import sys

import click

from hfs_cli import notices, signals
from hfs_cli.config import load_config
from hfs_cli.errors import UsageError
from hfs_cli.groups import Group

# In bytes; no key is as long.
_MOST_INPUT = 100_000


@click.group(name="keys", cls=Group)
def keys() -> None:
    """Keep the providers' keys; they are never shown."""


@keys.command(name="set")
@click.argument("words", metavar="PROVIDER", nargs=-1, required=True)
def keep_key(*, words: tuple[str, ...]) -> None:
    """Keep a key for PROVIDER: typed on a terminal, or read from standard input.

    \b
      hfs keys set anthropic
      pass show anthropic | hfs keys set anthropic
    """
    provider = words[0]
    if len(words) > 1:
        # Do not repeat the key: one copy in the shell's history is enough.
        raise UsageError(
            "a key is never an argument, where every user of the machine can see it: run "
            f"hfs keys set {provider} and answer, or pipe it in"
        )
    from hfs_cli.config.keys import set_key
    from hfs_cli.providers.choose import check_provider

    config = load_config()
    check_provider(config, provider)
    set_key(config.key_file, provider, _read_key(provider))
    notices.notice(f"the key for {provider} is kept in {config.key_file}")


def _read_key(provider: str) -> str:
    if sys.stdin is None:
        raise UsageError("no key was given: pipe it in, or run this on a terminal")
    if sys.stdin.isatty():
        try:
            with signals.noticed():
                value: str = click.prompt(f"Key for {provider}", hide_input=True, err=True)
        except click.Abort:  # Ctrl-D
            raise UsageError("no key was given: nothing is kept") from None
        return value
    # The newline at the end is not part of the key.
    data = sys.stdin.buffer.read(_MOST_INPUT)
    value = data.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
    if "\n" in value:
        raise UsageError("more than one line came on standard input: pipe in the key alone")
    if not value:
        raise UsageError(
            "no key was given on standard input: pipe it in, or run this on a terminal"
        )
    return value


@keys.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def list_keys(*, as_json: bool) -> None:
    """List the providers that have a key, and where it comes from; never the key."""
    from hfs_cli.config.keys import read_keys, where_found
    from hfs_cli.providers.choose import key_sources
    from hfs_cli.render.json_shapes import print_json
    from hfs_cli.render.lists.table import show_table

    config = load_config()
    stored = read_keys(config.key_file, notices.warn)
    found = [
        (source.provider, where)
        for source in key_sources(config)
        if (where := where_found(source, os.environ, stored))
    ]
    if as_json:
        print_json([{"provider": provider, "source": where} for provider, where in found])
    elif found:
        show_table(("PROVIDER", "KEY FROM"), found)
    else:
        notices.notice("no keys yet: hfs keys set PROVIDER keeps one (hfs help models)")


@keys.command(name="remove")
@click.argument("provider")
def drop_key(*, provider: str) -> None:
    """Remove PROVIDER's key from the key file."""
    from hfs_cli.config.keys import remove_key

    remove_key(load_config().key_file, provider)


@keys.command(name="path")
def print_key_file() -> None:
    """Print where the key file is."""
    click.echo(load_config().key_file)
