"""Configuration, data and cache are where platformdirs would have them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from platformdirs import PlatformDirs

from hfs_cli import places
from hfs_cli.errors import ConfigError

VARIABLES = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")
VALUES = (None, "", "/", "/some where", "/trailing/", "relative", "~/x")


def ours(kind: str) -> str | None:
    try:
        return places._platform_directory(kind)
    except ConfigError:
        return None


def theirs(kind: str) -> str | None:
    """What platformdirs says; newer versions raise where older ones give a relative path."""
    try:
        path = getattr(PlatformDirs("hfs", appauthor=False), f"user_{kind}_dir")
    except RuntimeError:
        return None
    return path if path.startswith("/") else None


@pytest.mark.parametrize("home", VALUES)
@pytest.mark.parametrize("xdg", VALUES)
def test_the_answer_is_that_of_platformdirs(home, xdg, monkeypatch):
    for variable, value in zip(VARIABLES, (home, xdg, xdg, xdg), strict=True):
        if value is None:
            monkeypatch.delenv(variable, raising=False)
        else:
            monkeypatch.setenv(variable, value)
    for kind in ("config", "data", "cache"):
        assert ours(kind) == theirs(kind)


def test_platformdirs_is_not_loaded_where_home_is_plain(tmp_path):
    code = (
        "import os, sys; from hfs_cli import places;"
        "places.data_directory(os.environ); places.config_file(os.environ);"
        "places.cache_directory();"
        "sys.exit('platformdirs' in sys.modules or 'pathlib' in sys.modules)"
    )
    if sys.platform != "linux":
        pytest.skip("elsewhere platformdirs answers")
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run([sys.executable, "-S", "-c", code], env=env, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("given", "found"), [("/d", "/d"), ("~/d", "/home/u/d"), ("d", f"{Path.cwd()}/d")]
)
def test_a_directory_that_is_named_wins_and_is_absolute(given, found, monkeypatch):
    monkeypatch.setenv("HOME", "/home/u")
    assert places.data_directory({"HFS_DATA_DIR": given}) == found
