"""`hfs tools`: the programs and MCP servers that a turn may use if it names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hfs_cli import notices
from hfs_cli.config import Config, load_config
from hfs_cli.errors import NotFoundError, ProviderError, UsageError
from hfs_cli.groups import Group
from hfs_cli.sanitize import sanitize
from hfs_cli.wording import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hfs_cli.tools.overview import Entry


@click.group(name="tools", cls=Group)
def tools() -> None:
    """See and try the tools that a turn may use if it names them (--tool)."""


@tools.command(name="list")
@click.argument("name", metavar="[TOOL]", required=False)
@click.option("--probe", is_flag=True, help="Start or reach each MCP server and ask for its tools.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array, with the schemas.")
def list_tools(*, name: str | None, probe: bool, as_json: bool) -> None:
    """List the configured programs and MCP servers, or one of them.

    A server's tools are those that it last listed; --probe asks it again. A server's name
    stands for all its tools, SERVER:TOOL for one.
    """
    from hfs_cli.render.json_shapes import print_json
    from hfs_cli.render.lists.table import Column, print_table, write_rows
    from hfs_cli.render.terminal import stdout

    config = load_config()
    entries = _entries(config, name, probe=probe)
    rows = [(entry.name, entry.kind, _about(entry)) for entry in entries]
    if as_json:
        print_json([_shape(entry) for entry in entries])
    elif not rows:
        notices.notice(f"no tools yet: [tools.NAME] or [mcp.NAME] in {config.file} makes one")
    elif stdout().tty:
        columns = [Column("NAME"), Column("KIND"), Column("WHAT IT IS", flexible=True)]
        print_table(columns, rows, footer=f"file: {config.file}")
    else:
        write_rows(rows)
    for entry in entries:
        if probe and entry.fault is not None:
            raise entry.fault


def _entries(config: Config, name: str | None, *, probe: bool) -> Sequence[Entry]:
    """All tools; or the one of this name, a server before its tools."""
    from hfs_cli.compose.tools import provider_keys
    from hfs_cli.config.tools import configured_tools
    from hfs_cli.tools.overview import overview

    configured = configured_tools(config)
    entries = overview(configured, provider_keys(config), only=name, probe=probe)
    if name is None or ":" not in name:
        return entries
    server = name.partition(":")[0]
    if not (found := [entry for entry in entries if entry.name == name]):
        raise NotFoundError(
            f"{server} is not known to have this tool: hfs tools list --probe {server} asks it"
        )
    return found


def _about(entry: Entry) -> str:
    """One line: what is wrong with it, or else what it does."""
    if entry.fault is not None:
        return entry.fault.message
    if entry.kind != "mcp":
        return next(iter(entry.description.splitlines()), "")
    if entry.tools is None:
        return f"{entry.runs} (--probe asks for its tools)"
    return f"{entry.description}, {plural(entry.tools, 'tool')}".removeprefix(", ")


def _shape(entry: Entry) -> dict[str, object]:
    return {
        "name": entry.name,
        "kind": entry.kind,
        "description": entry.description,
        "parameters": entry.parameters,
        "tools": entry.tools,
        "runs": entry.runs,
        "origin": entry.origin,
        "confirm": entry.confirm,
        "parallel": entry.parallel,
        "timeout": entry.timeout,
        "error": entry.fault.message if entry.fault else None,
    }


@tools.command(name="show")
@click.argument("name", metavar="TOOL")
@click.option("--probe", is_flag=True, help="Ask its MCP server first.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def show_tool(*, name: str, probe: bool, as_json: bool) -> None:
    """Show one tool or server: what the model is told, its schema, where it comes from."""
    from hfs_cli.config.origins import shown
    from hfs_cli.render.json_shapes import dump, print_json
    from hfs_cli.render.lists.table import show_table

    entry = _entries(load_config(), name, probe=probe)[0]
    if as_json:
        print_json(_shape(entry))
    else:
        rows = [(key, shown(value)) for key, value in _shape(entry).items() if value is not None]
        show_table(("", ""), [row for row in rows if row[0] != "parameters"])
        if entry.parameters is not None:
            click.echo(dump(entry.parameters, indent=2))
    if probe and entry.fault is not None:
        raise entry.fault


@tools.command(name="call")
@click.argument("name", metavar="TOOL")
@click.argument("arguments", metavar="[JSON]", default="{}")
def call_tool(*, name: str, arguments: str) -> None:
    """Call one tool by hand, as a model would: the arguments are a JSON object.

    Exits 2 when they do not fit its schema, 5 when the tool fails.

    \b
      hfs tools call lines '{"path": "README.md"}'
      hfs tools call files:list_directory '{"path": "/srv/notes"}'
    """
    from contextlib import closing

    from hfs_cli.compose.tools import provider_keys, warn_of_open_keys
    from hfs_cli.config.tools import configured_tools
    from hfs_cli.messages import Call
    from hfs_cli.tools.choose import open_toolbox

    config = load_config()
    configured, hidden = configured_tools(config), provider_keys(config)
    warn_of_open_keys(configured.servers, [name])
    results: list[tuple[str, bool]] = []
    with closing(open_toolbox(configured, [name], hidden, confirm=False)) as toolbox:
        if len(toolbox.specs) != 1:
            raise UsageError(
                f"{name} has {plural(len(toolbox.specs), 'tool')}: name one, {name}:TOOL"
                f" (hfs tools list {name})"
            )
        call = Call("", toolbox.specs[0].name, arguments)
        refusal = toolbox.refusals([call])[0]
        if refusal is not None:
            raise UsageError(f"{refusal} (hfs tools show {name} tells what it takes)")
        toolbox.run([call], lambda _: None, lambda _, text, failed: results.append((text, failed)))
    ((text, failed),) = results
    if failed:
        notices.say(sanitize(text))
        raise ProviderError(f"{name} failed")
    click.echo(text, nl=not text.endswith("\n"))
