"""The wire formats: payloads and decoders, pure and free of I/O.

A format is the module of its name, which ends with its `FORMAT`; the names are
`hfs_cli.config.settings.PROVIDER_TYPES`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hfs_cli.providers.formats.wire import WireFormat


def load_format(name: str) -> WireFormat:
    """The format of that name; a turn loads the one that it speaks."""
    wire: WireFormat = import_module(f"{__name__}.{name}").FORMAT
    return wire
