"""The platform's directories for configuration, data and cache, found without heavy imports.

Every command and every press of Tab needs them, so the usual cases on Linux are handled here, after
the XDG base directory specification. The rest is left to platformdirs, whose import takes longer
than a whole completion may.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing's own costs 5 ms
if TYPE_CHECKING:
    from collections.abc import Mapping

# https://specifications.freedesktop.org/basedir-spec/latest/
_XDG = {
    "config": ("XDG_CONFIG_HOME", ".config"),
    "data": ("XDG_DATA_HOME", ".local/share"),
    "cache": ("XDG_CACHE_HOME", ".cache"),
}


def config_file(env: Mapping[str, str]) -> str:
    """The file that holds the configuration, whether or not it exists."""
    if env.get("HFS_CONFIG"):
        return _named("HFS_CONFIG", env["HFS_CONFIG"])
    return _platform_directory("config") + "/config.toml"


def data_directory(env: Mapping[str, str]) -> str:
    """The directory that holds ``hfs.db``."""
    if env.get("HFS_DATA_DIR"):
        return _named("HFS_DATA_DIR", env["HFS_DATA_DIR"])
    return _platform_directory("data")


def _named(variable: str, path: str) -> str:
    """The absolute path that a variable names."""
    given = os.path.expanduser(path)  # noqa: PTH111  (pathlib takes 8 ms)
    if given.startswith("/"):
        return given
    from hfs_cli.errors import ConfigError

    if given.startswith("~"):
        raise ConfigError(f"{variable}={path}: there is no home directory of that name")
    try:
        # Not abspath(): if there are links, removing ".." could lead elsewhere.
        return os.path.join(os.getcwd(), given)  # noqa: PTH109, PTH118
    except FileNotFoundError:
        raise ConfigError(
            f"{variable}={path} is relative and the current directory is gone: cd to another one"
        ) from None


def cache_directory() -> str:
    """The directory for what can be fetched again: weights, lists of models."""
    return _platform_directory("cache")


def _platform_directory(kind: str) -> str:
    if sys.platform == "linux" and "ANDROID_ROOT" not in os.environ:
        variable, below_home = _XDG[kind]
        base, home = os.environ.get(variable, ""), os.environ.get("HOME", "")
        if base.startswith("/"):
            return f"{base.rstrip('/')}/hfs"
        if home.startswith("/"):
            return f"{home.rstrip('/')}/{below_home}/hfs"
    return _asked(kind)


def _asked(kind: str) -> str:
    from platformdirs import PlatformDirs

    from hfs_cli.errors import ConfigError

    dirs = PlatformDirs("hfs", appauthor=False)
    try:
        path: str = getattr(dirs, f"user_{kind}_dir")
    except RuntimeError:  # newer versions of it; older ones return a relative path
        path = ""
    if not os.path.isabs(path):  # noqa: PTH117
        raise ConfigError(
            f"no home directory to keep the {kind} in: set HOME, or HFS_DATA_DIR and HFS_CONFIG"
        )
    return path
