"""Where the platform keeps configuration, data and cache."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hfs_cli.errors import ConfigError


def config_file(env: Mapping[str, str]) -> Path:
    """The file that holds the configuration, whether or not it exists."""
    if env.get("HFS_CONFIG"):
        return Path(env["HFS_CONFIG"]).expanduser()
    return _platform_dir("config") / "config.toml"


def data_directory(env: Mapping[str, str]) -> Path:
    """The directory that holds ``hfs.db``."""
    if env.get("HFS_DATA_DIR"):
        return Path(env["HFS_DATA_DIR"]).expanduser().absolute()
    return _platform_dir("data")


def cache_directory() -> Path:
    """The directory for what can be fetched again: weights, lists of models."""
    return _platform_dir("cache")


def _platform_dir(kind: str) -> Path:
    from platformdirs import PlatformDirs

    dirs = PlatformDirs("hfs", appauthor=False)
    path = {"config": dirs.user_config_path, "data": dirs.user_data_path}.get(
        kind, dirs.user_cache_path
    )
    if not path.is_absolute():
        raise ConfigError(
            f"no home directory to keep the {kind} in: set HOME, or HFS_DATA_DIR and HFS_CONFIG"
        )
    return path
