"""Open the tools that a turn names; loaded only then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from hfs_cli import notices
from hfs_cli.config import Config
from hfs_cli.config.settings import VENDOR_TOOLS
from hfs_cli.config.tools import ServerConfig, configured_tools

if TYPE_CHECKING:
    from hfs_cli.tools.toolbox import Toolbox


def open_tools(config: Config, *, confirm: bool) -> Toolbox | None:
    """The tools that a turn may use, or None where it may use none.

    Args:
        config: Which are named, and where they are configured.
        confirm: Ask about each call.

    Raises:
        UsageError: There is nobody to ask.
        HfsError: A tool that was named cannot be used.
    """
    # The list may name tools that the provider runs itself; those are not opened here.
    names = [name for name in config.tool if name not in VENDOR_TOOLS]
    if not names:
        return None
    from hfs_cli.tools.choose import open_toolbox

    configured = configured_tools(config)
    warn_of_open_keys(configured.servers, names)
    return open_toolbox(configured, names, provider_keys(config), confirm=confirm)


def provider_keys(config: Config) -> frozenset[str]:
    """The variables for providers' keys, set or not: no tool gets one."""
    from hfs_cli.providers.presets import PRESETS

    names = {preset.env_var for preset in PRESETS.values()}
    names |= {provider.api_key_env for provider in config.providers.values()}
    return frozenset(name for name in names if name)


def warn_of_open_keys(servers: Mapping[str, ServerConfig], names: Iterable[str]) -> None:
    """Warn where the key of a server that is named goes to another machine without TLS."""
    from hfs_cli.providers.presets import is_loopback

    for name in dict.fromkeys(name.partition(":")[0] for name in names):
        server = servers.get(name)
        url = (server.url if server else None) or ""
        has_key = server and (server.api_key_env or server.headers_cmd)
        if has_key and url.lower().startswith("http:") and not is_loopback(url):
            notices.warn(f"the key of the MCP server {name} goes over plain http: use https")
