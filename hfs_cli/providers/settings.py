"""What is known of a provider and of the model that was chosen, before anything is sent."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from hfs_cli.config.keys import KeySource
from hfs_cli.providers.formats.wire import Quirks


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """A provider, resolved from the presets and the configuration.

    Args:
        name: What users call it.
        type: Its wire format.
        base_url: Where its paths begin, without a slash at the end.
        key: Where its key is found.
        model: Its default model id, or None.
        docs: The page about its models and quotas, or None.
        headers: More headers for each request.
        query: More query parameters for each request.
        ca_bundle: A PEM file of authorities to trust, or None.
        quirks: Where it departs from its format.
        options: Options that its models need to do well.
    """

    name: str
    type: str
    base_url: str
    key: KeySource
    model: str | None = None
    docs: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    ca_bundle: str | None = None
    quirks: Quirks = field(default_factory=Quirks)
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The model a turn runs with.

    Args:
        provider: Who serves it.
        model: The vendor's id.
        full_name: ``provider/id``.
        options: The default options for it, the user's own before the preset's.
    """

    provider: ProviderSettings
    model: str
    full_name: str
    options: Mapping[str, object] = field(default_factory=dict)


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine alone."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
