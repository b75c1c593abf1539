"""The configured tools as `hfs tools list`, `hfs tools show` and `hfs doctor` report them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfs_cli.config.tools import Configured, ProgramConfig, ServerConfig
from hfs_cli.errors import HfsError
from hfs_cli.tools.choose import list_each, wanted_tools
from hfs_cli.tools.programs import open_program
from hfs_cli.tools.servers import Listing, Server, tools_of


@dataclass(frozen=True, slots=True)
class Entry:
    """A program, a server, or one tool of a server.

    Args:
        name: As ``--tool`` takes it.
        kind: ``program``, ``mcp`` (a server) or ``tool`` (of a server).
        description: What the model is told; of a server, its own name and version.
        runs: The command or the address.
        origin: Where it is configured.
        confirm: Whether it never runs without being asked about.
        parallel: Whether it may run while other calls do.
        timeout: Seconds that a call may take.
        parameters: The JSON Schema of its arguments; None for a server.
        tools: How many a server has; None where that is not known, and for others.
        fault: Why it cannot be used, or None.
    """

    name: str
    kind: str
    description: str
    runs: str
    origin: str
    confirm: bool
    parallel: bool
    timeout: float
    parameters: Mapping[str, Any] | None = None
    tools: int | None = None
    fault: HfsError | None = None


def overview(
    configured: Configured, hidden: Collection[str], *, only: str | None = None, probe: bool = False
) -> list[Entry]:
    """All programs and servers, and the known tools of servers.

    Args:
        configured: What there is.
        hidden: The variables that hold providers' keys.
        only: The name of the one that is meant, ``SERVER:TOOL`` for the server, or None for all.
        probe: Start or reach each server and ask it.

    Raises:
        NotFoundError: There is no program or server of that name.
    """
    names = (*configured.programs, *configured.servers)
    wanted = names if only is None else wanted_tools([only], configured)
    programs = [table for table in configured.programs.values() if table.name in wanted]
    tables = [table for table in configured.servers.values() if table.name in wanted]
    servers: dict[str, Server] = {}
    found: dict[str, Listing | HfsError | None] = {}
    for table in tables:
        try:
            servers[table.name] = Server(table, configured.file, hidden)
        except HfsError as error:
            found[table.name] = error
    try:
        if probe:
            found |= list_each(servers.values(), fresh=True)
        else:
            found |= {name: server.remembered() for name, server in servers.items()}
    finally:
        for server in servers.values():
            server.close()
    entries = [_program(table, configured.file, hidden) for table in programs]
    for table in tables:
        entries += _server(table, configured.file, servers.get(table.name), found[table.name])
    return entries


def _program(table: ProgramConfig, file: Path, hidden: Collection[str]) -> Entry:
    fault, parameters = None, None
    try:
        parameters = open_program(table, file, hidden).parameters
    except HfsError as error:
        fault = error
    return Entry(
        name=table.name,
        kind="program",
        description=table.description or "",
        runs=" ".join(table.command),
        origin=f"[tools.{table.name}] of {file}",
        confirm=table.confirm,
        parallel=table.parallel,
        timeout=table.timeout,
        parameters=parameters,
        fault=fault,
    )


def _server(
    table: ServerConfig, file: Path, server: Server | None, found: Listing | HfsError | None
) -> Sequence[Entry]:
    runs = table.url or " ".join((table.command or "", *table.args))
    listing = found if isinstance(found, Listing) else None

    def entry(label: str, kind: str, description: str, **more: Any) -> Entry:  # noqa: ANN401
        return Entry(
            name=label,
            kind=kind,
            description=description,
            runs=runs,
            origin=f"[mcp.{table.name}] of {file}",
            confirm=table.confirm,
            parallel=table.parallel,
            timeout=table.timeout,
            **more,
        )

    tools = tools_of(server, listing) if server and listing else ()
    whole = entry(
        table.name,
        "mcp",
        listing.server if listing else "",
        tools=len(listing.tools) if listing else None,
        fault=found if isinstance(found, HfsError) else None,
    )
    return [
        whole,
        *(entry(t.label, "tool", t.description, parameters=t.parameters) for t in tools),
    ]
