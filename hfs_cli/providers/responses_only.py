"""Models that a chat-completions endpoint said are served over Responses alone, remembered."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from hfs_cli.files import write_file
from hfs_cli.places import cache_directory

FILE_NAME = "responses.json"


def is_responses_only(base_url: str, model: str) -> bool:
    """Whether an endpoint has said so of a model."""
    models = _read().get(base_url)
    return isinstance(models, list) and model in models


def remember(base_url: str, model: str) -> None:
    """Keep what an endpoint said of a model, so that it is asked rightly from now on."""
    known = _read()
    models = known.get(base_url)
    known[base_url] = sorted({*(models if isinstance(models, list) else ()), model})
    # What cannot be kept is found out again by the next turn.
    with suppress(OSError):
        write_file(_file(), json.dumps(known).encode(), replace=True)


def _read() -> dict[str, object]:
    with suppress(OSError, ValueError, RecursionError):
        known = json.loads(_file().read_bytes())
        if isinstance(known, dict):
            return known
    return {}


def _file() -> Path:
    return Path(cache_directory(), FILE_NAME)
