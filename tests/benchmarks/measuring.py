"""Run a command and say what it took."""

from __future__ import annotations

import os
import pty
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Took:
    """What one run took.

    Args:
        began: CLOCK_MONOTONIC, seconds.
        wall: Seconds from exec to exit.
        cpu: Seconds of user and system time.
        peak: Bytes of memory at the most.
    """

    began: float
    wall: float
    cpu: float
    peak: int


@dataclass(frozen=True, slots=True)
class Command:
    """A command line and its environment; on a terminal of its own if `terminal`."""

    argv: Sequence[str]
    env: Mapping[str, str]
    terminal: bool = False

    def run(self) -> Took:
        """Run it to the end.

        Raises:
            RuntimeError: It failed: a measurement of it would mean nothing.
        """
        if self.terminal:
            return self._run_on_terminal()
        return self._run(subprocess.DEVNULL, subprocess.DEVNULL)

    def _run(self, stdout: int, stderr: int) -> Took:
        began = time.monotonic()
        process = subprocess.Popen(
            self.argv, env=dict(self.env), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"exit {process.returncode}: {' '.join(self.argv)}")
        return Took(began, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)

    def _run_on_terminal(self) -> Took:
        master, slave = pty.openpty()
        reader = threading.Thread(target=_drain, args=(master,))
        reader.start()
        try:
            return self._run(slave, slave)
        finally:
            os.close(slave)
            reader.join()
            os.close(master)


def _drain(descriptor: int) -> None:
    try:
        while os.read(descriptor, 65536):
            pass
    except OSError:  # the last writer has gone (EIO)
        return


def interleaved(
    jobs: Mapping[str, Callable[[], float]], rounds: int, warm_ups: int = 1
) -> dict[str, float]:
    """The median of each job, all of them taking turns, so that a slow minute slows all."""
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(-warm_ups, rounds):
        for name, job in jobs.items():
            figure = job()
            if number >= 0:
                taken[name].append(figure)
    return {name: statistics.median(figures) for name, figures in taken.items()}


def build_environment(directory: Path, *requirements: str, python: str) -> Path:
    """A virtual environment with these installed, compiled to bytecode; its bin directory."""
    binaries = directory / "bin"
    if not binaries.exists():
        _quietly(python, "-m", "venv", str(directory))
    pip = (str(binaries / "python"), "-m", "pip", "--disable-pip-version-check", "-q")
    _quietly(*pip, "install", "--upgrade", *requirements)
    # A checkout of the same version counts as installed already.
    checkouts = [requirement for requirement in requirements if Path(requirement).is_dir()]
    if checkouts:
        _quietly(*pip, "install", "--force-reinstall", "--no-deps", *checkouts)
    return binaries


def _quietly(*argv: str) -> None:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(argv, check=True, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
