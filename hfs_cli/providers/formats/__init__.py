"""The wire formats: payloads and decoders, without I/O.

Each format is a module of the same name that ends with its `FORMAT`. The names are
`hfs_cli.config.settings.PROVIDER_TYPES`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hfs_cli.providers.formats.wire import WireFormat


def load_format(name: str) -> WireFormat:
    """Import the format of that name; a turn needs only one."""
    wire: WireFormat = import_module(f"{__name__}.{name}").FORMAT
    return wire
