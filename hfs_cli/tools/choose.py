"""Make the toolbox of a turn from the names of its tools: nothing else can run."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from queue import SimpleQueue

from hfs_cli.config.tools import Configured
from hfs_cli.errors import HfsError, NotFoundError
from hfs_cli.tools.confirm import Confirmation
from hfs_cli.tools.programs import open_program
from hfs_cli.tools.servers import Listing, Server, tools_of
from hfs_cli.tools.tool import Tool
from hfs_cli.tools.toolbox import Toolbox
from hfs_cli.wording import did_you_mean


def open_toolbox(
    configured: Configured, names: Sequence[str], hidden: Collection[str], *, confirm: bool
) -> Toolbox:
    """The named tools, ready to run; a server is started only if its tools are not known.

    Args:
        configured: What there is.
        names: ``NAME`` of a program or of a server (all its tools), or ``SERVER:TOOL``.
        hidden: The variables that hold providers' keys; no tool gets one.
        confirm: Ask about each call.

    Raises:
        NotFoundError: There is no such tool.
        ConfigError: One is configured wrongly, or its server does not start.
        UsageError: They are too many, or must be asked about where nobody can be.
        NetworkError: A server is not reached.
    """
    wanted = wanted_tools(names, configured)
    servers = {
        name: Server(configured.servers[name], configured.file, hidden)
        for name in wanted
        if name in configured.servers
    }
    listings = list_side_by_side(servers.values())
    tools: dict[str, Tool] = {}
    try:
        for name, parts in wanted.items():
            found: Iterable[Tool]
            if name in servers:
                found = _of_server(servers[name], listings[name], parts)
            else:
                found = [open_program(configured.programs[name], configured.file, hidden)]
            tools.update((tool.label, tool) for tool in found)
        asked = [tool.label for tool in tools.values() if tool.confirm]
        confirmation = None
        if confirm or asked:
            who = "--confirm" if confirm else asked[0]
            confirmation = Confirmation(every=confirm, who=who)
        return Toolbox(
            list(tools.values()), list(servers.values()), confirmation, configured.tool_timeout
        )
    except BaseException:
        for server in servers.values():
            server.close()
        raise


def wanted_tools(names: Sequence[str], configured: Configured) -> dict[str, list[str] | None]:
    """The named programs and servers, each with its named tools, or None for all of them.

    Args:
        names: As ``--tool`` takes them, without the provider's own search.
        configured: What there is.

    Raises:
        NotFoundError: There is none of that name.
    """
    wanted: dict[str, list[str] | None] = {}
    for name in names:
        first, colon, part = name.partition(":")
        known = configured.servers if colon else {*configured.programs, *configured.servers}
        if first not in known:
            hint = did_you_mean(first, known, otherwise=" (hfs tools list shows all)")
            raise NotFoundError(f"no {'MCP server' if colon else 'tool'} {first!r}{hint}")
        if not colon:
            wanted[first] = None
        elif (parts := wanted.setdefault(first, [])) is not None:
            parts.append(part)
    return wanted


def _of_server(server: Server, listing: Listing, parts: list[str] | None) -> Iterable[Tool]:
    if parts is not None and not set(parts) <= set(listing.names):
        listing = server.listing(fresh=True)
    for part in parts or ():
        if part not in listing.names:
            hint = did_you_mean(part, listing.names, otherwise=f" (hfs tools list {server.name})")
            raise NotFoundError(f"the MCP server {server.name} has no tool {part!r}{hint}")
    return [tool for tool in tools_of(server, listing) if parts is None or tool.name in parts]


def list_side_by_side(servers: Collection[Server]) -> dict[str, Listing]:
    """The tools of several servers; those that have to start do so in parallel.

    Raises:
        HfsError: What the first that fails says; the others are ended.
    """
    found = list_each(servers, fresh=False)
    for outcome in found.values():
        if isinstance(outcome, HfsError):
            for server in servers:
                server.close()
            raise outcome
    return {name: outcome for name, outcome in found.items() if isinstance(outcome, Listing)}


def list_each(servers: Collection[Server], *, fresh: bool) -> dict[str, Listing | HfsError]:
    """The tools of each of several servers, or why they cannot be known.

    Args:
        fresh: Ask each, whatever is known.
    """
    found: dict[str, Listing | HfsError] = {}
    asked = []
    for server in servers:
        known = None if fresh else server.remembered()
        if known is not None:
            found[server.name] = known
        else:
            asked.append(server)
    stopped = threading.Event()
    answers: SimpleQueue[tuple[str, Listing | HfsError]] = SimpleQueue()

    def ask(server: Server) -> None:
        try:
            answers.put((server.name, server.listing(stopped.is_set, fresh=fresh)))
        except HfsError as error:
            answers.put((server.name, error))
        except BaseException as error:  # noqa: BLE001  else its answer would be waited for for ever
            answers.put((server.name, HfsError(f"{type(error).__name__}: {error}")))

    for server in asked:
        threading.Thread(target=ask, args=(server,), daemon=True).start()
    try:
        for _ in asked:
            name, outcome = answers.get()
            found[name] = outcome
    except BaseException:
        stopped.set()
        for server in asked:
            server.close()
        raise
    return {server.name: found[server.name] for server in servers}
