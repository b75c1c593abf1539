"""What goes with a message: text files join the prompt, images, PDFs and sounds are attached."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from hfs_cli import notices
from hfs_cli.compose.input import (
    MAX_INPUT_BYTES,
    decode_text,
    is_text,
    media_type_of,
    without_last_newline,
)
from hfs_cli.errors import UsageError
from hfs_cli.files import read_file
from hfs_cli.messages import Attachment
from hfs_cli.wording import plural

_WILD = set("*?[")
_LARGEST_NAMED = 3


def read_files(
    given: tuple[str, ...], encoding: str | None
) -> tuple[tuple[str, ...], tuple[Attachment, ...]]:
    """Read files, directories and URLs.

    Args:
        given: Files, directories, patterns such as ``src/**/*.py``, or http(s) URLs.
        encoding: The encoding of the text files; UTF-8 if None.

    Returns:
        Each text file under its name as a heading; and the images, PDFs and sounds.

    Raises:
        UsageError: One cannot be read, is too large, or is of no kind that can be sent.
    """
    texts: list[str] = []
    attachments: list[Attachment] = []
    sizes: dict[str, int] = {}
    for name in given:
        if name.startswith(("http://", "https://")):
            from hfs_cli.compose.web import read_url

            found = read_url(name, encoding, MAX_INPUT_BYTES - sum(sizes.values()))
            if isinstance(found, Attachment):
                attachments.append(found)
                sizes[name] = len(found.data or b"")
            else:
                texts.append(found)
                sizes[name] = len(found.encode())
        elif os.path.isdir(name):  # noqa: PTH112  a Path refuses a name that is too long
            texts += _read_directory(Path(name), encoding, sizes)
        else:
            for path in _matching(name):
                data = _read(path, sizes)
                # A file's name may be any bytes; what is sent and kept has to be text.
                shown = os.fsencode(path.name if str(path) == name else path)
                heading = shown.decode("utf-8", "replace")
                if media_type := media_type_of(data):
                    attachments.append(Attachment(heading, media_type, data))
                else:
                    texts.append(f"## {heading}\n\n{_text(data, str(path), encoding)}")
    return tuple(texts), tuple(attachments)


def _matching(name: str) -> list[Path]:
    """The file of that name, or the files that match it as a pattern."""
    if re.match(r"[a-z][a-z0-9+.-]+://", name, re.IGNORECASE) and not os.path.lexists(name):
        raise UsageError(f"{name} is not fetched: only http:// and https:// addresses are")
    if not set(name) & _WILD or os.path.lexists(name):
        return [Path(name)]
    names = glob.glob(name, recursive=True)  # noqa: PTH207  a Path takes no absolute pattern
    found = sorted(path for path in map(Path, names) if path.is_file())
    if not found:
        raise UsageError(f"no file matches {name}")
    return found


def _read(path: Path, sizes: dict[str, int]) -> bytes:
    data = read_file(path, MAX_INPUT_BYTES, pipes=True)
    sizes[str(path)] = len(data)
    if sum(sizes.values()) > MAX_INPUT_BYTES:
        largest = sorted(sizes, key=lambda name: -sizes[name])[:_LARGEST_NAMED]
        named = ", ".join(f"{name} ({sizes[name] / 1_000_000:.1f} MB)" for name in largest)
        raise UsageError(
            f"the files are over {MAX_INPUT_BYTES // 1_000_000} MB together; the largest: {named}"
        )
    return data


def _read_directory(directory: Path, encoding: str | None, sizes: dict[str, int]) -> list[str]:
    """The text files below a directory; other files are left out, with a warning."""
    texts, left_out = [], 0
    for path in _listed(directory):
        data = _read(path, sizes)
        if is_text(data) or (encoding is not None and b"\0" not in data):
            heading = os.fsencode(path).decode("utf-8", "replace")
            texts.append(f"## {heading}\n\n{_text(data, str(path), encoding)}")
        else:
            left_out += bool(data)
    if left_out:
        notices.warn(
            f"{plural(left_out, 'file')} in {directory} left out: not UTF-8 text"
            " (give an image, a PDF or a sound by its own -f)"
        )
    if not texts:
        raise UsageError(f"{directory} holds no text file")
    return texts


def _listed(directory: Path) -> Iterator[Path]:
    """Yield the regular files below a directory as git sees them; outside git, all but hidden ones.

    Links are not followed: they may lead out of the directory.
    """
    names = _in_git(directory)
    if names is None:
        found: list[Path] = []
        for above, directories, files in os.walk(directory):
            directories[:] = [name for name in directories if not name.startswith(".")]
            found += [Path(above, name) for name in files if not name.startswith(".")]
        names = sorted(str(path.relative_to(directory)) for path in found)
    for name in names:
        path = directory / name
        if stat.S_ISREG(path.lstat().st_mode):
            yield path


def _in_git(directory: Path) -> list[str] | None:
    """The tracked files and the new ones that are not ignored; None outside a work tree."""
    import subprocess

    # A repository's own settings must not start programs: fsmonitor would.
    command = ["git", "-C", str(directory), "-c", "core.fsmonitor=false", "ls-files", "-z"]
    try:
        done = subprocess.run(  # noqa: S603
            [*command, "--cached", "--others", "--exclude-standard"],
            capture_output=True,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except OSError:  # no git on this machine
        return None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        if "not a git repository" in said:
            return None
        # Not to be read another way: what git ignores would be sent.
        raise UsageError(f"git cannot list {directory}: {said.partition(chr(10))[0]}")
    names = {os.fsdecode(name) for name in done.stdout.split(b"\0") if name}
    # A file that was deleted without a commit is still tracked.
    return sorted(name for name in names if os.path.lexists(directory / name))


def _text(data: bytes, path: str, encoding: str | None) -> str:
    if not data.strip():
        raise UsageError(f"{path} is empty: there is nothing to send")
    if encoding is None and b"\0" in data:
        raise UsageError(f"{path} is neither text nor an image, a PDF or a sound that can be sent")
    return without_last_newline(decode_text(data, path, encoding))
