"""What providers have said of their models, kept in the cache directory."""

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

EXPIRY_SECONDS = 24 * 3600.0
RESPONSES_FILE = "responses.json"


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
    """The successor of a model that is gone, from its vendor's own list; None where there is none.

    It is the highest version of the same line: of ``gpt-6.1-luna`` and ``gpt-7-luna``, the latter
    succeeds ``gpt-6-luna``. Otherwise it is the model with the most similar name.
    """
    parts = re.split(r"\d+(?:[.-]\d+)*", model)
    line = re.compile(r"\d+(?:[.-]\d+)*".join(map(re.escape, parts)), re.IGNORECASE)
    kin = [name for name in offered if name != model and line.fullmatch(name)]
    if kin:
        return max(kin, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])
    from difflib import get_close_matches

    near = get_close_matches(model, offered, 1)
    return near[0] if near else None


def _file(settings: ProviderSettings) -> Path:
    return Path(cache_directory(), f"models-{quote(settings.name, safe='')}.json")


# --- models that are not served over chat completions --------------------------------------


def is_responses_only(base_url: str, model: str) -> bool:
    """Whether an endpoint has said that it serves a model over Responses only."""
    models = _responses_only().get(base_url)
    return isinstance(models, list) and model in models


def remember_responses_only(base_url: str, model: str) -> None:
    """Remember that an endpoint serves a model over Responses only."""
    known = _responses_only()
    models = known.get(base_url)
    known[base_url] = sorted({*(models if isinstance(models, list) else ()), model})
    # If it cannot be kept, the next turn finds it out again.
    with suppress(OSError):
        file = Path(cache_directory(), RESPONSES_FILE)
        write_file(file, json.dumps(known).encode(), replace=True)


def _responses_only() -> dict[str, object]:
    with suppress(OSError, ValueError, RecursionError):
        known = json.loads(Path(cache_directory(), RESPONSES_FILE).read_bytes())
        if isinstance(known, dict):
            return known
    return {}
