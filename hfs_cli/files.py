"""Files as hfs writes and reads them: private, whole, atomic; within limits.

Every file that hfs makes is 0600 and every directory 0700, whatever the umask. A file is written
under a temporary name beside its own, which it takes when it is complete: nobody ever reads half of
it, and a full disk leaves what was there before.

A file that a user names must be a regular one within a limit: `/dev/zero` has no end, and opening
a named pipe may block for ever.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO, Self

from hfs_cli.errors import HfsError, OutputError, UsageError

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700
_ABANDONED_S = 600.0
# A full disk, a quota that is used up, a limit on the size of files (ulimit -f).
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def refusing(failure: type[HfsError], what: str) -> Iterator[None]:
    """Turn an `OSError` of the block into one line for the user.

    Args:
        failure: The error to raise.
        what: What could not be done: ``cannot write FILE``.

    Raises:
        OutputError: The disk is full: one exit code, whatever was to be written.
        HfsError: `failure`, with the system's reason.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            failure = OutputError
        raise failure(f"{what}: {error.strerror or error}") from error


def _flags(*names: str) -> int:
    """Flags of `os.open`; those that a platform lacks are left out."""
    return sum(getattr(os, name, 0) for name in names)


_NEW = _flags("O_RDWR", "O_CREAT", "O_EXCL", "O_NOFOLLOW", "O_CLOEXEC")
_DIRECTORY = _flags("O_RDONLY", "O_DIRECTORY", "O_CLOEXEC")
# O_NONBLOCK: opening a named pipe would wait for a writer.
_READ = _flags("O_RDONLY", "O_NONBLOCK", "O_CLOEXEC")


def make_directory(path: Path) -> None:
    """Make a directory and those above it, each 0700; what exists keeps its mode.

    Raises:
        OSError: It cannot be made, or something else has its name; `filename` says which.
    """
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for directory in reversed(missing):
        try:
            directory.mkdir(PRIVATE_DIRECTORY)
            # A strict umask may have removed bits.
            directory.chmod(PRIVATE_DIRECTORY)
        except FileExistsError:
            if not directory.is_dir():  # otherwise another process was faster
                raise


def create(path: Path) -> None:
    """Make an empty private file; no link is followed and nothing truncated.

    Raises:
        OSError: It exists, or cannot be made.
    """
    os.close(_created(path))


def _created(path: Path) -> int:
    descriptor = os.open(path, _NEW, PRIVATE_FILE)
    try:
        os.chmod(descriptor, PRIVATE_FILE)  # noqa: PTH101  for the umask; pathlib takes no descriptor
    except OSError:
        os.close(descriptor)
        path.unlink(missing_ok=True)
        raise
    return descriptor


class NewFile:
    """A file that is written beside the name that it will take; a context manager.

    Unless `take_name` is called, nothing of it is left. What a kill leaves is removed when a later
    process begins such a file in the same directory.

    Args:
        target: The name to take. Its directory must exist.

    Raises:
        OSError: Nothing can be written there.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        with suppress(FileNotFoundError):
            if not stat.S_ISREG(target.stat().st_mode):  # never replace /dev/null
                raise FileExistsError(errno.EEXIST, "it is not a regular file", str(target))
        _tidied(target.parent)
        while True:
            # Not derived from the target's name, which may already have the greatest length.
            self.path = target.with_name(f".hfs-{os.urandom(8).hex()}.part")
            self._descriptor = _created(self.path)
            # The lock shows `remove_abandoned` that this file is in use. Until then it may go.
            if take_lock(self._descriptor, wait=False) and self.path.exists():
                break
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, data: bytes) -> None:
        """Add to it.

        Raises:
            OSError: The disk is full or broken.
        """
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def take_name(self, *, replace: bool, name: str | None = None, durable: bool = True) -> None:
        """Give the file its name in one step, after its content has reached the disk.

        Args:
            replace: Replace a file of that name. If not, exactly one of several processes that
                want the name gets it.
            name: Another name in the same directory; can be tried after one that was taken.
            durable: Wait for the disk. If not, a power cut may leave the file empty: for files of
                which there are many and that are soon made again.

        Raises:
            FileExistsError: The name is taken.
            OSError: The disk is full or broken.
        """
        if name is not None:
            self._target = self._target.with_name(name)
        if durable:
            os.fsync(self._descriptor)
        if replace:
            self.path.replace(self._target)
        else:
            self._link()
        if durable:
            with suppress(OSError):  # some file systems cannot sync a directory
                directory = os.open(self._target.parent, _DIRECTORY)
                try:
                    os.fsync(directory)
                finally:
                    os.close(directory)

    def _link(self) -> None:
        try:
            self._target.hardlink_to(self.path)
        except FileExistsError:
            raise
        except OSError:
            # A file system without hard links (FAT, some shares): claim the name, then replace it.
            create(self._target)
            self.path.replace(self._target)
        else:
            # Now, because a kill in the next step, which waits for the disk, would leave it.
            self.path.unlink()

    def close(self) -> None:
        """Remove the file if it has not taken its name."""
        os.close(self._descriptor)
        self.path.unlink(missing_ok=True)


def remove_abandoned(directory: Path) -> None:
    """Remove the unfinished files that killed processes have left in a directory."""
    with suppress(OSError):
        for file in directory.glob(f".hfs-{'[0-9a-f]' * 16}.part"):
            with suppress(OSError):
                _remove_if_abandoned(file)


# Once for each directory that a process writes in, which may hold many files.
_tidied = cache(remove_abandoned)


def _remove_if_abandoned(file: Path) -> None:
    flags = _flags("O_RDWR", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC")
    ours = os.open(file, flags)
    try:
        # Whoever writes it has locked it; the kernel releases the lock at a kill.
        if not take_lock(ours, wait=False):
            return
        other = os.open(file, flags)
        try:
            has_locks = not take_lock(other, wait=False)
        finally:
            os.close(other)
        # On a file system without locks everybody gets one, and only its age tells.
        if has_locks or time.time() - os.fstat(ours).st_mtime > _ABANDONED_S:
            for journal in file.parent.glob(f"{file.name}-*"):  # SQLite's, of a copy
                journal.unlink()
            file.unlink()
    finally:
        os.close(ours)


def write_file(path: Path, data: bytes, *, replace: bool, durable: bool = True) -> None:
    """Write a private file in one step, and make the directories above it.

    Args:
        replace: Replace a file of that name.
        durable: Wait for the disk; see `NewFile.take_name`.

    Raises:
        FileExistsError: The name is taken.
        OSError: It cannot be written; what was there before is untouched.
    """
    make_directory(path.parent)
    with NewFile(path) as new:
        new.write(data)
        new.take_name(replace=replace, durable=durable)


@contextmanager
def changing(file: Path, failure: type[HfsError]) -> Iterator[None]:
    """Hold a lock while the block reads, changes and writes a file; its directory is made.

    No other hfs is in such a block then; editors do not ask for the lock. The kernel releases it
    when a process dies. The directory is locked rather than the file, because a file that is
    replaced takes its lock with it.

    Args:
        file: The file, which need not exist.
        failure: The error to raise for an `OSError`.

    Raises:
        OutputError: The disk is full; the file is as it was.
        HfsError: `failure`; the file is as it was.
    """
    with refusing(failure, f"cannot write {file}"):
        make_directory(file.parent)
        descriptor = os.open(file.parent, _DIRECTORY)
        try:
            take_lock(descriptor)
            yield
        finally:
            os.close(descriptor)


def open_lock_file(path: Path) -> int:
    """Open a private file that serves as a lock, made empty if it does not exist.

    Returns:
        Its descriptor.

    Raises:
        OSError: It cannot be made, or is not a regular file.
    """
    with suppress(FileExistsError):
        create(path)
    descriptor = os.open(path, _flags("O_RDWR", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"))
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is not a regular file", str(path))


def take_lock(descriptor: int, *, wait: bool = True) -> bool:
    """Lock an open file; closing it releases the lock. POSIX only.

    Args:
        wait: Wait for the lock; a signal whose handler raises ends the wait.

    Returns:
        False if another process has the lock and `wait` is false. On a file system without locks
        (some network shares) everybody gets it.
    """
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
    return True


def release_lock(descriptor: int) -> None:
    """Release what `take_lock` took."""
    if sys.platform != "win32":
        import fcntl

        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def open_file(path: Path, *, pipes: bool = False, failure: type[HfsError] = UsageError) -> BinaryIO:
    """Open a file that a user named: a regular one, or ``/dev/null``.

    Args:
        path: The file.
        pipes: Accept a pipe too, such as a shell makes for ``<(command)``; one without a writer
            is empty.
        failure: The error to raise.

    Raises:
        HfsError: `failure`; it cannot be opened, or is something else.
    """
    try:
        descriptor = os.open(path, _READ)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        if getattr(error, "errno", None) in _NOT_OPENED and path.is_socket():
            raise failure(f"{path} is a socket: give a regular file") from error
        reason = getattr(error, "strerror", None) or error
        raise failure(f"cannot read {path}: {reason}") from error
    status = os.fstat(descriptor)
    is_pipe = stat.S_ISFIFO(status.st_mode)
    is_null = os.path.samestat(status, Path(os.devnull).stat())
    if not (stat.S_ISREG(status.st_mode) or is_null or (pipes and is_pipe)):
        os.close(descriptor)
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "a device")
        raise failure(f"{path} is {kind}: give a regular file")
    if is_pipe and sys.platform != "win32":
        os.set_blocking(descriptor, True)
    return os.fdopen(descriptor, "rb")


# The errors of opening a socket on Linux, which may also mean a missing device, and on macOS.
_NOT_OPENED = {errno.ENXIO, errno.EOPNOTSUPP}
_KINDS = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a named pipe"}


def read_file(
    path: Path,
    limit: int,
    *,
    absent: bytes | None = None,
    pipes: bool = False,
    failure: type[HfsError] = UsageError,
) -> bytes:
    """Read all of a file that a user named; see `open_file`.

    Args:
        limit: The most bytes to accept: ``/proc`` and pipes may have no end.
        absent: What to return if there is no such file; None if that is an error.

    Raises:
        HfsError: `failure`; it cannot be read, is not a regular file, or is too large.
    """
    try:
        with open_file(path, pipes=pipes, failure=failure) as stream:
            too_large = os.fstat(stream.fileno()).st_size > limit
            data = b"" if too_large else stream.read(limit + 1)
    except OSError as error:
        raise failure(f"cannot read {path}: {error.strerror}") from error
    except failure as error:
        if absent is None or not isinstance(error.__cause__, FileNotFoundError):
            raise
        return absent
    if too_large or len(data) > limit:
        most = f"{limit // 1_000_000} MB" if limit >= 1_000_000 else f"{limit} bytes"
        raise failure(f"{path} is over {most}, the most that is read")
    return data
