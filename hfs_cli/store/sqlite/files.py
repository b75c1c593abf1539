"""The database's file and directory: made private, and refused when they are anything else."""

import os
import stat
from pathlib import Path

from hfs_cli.errors import StoreError

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700


def is_there(path: Path) -> bool:
    """Whether there is a database file.

    A symbolic link to a regular file is followed, as SQLite does; its write-ahead log then
    lives beside the target.

    Raises:
        StoreError: There is something else by that name, or it cannot be looked at.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if path.is_symlink():
            raise StoreError(
                f"the database {path} is a symbolic link to nothing: remove it"
            ) from None
        return False
    except OSError as error:
        raise _unusable(path, error) from error
    if not stat.S_ISREG(mode):
        raise StoreError(f"the database {path} is not a regular file: move it away")
    return True


def create(path: Path) -> None:
    """Make an empty file that only its owner can read, unless it is there already.

    Nothing is followed and nothing truncated, whatever the umask; SQLite gives its -wal and
    -shm files the same mode.

    Raises:
        StoreError: The directory or the file cannot be made.
    """
    make_directory(path.parent)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, PRIVATE_FILE)
    except FileExistsError:
        is_there(path)
        return
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        # A strict umask may have taken bits away.
        os.fchmod(descriptor, PRIVATE_FILE)
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Make a directory and those above it, each 0700; what exists keeps its mode.

    Raises:
        StoreError: It cannot be made, or something else has its name.
    """
    missing = []
    try:
        while not path.is_dir():
            missing.append(path)
            path = path.parent
        for directory in reversed(missing):
            _make_one(directory)
    except OSError as error:
        raise _unusable(missing[0] if missing else path, error) from error


def _make_one(directory: Path) -> None:
    try:
        directory.mkdir(PRIVATE_DIRECTORY)
    except FileExistsError:
        if not directory.is_dir():  # else another process was faster
            raise


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that only its owner can read, all the way to the disk.

    Raises:
        OSError: It exists, or cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, PRIVATE_FILE), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def too_open(path: Path) -> list[str]:
    """Tell of files and directories of the database that others can read."""
    siblings = (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm"))
    return [
        f"{file} can be read by others: chmod {wanted:o} {file}"
        for file, wanted in ((path.parent, 0o700), *((s, 0o600) for s in siblings))
        if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077
    ]


def _unusable(path: Path, error: OSError) -> StoreError:
    reason = error.strerror or str(error)
    return StoreError(
        f"cannot use {path} for the database: {reason}; HFS_DATA_DIR names another directory"
    )
