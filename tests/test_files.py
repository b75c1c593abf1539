"""Files are private, whole and atomic; what a user names is read within limits."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest

from hfs_cli.errors import ConfigError, UsageError
from hfs_cli.files import (
    NewFile,
    changing,
    make_directory,
    open_file,
    open_lock_file,
    read_file,
    remove_abandoned,
    take_lock,
    write_file,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o777])
def umask(request, tmp_path):  # pytest makes the directory first, with rights of its own
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_files_and_new_directories_are_private_whatever_the_umask(tmp_path):
    write_file(tmp_path / "a/b/c", b"x", replace=False)
    assert [mode(tmp_path / p) for p in ("a", "a/b", "a/b/c")] == [0o700, 0o700, 0o600]


def test_a_directory_that_exists_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o755)
    make_directory(tmp_path / "new")
    assert mode(tmp_path) == 0o755


def test_what_has_a_directorys_name_and_is_not_one_is_refused(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        with pytest.raises(FileExistsError, match=name):
            make_directory(tmp_path / name)


def test_a_file_has_reached_the_disk_before_it_has_its_name_and_its_name_after_that(
    tmp_path, monkeypatch
):
    target, seen = tmp_path / "f", []

    def fsync(descriptor):
        kind = "directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        seen.append((kind, target.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    write_file(target, b"x", replace=False)
    assert seen == [("file", False), ("directory", True)]
    write_file(tmp_path / "other", b"x", replace=False, durable=False)
    assert len(seen) == 2


def left_unfinished(target: Path) -> Path:
    """What a kill leaves of a file that was being written."""
    new = NewFile(target)
    os.close(new._descriptor)  # as the kernel does
    return new.path


def test_what_killed_processes_have_left_is_removed_and_nothing_else(tmp_path):
    gone, made = left_unfinished(tmp_path / "f"), NewFile(tmp_path / "f")
    journal = gone.with_name(f"{gone.name}-journal")
    other = tmp_path / ".hfs-notes.part"
    for file in (journal, other):
        file.touch()
    for file in (made.path, other):
        os.utime(file, (0, 0))
    remove_abandoned(tmp_path)
    assert set(tmp_path.iterdir()) == {made.path, other}
    made.close()


def test_what_a_killed_process_has_left_goes_with_the_next_file_there(tmp_path):
    left_unfinished(tmp_path / "f")
    program = """if True:
        import sys
        from pathlib import Path
        from hfs_cli.files import write_file
        write_file(Path(sys.argv[1]), b"", replace=True)
    """
    subprocess.run([sys.executable, "-c", program, tmp_path / "g"], check=True)
    assert [file.name for file in tmp_path.iterdir()] == ["g"]


@pytest.mark.parametrize("replace", [False, True])
def test_a_kill_while_the_disk_writes_a_name_down_leaves_one_name(tmp_path, replace):
    program = """if True:
        import os, signal, stat, sys
        from pathlib import Path
        from hfs_cli.files import write_file
        fsync = os.fsync
        def killed(descriptor):
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                os.kill(os.getpid(), signal.SIGKILL)
            fsync(descriptor)
        os.fsync = killed
        write_file(Path(sys.argv[1]), b"whole", replace=sys.argv[2] == "True")
    """
    argv = [sys.executable, "-c", program, tmp_path / "f", str(replace)]
    assert subprocess.run(argv, check=False).returncode == -signal.SIGKILL
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("f", b"whole")]


def test_without_locks_only_the_age_tells_what_was_left(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", Mock(side_effect=OSError(errno.ENOLCK, "no locks")))
    old, young = (left_unfinished(tmp_path / "f") for _ in range(2))
    os.utime(old, (0, 0))
    remove_abandoned(tmp_path)
    assert list(tmp_path.iterdir()) == [young]


def test_a_new_file_that_is_taken_for_one_left_behind_is_made_again(tmp_path, monkeypatch):
    flock = fcntl.flock

    def first_of_another(descriptor, how):
        monkeypatch.setattr(fcntl, "flock", flock)
        remove_abandoned(tmp_path)
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", first_of_another)
    write_file(tmp_path / "f", b"x", replace=False)
    assert [file.name for file in tmp_path.iterdir()] == ["f"]


def test_a_file_that_cannot_be_made_private_is_not_left(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "chmod", Mock(side_effect=OSError(errno.EIO, "no")))
    with pytest.raises(OSError, match="no"):
        NewFile(tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


def test_a_link_that_looks_like_something_left_behind_is_not_followed(tmp_path):
    (tmp_path / "file").touch()
    link = tmp_path / f".hfs-{'0' * 16}.part"
    link.symlink_to(tmp_path / "file")
    os.utime(link, (0, 0), follow_symlinks=False)
    remove_abandoned(tmp_path)
    assert set(tmp_path.iterdir()) == {tmp_path / "file", link}


def test_a_failure_leaves_what_was_there_and_nothing_beside_it(tmp_path):
    target = tmp_path / "f"
    target.write_bytes(b"before")
    with pytest.raises(ZeroDivisionError), NewFile(target) as new:
        new.write(b"half")
        raise ZeroDivisionError
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_name_may_be_as_long_as_the_file_system_takes(tmp_path):
    target = tmp_path / ("n" * 255)
    write_file(target, b"x", replace=False)
    write_file(target, b"y", replace=True)
    assert target.read_bytes() == b"y"


def test_a_device_or_a_pipe_is_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "pipe", b"x", replace=True)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_of_many_who_want_a_new_name_one_gets_it(tmp_path):
    won = []

    def claim(number: int) -> None:
        try:
            write_file(tmp_path / "f", str(number).encode(), replace=False)
        except FileExistsError:
            return
        won.append(number)

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert (tmp_path / "f").read_bytes() == str(won[0]).encode()


def test_where_there_are_no_links_a_taken_name_is_still_refused(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    write_file(tmp_path / "f", b"first", replace=False)
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "f", b"second", replace=False)
    assert (tmp_path / "f").read_bytes() == b"first"


def test_another_name_may_be_taken_after_one_that_was_taken(tmp_path):
    (tmp_path / "f").write_text("theirs")
    with NewFile(tmp_path / "f") as new:
        new.write(b"mine")
        with pytest.raises(FileExistsError):
            new.take_name(replace=False)
        new.take_name(replace=False, name="f-2")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"f": "theirs", "f-2": "mine"}


def test_a_lock_keeps_others_out_and_ends_with_the_block(tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    with changing(tmp_path / "f", UsageError):
        assert not take_lock(descriptor, wait=False)
    assert take_lock(descriptor, wait=False)
    os.close(descriptor)


def test_what_is_locked_is_a_private_file_and_never_what_a_link_or_a_pipe_leads_to(tmp_path):
    os.close(open_lock_file(tmp_path / "lock"))
    assert mode(tmp_path / "lock") == 0o600
    os.close(open_lock_file(tmp_path / "lock"))
    (tmp_path / "link").symlink_to(tmp_path / "lock")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(OSError, match=name):
            open_lock_file(tmp_path / name)


def test_devices_and_pipes_are_not_files_to_read(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    # Bound by its bare name: the whole path of a socket may have about 100 bytes.
    monkeypatch.chdir(tmp_path)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("socket")
    listening.close()
    for path, kind in (
        (tmp_path / "pipe", "is a named pipe: give"),
        (tmp_path / "socket", "is a socket: give"),
        (Path("/dev/zero"), "is a device: give"),
        (tmp_path, "is a directory: give"),
    ):
        with pytest.raises(ConfigError, match=kind):
            read_file(path, 10, failure=ConfigError)
    assert read_file(Path("/dev/null"), 10) == b""


def test_a_file_is_read_up_to_its_limit(tmp_path):
    (tmp_path / "f").write_bytes(b"0123456789")
    assert read_file(tmp_path / "f", 10) == b"0123456789"
    with pytest.raises(UsageError, match="over"):
        read_file(tmp_path / "f", 9)
    with pytest.raises(UsageError, match="over"):  # a file of /proc says that it has no size
        read_file(Path("/proc/self/environ"), 1)


def test_a_pipe_is_read_to_its_end_where_it_is_allowed(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert read_file(tmp_path / "pipe", 10, pipes=True) == b""  # nobody writes to it
    reader, writer = os.pipe()
    os.write(writer, b"from ")

    def go_on():
        os.write(writer, b"a shell")
        os.close(writer)

    threading.Timer(0.05, go_on).start()
    assert read_file(Path(f"/dev/fd/{reader}"), 100, pipes=True) == b"from a shell"
    os.close(reader)


@pytest.mark.parametrize("name", ["absent", "nul\0", "long" * 100, "file/in"])
def test_what_cannot_be_opened_is_named(tmp_path, name):
    for read in (open_file, partial(read_file, limit=10)):
        with pytest.raises(UsageError, match="cannot read"):
            read(tmp_path / name)
