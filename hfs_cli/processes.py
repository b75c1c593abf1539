"""Run programs that hfs exchanges data with: tools and MCP servers. POSIX only.

Each has a session and a process group of its own, so it has no terminal to read or to write,
and all that it starts is ended with it.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple, Self

# Marks the environment of each program: a process that leaves the group still bears it.
RUN_VARIABLE = "HFS_RUN"
# Variables that every program gets.
INHERITED = (
    *("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ"),
    "USER",
)
ERRORS_KEPT = 4000
# Waits until nobody holds the other end of its standard input, and ends what hfs has left behind:
# the group whose leader it is given, and on Linux all that bear the mark.
_GUARD = """\
read -r leader
read -r nothing
[ "$leader" ] && kill -s KILL -- "-$leader"
for again in 1 2 3; do
  for file in $(grep -ls "$1" /proc/[0-9]*/environ); do
    file=${file#/proc/}
    kill -s KILL "${file%/environ}"
  done
done
"""
# A program has run away if it prints this many times as much as is kept of it.
_MOST_PRINTED = 100
# Seconds that a program has to end once asked to, and that its children have to fall silent.
_GRACE_S = 0.3


class Completed(NamedTuple):
    """What came of a program's run.

    Args:
        status: Its exit status; minus the number of the signal that ended it.
        output: The beginning of what it printed.
        size: How many bytes it printed in all.
        errors: The end of what it printed on standard error.
        cut: Why it was ended before it ended itself; empty where it was not.
    """

    status: int
    output: bytes
    size: int
    errors: bytes
    cut: str


def program_environment(env: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """The environment of a program: what every program gets, and what the user has named.

    Args:
        env: The environment of hfs.
        names: Variables that the user has named for it.
    """
    return {name: env[name] for name in (*INHERITED, *names) if name in env}


def converse(
    words: Sequence[str],
    given: bytes,
    *,
    env: Mapping[str, str],
    cwd: str | None,
    seconds: float,
    keep: int,
    stopped: Callable[[], bool],
) -> Completed:
    """Run a program without a shell: bytes in, bytes out. From any thread.

    Args:
        words: The program and its arguments.
        given: What comes on its standard input.
        env: Its whole environment.
        cwd: The directory in which it runs, or None for this one.
        seconds: How long it may take.
        keep: How many bytes of its output are kept; a hundred times as many end it.
        stopped: Asked every few hundredths of a second whether to end it.

    Raises:
        OSError, ValueError: It cannot be run.
    """
    mark = os.urandom(8).hex()
    with (
        Guard(mark) as guard,
        subprocess.Popen(  # noqa: S603  the user's own command
            words,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**env, RUN_VARIABLE: mark},
            cwd=cwd,
            start_new_session=True,
        ) as process,
    ):
        guard.watch(process.pid)
        talk = _Talk(process, given, keep)
        try:
            cut = talk.go_on(time.monotonic() + seconds, f"it took over {seconds:g} s", stopped)
            if cut:
                ask_to_end(process.pid)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_GRACE_S)
        finally:
            end_all_of(process.pid, mark)
        return Completed(process.wait(), bytes(talk.output), talk.size, talk.errors, cut)


class Guard:
    """A process that ends a program when hfs is gone, even after an uncatchable `kill -9`.

    It is there before the program is, so there is no moment at which hfs leaves it behind. A
    shell: it is there in a millisecond, and while it waits it takes next to nothing.

    Args:
        mark: The value of `RUN_VARIABLE` in the environment of all that belong to the program.
    """

    def __init__(self, mark: str) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        with suppress(OSError):  # without one, the program is merely not ended
            self._process = subprocess.Popen(  # noqa: S603  nothing of it comes from outside
                ("/bin/sh", "-c", _GUARD, "hfs", f"{RUN_VARIABLE}={mark}"),
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={"PATH": os.defpath},
                cwd="/",
                start_new_session=True,
            )

    def watch(self, leader: int) -> None:
        """Tell the guard which process group to watch."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.write(b"%d\n" % leader)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Release the program, which has ended."""
        if self._process is not None:
            with self._process as process:
                process.kill()


class _Talk:
    """The exchange with a program over all three pipes at once.

    A program may print before it has read everything, may read nothing, and may leave a child
    behind that holds its pipes: none of it makes the other side wait.
    """

    def __init__(self, process: subprocess.Popen[bytes], given: bytes, keep: int) -> None:
        assert process.stdin and process.stdout and process.stderr
        self._process = process
        self._rest = memoryview(given)
        self._keep = keep
        self.output = bytearray()
        self.size = 0
        self.errors = b""
        self._pipes = selectors.DefaultSelector()
        if sys.platform != "win32":
            os.set_blocking(process.stdin.fileno(), False)
        self._pipes.register(process.stdin, selectors.EVENT_WRITE, self._feed)
        self._pipes.register(process.stdout, selectors.EVENT_READ, self._hear)
        self._pipes.register(process.stderr, selectors.EVENT_READ, self._hear_errors)

    def go_on(self, deadline: float, late: str, stopped: Callable[[], bool]) -> str:
        """Talk until the program has ended, or has to be ended.

        Returns:
            Why it has to; empty where it has ended.
        """
        over = False
        with self._pipes as pipes:
            while True:
                if stopped():
                    return "hfs was interrupted"
                if self.size > self._keep * _MOST_PRINTED:
                    return f"it printed over {self._keep * _MOST_PRINTED:,} bytes"
                if time.monotonic() >= deadline:
                    return "" if over else late
                if not over and self._process.poll() is not None:
                    # All that it printed is in the pipes. Its children may hold them open;
                    # they are not waited for.
                    over, deadline = True, time.monotonic() + _GRACE_S
                if not pipes.get_map():
                    if over:
                        return ""
                    time.sleep(0.01)
                    continue
                ready = pipes.select(0 if over else 0.05)
                if over and not ready:
                    return ""
                for key, _ in ready:
                    if not key.data(key.fd):
                        pipes.unregister(key.fileobj)
                        # The end of its standard input tells a program that this was all.
                        key.fileobj.close()  # type: ignore[union-attr]

    def _feed(self, descriptor: int) -> bool:
        with suppress(BlockingIOError):
            try:
                self._rest = self._rest[os.write(descriptor, self._rest[: 1 << 16]) :]
            except BrokenPipeError:  # it need not read what it is given
                return False
        return bool(self._rest)

    def _hear(self, descriptor: int) -> bool:
        piece = os.read(descriptor, 1 << 16)
        self.size += len(piece)
        self.output += piece[: self._keep - len(self.output)]
        return bool(piece)

    def _hear_errors(self, descriptor: int) -> bool:
        piece = os.read(descriptor, 1 << 16)
        self.errors = (self.errors + piece)[-ERRORS_KEPT:]
        return bool(piece)


def ask_to_end(leader: int) -> None:
    """Ask all processes of a group to end."""
    if sys.platform != "win32":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGTERM)


def end_all_of(leader: int, mark: str) -> None:
    """End all processes of a group, and on Linux those that have left it.

    Args:
        leader: The group's number.
        mark: The value of `RUN_VARIABLE` in the environment of all that belong to it.
    """
    if sys.platform == "win32":
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    if sys.platform != "linux":
        return
    wanted = f"{RUN_VARIABLE}={mark}".encode()
    for _ in range(5):  # what they start in the meantime is found the next time
        running = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
        found = [pid for pid in running if wanted in _environment(pid)]
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return


def _environment(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123  many, in a hurry
            return file.read()
    except OSError:  # another user's, or ended meanwhile
        return b""
