"""Where the platform keeps configuration, data and cache, as paths."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hfs_cli import places


def config_file(env: Mapping[str, str]) -> Path:
    """The file that holds the configuration, whether or not it exists."""
    return Path(places.config_file(env))


def data_directory(env: Mapping[str, str]) -> Path:
    """The directory that holds ``hfs.db``."""
    return Path(places.data_directory(env))


def cache_directory() -> Path:
    """The directory for what can be fetched again: weights, lists of models."""
    return Path(places.cache_directory())
