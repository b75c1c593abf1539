"""The tools of a turn, from their names; loaded for a turn that names some."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hfs_cli import notices
from hfs_cli.config import Config
from hfs_cli.config.settings import VENDOR_TOOLS
from hfs_cli.config.tools import configured_tools
from hfs_cli.errors import UsageError

if TYPE_CHECKING:
    from hfs_cli.tools.toolbox import Toolbox


def open_tools(config: Config, *, confirm: bool) -> Toolbox | None:
    """The tools that a turn may use, or None where it may use none.

    Args:
        config: Which are named, and where they are configured.
        confirm: Ask about each call.

    Raises:
        UsageError: There is nothing to confirm, or nobody to ask.
        HfsError: A tool that was named cannot be used.
    """
    # What the provider does itself is a word of the list, and no tool of ours.
    names = [name for name in config.tool if name not in VENDOR_TOOLS]
    if not names:
        if confirm:
            raise UsageError("--confirm goes with --tool NAME")
        return None
    from hfs_cli.tools.choose import open_toolbox

    warn_of_open_keys(config, (name.partition(":")[0] for name in names))
    return open_toolbox(config, names, provider_keys(config), confirm=confirm)


def provider_keys(config: Config) -> frozenset[str]:
    """The variables for providers' keys, set or not: no tool gets one."""
    from hfs_cli.providers.presets import PRESETS

    names = {preset.env_var for preset in PRESETS.values()}
    names |= {provider.api_key_env for provider in config.providers.values()}
    return frozenset(name for name in names if name)


def warn_of_open_keys(config: Config, names: Iterable[str]) -> None:
    """Say it when a server's key goes to another machine unprotected."""
    from hfs_cli.providers.presets import is_loopback

    servers = configured_tools(config).servers
    for name in dict.fromkeys(names):
        server = servers.get(name)
        url = (server.url if server else None) or ""
        has_key = server and (server.api_key_env or server.headers_cmd)
        if has_key and url.lower().startswith("http:") and not is_loopback(url):
            notices.warn(f"the key of the MCP server {name} goes over plain http: use https")
