"""Write an export to a file: private, whole, and never over another one unasked."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from hfs_cli.errors import OutputError, UsageError


def write_file(path: Path, pieces: Iterable[str], *, force: bool) -> None:
    """Write a new file that only its owner can read.

    Args:
        path: Where; a link there is not followed.
        pieces: The text.
        force: Replace a regular file that is there.

    Raises:
        UsageError: There is something of that name.
        OutputError: It cannot be written; nothing is left behind.
    """
    if os.path.lexists(path) and not (force and path.is_file() and not path.is_symlink()):
        hint = "" if force else ": --force replaces a file, or choose another name"
        raise UsageError(f"{path} exists{hint}")
    # Under another name until it is whole, so that a failure leaves what was there.
    partial = path.with_name(f".{path.name[:200]}.part-{os.getpid()}")
    try:
        _write(partial, pieces)
        if force:
            partial.replace(path)
        else:
            # link() refuses what has come to be there meanwhile.
            path.hardlink_to(partial)
    except FileExistsError:
        raise UsageError(f"{path} exists: --force replaces a file") from None
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def _write(path: Path, pieces: Iterable[str]) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", newline="") as stream:
        stream.writelines(pieces)
