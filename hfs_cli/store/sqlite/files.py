"""The database's file: made private, and refused when it is anything else."""

import stat
from pathlib import Path

from hfs_cli.errors import StoreError
from hfs_cli.files import PRIVATE_DIRECTORY, PRIVATE_FILE, make_directory
from hfs_cli.files import create as create_file


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

    SQLite gives its -wal and -shm files the same mode.

    Raises:
        StoreError: The directory or the file cannot be made.
    """
    try:
        make_directory(path.parent)
        create_file(path)
    except FileExistsError as error:
        if error.filename != str(path):
            raise _unusable(Path(error.filename), error) from error
        is_there(path)
    except OSError as error:
        raise _unusable(Path(error.filename or path), error) from error


def too_open(path: Path) -> list[str]:
    """Tell of files and directories of the database that others can read."""
    siblings = (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm"))
    return [
        f"{file} can be read by others: chmod {wanted:o} {file}"
        for file, wanted in (
            (path.parent, PRIVATE_DIRECTORY),
            *((sibling, PRIVATE_FILE) for sibling in siblings),
        )
        if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077
    ]


def _unusable(path: Path, error: OSError) -> StoreError:
    reason = error.strerror or str(error)
    return StoreError(
        f"cannot use {path} for the database: {reason}; HFS_DATA_DIR names another directory"
    )
