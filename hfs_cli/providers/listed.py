"""What providers last listed, in the cache directory; and what follows a default that is gone."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from hfs_cli.files import write_file
from hfs_cli.places import cache_directory
from hfs_cli.providers.formats.listings import Listed
from hfs_cli.providers.presets import ProviderSettings
from hfs_cli.wording import near_names

EXPIRY_SECONDS = 24 * 3600.0


def listed(settings: ProviderSettings, max_age_s: float = EXPIRY_SECONDS) -> list[Listed] | None:
    """A provider's models, or None if its list is missing, too old or from another base URL."""
    # A cache that cannot be read counts as missing.
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        kept = json.loads(_file(settings).read_bytes())
        fresh = 0 <= time.time() - kept["fetched_at"] < max_age_s
        if kept["base_url"] == settings.base_url and fresh:
            details = kept.get("details", {})
            return [Listed(str(name), *details.get(name, ())) for name in kept["models"]]
    return None


def last_listed(settings: ProviderSettings) -> list[str]:
    """The model ids in a provider's last list, of any age; empty where there is none."""
    return [model.id for model in listed(settings, math.inf) or ()]


def keep_listed(settings: ProviderSettings, models: Sequence[Listed]) -> None:
    """Keep a provider's list; completion with Tab reads the ids in it."""
    document = {
        "fetched_at": time.time(),
        "base_url": settings.base_url,
        "models": [model.id for model in models],
        "details": {model.id: model[1:] for model in models if any(model[1:])},
    }
    # A list that cannot be kept is asked for again next time.
    with suppress(OSError):
        write_file(_file(settings), json.dumps(document).encode(), replace=True)


def successor(model: str, offered: Sequence[str]) -> str | None:
    """The model that takes the place of one that is gone, from its vendor's own list.

    It is the newest of the same line: for ``gpt-6-luna`` the one with the highest version among
    ``gpt-6.1-luna``, ``gpt-7-luna``; else one that is called almost the same; else None.
    """
    parts = re.split(r"\d+(?:[.-]\d+)*", model)
    line = re.compile(r"\d+(?:[.-]\d+)*".join(map(re.escape, parts)), re.IGNORECASE)
    kin = [name for name in offered if name != model and line.fullmatch(name)]
    if kin:
        return max(kin, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])
    near = near_names(model, offered, 1)
    return near[0] if near else None


def _file(settings: ProviderSettings) -> Path:
    return Path(cache_directory(), f"models-{quote(settings.name, safe='')}.json")
