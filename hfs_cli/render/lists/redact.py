"""Show the keys that were found in sessions: to a person, in a pipe, as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from hfs_cli.conversations import KeptKey
from hfs_cli.render.json_shapes import print_json
from hfs_cli.render.lists.table import Column, print_table, write_rows
from hfs_cli.render.terminal import stdout


def show_keys(found: Sequence[KeptKey], *, as_json: bool = False) -> None:
    """Show where keys were found, in a form that suits standard output.

    Args:
        found: The keys, in the order of sessions and messages.
        as_json: Print a JSON array instead.
    """
    if as_json:
        print_json([key._asdict() for key in found])
    elif not stdout().tty:
        write_rows([_cells(key) for key in found])
    elif found:
        columns = [
            Column("WHERE", style="cyan"),
            Column("IN"),
            Column("KIND"),
            Column("EXCERPT", lasting=True),
            Column("SESSION", flexible=True, style="dim"),
        ]
        print_table(columns, [(_where(key), *_cells(key)[2:]) for key in found])


def _where(key: KeptKey) -> str:
    number, position, *_ = _cells(key)
    return f"{number}·{position}" if position else number


def _cells(key: KeptKey) -> tuple[str, ...]:
    return (
        "" if key.session_id is None else str(key.session_id),
        "" if key.position is None else str(key.position),
        key.place,
        key.family,
        key.excerpt,
        key.file or key.session_name,
    )
