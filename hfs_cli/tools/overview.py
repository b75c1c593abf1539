"""What is configured, as lists, `hfs tools show` and `hfs doctor` tell of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hfs_cli.config import Config
from hfs_cli.config.tools import Configured, configured_tools
from hfs_cli.errors import HfsError, NotFoundError
from hfs_cli.tools.choose import list_each
from hfs_cli.tools.programs import open_program
from hfs_cli.tools.servers import Listing, Server, tools_of
from hfs_cli.wording import did_you_mean


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
    config: Config, hidden: Collection[str], *, only: str | None = None, probe: bool = False
) -> list[Entry]:
    """All programs and servers, and the tools of servers as far as they are known.

    Args:
        hidden: The variables that hold providers' keys.
        only: The name of the one that is meant, or None for all.
        probe: Start or reach each server and ask it.

    Raises:
        ConfigError: The tables cannot be read.
        NotFoundError: There is no program or server of that name.
    """
    configured = configured_tools(config)
    if only is not None:
        configured = _narrowed(configured, only)
    entries = [_program(config, configured, name, hidden) for name in configured.programs]
    faults: dict[str, HfsError] = {}
    servers = []
    for name, table in configured.servers.items():
        try:
            servers.append(Server(table, config.file, hidden))
        except HfsError as error:
            faults[name] = error
    found: dict[str, Listing | HfsError | None] = dict(faults)
    try:
        if probe:
            found |= list_each(servers, fresh=True)
        else:
            found |= {server.name: server.remembered() for server in servers}
    finally:
        for server in servers:
            server.close()
    by_name = {server.name: server for server in servers}
    for name in configured.servers:
        entries += _server(config, configured, name, by_name.get(name), found[name])
    return entries


def _narrowed(configured: Configured, only: str) -> Configured:
    if only not in (*configured.programs, *configured.servers):
        hint = did_you_mean(only, configured.names, otherwise=" (hfs tools list shows all)")
        raise NotFoundError(f"no tool {only!r}{hint}")
    return Configured(
        {name: table for name, table in configured.programs.items() if name == only},
        {name: table for name, table in configured.servers.items() if name == only},
    )


def _program(config: Config, configured: Configured, name: str, hidden: Collection[str]) -> Entry:
    table = configured.programs[name]
    fault, parameters = None, None
    try:
        parameters = open_program(table, config.file, hidden).parameters
    except HfsError as error:
        fault = error
    return Entry(
        name=name,
        kind="program",
        description=table.description or "",
        runs=" ".join(table.command),
        origin=f"[tools.{name}] of {config.file}",
        confirm=table.confirm,
        parallel=table.parallel,
        timeout=table.timeout,
        parameters=parameters,
        fault=fault,
    )


def _server(
    config: Config,
    configured: Configured,
    name: str,
    server: Server | None,
    found: Listing | HfsError | None,
) -> Sequence[Entry]:
    """A server and its tools."""
    table = configured.servers[name]
    runs = table.url or " ".join((table.command or "", *table.args))
    listing = found if isinstance(found, Listing) else None

    def entry(label: str, kind: str, description: str, **more: Any) -> Entry:  # noqa: ANN401
        return Entry(
            name=label,
            kind=kind,
            description=description,
            runs=runs,
            origin=f"[mcp.{name}] of {config.file}",
            confirm=table.confirm,
            parallel=table.parallel,
            timeout=table.timeout,
            **more,
        )

    tools = tools_of(server, listing) if server and listing else ()
    whole = entry(
        name,
        "mcp",
        listing.server if listing else "",
        tools=len(listing.tools) if listing else None,
        fault=found if isinstance(found, HfsError) else None,
    )
    return [
        whole,
        *(entry(t.label, "tool", t.description, parameters=t.parameters) for t in tools),
    ]
