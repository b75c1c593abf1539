"""The models that a provider offers: asked for once a day, kept in the cache directory."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hfs_cli.places import cache_directory
from hfs_cli.providers.settings import ProviderSettings

EXPIRY_SECONDS = 24 * 3600.0


def models_of(
    settings: ProviderSettings, fetch: Callable[[], list[str]], *, refresh: bool = False
) -> list[str]:
    """A provider's model ids, from the cache while it is fresh.

    Args:
        settings: The provider.
        fetch: Asks the provider.
        refresh: Ask even if the cache is fresh.

    Raises:
        HfsError: The provider had to be asked and did not answer.
    """
    if not refresh:
        kept = cached_models(settings)
        if kept is not None:
            return kept
    models = sorted(set(fetch()))
    _keep(settings, models)
    return models


def cached_models(
    settings: ProviderSettings, max_age_s: float = EXPIRY_SECONDS
) -> list[str] | None:
    """The ids in the cache, or None when they are absent, too old or of another address."""
    file = _file(settings)
    try:
        kept = json.loads(file.read_bytes())
        fresh = 0 <= time.time() - kept["fetched_at"] < max_age_s
        if kept["base_url"] == settings.base_url and fresh:
            return [str(model) for model in kept["models"]]
    except (OSError, ValueError, KeyError, TypeError):
        # A cache that cannot be read is one that is not there.
        return None
    return None


def _keep(settings: ProviderSettings, models: list[str]) -> None:
    document = {"fetched_at": time.time(), "base_url": settings.base_url, "models": models}
    file = _file(settings)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".models-")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(document, stream)
        Path(name).replace(file)
    except OSError:
        # The list is shown all the same, and asked for again next time.
        return


def _file(settings: ProviderSettings) -> Path:
    from urllib.parse import quote

    return Path(cache_directory(), f"models-{quote(settings.name, safe='')}.json")
