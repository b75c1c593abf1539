"""Programs and MCP servers that behave as a test wants them to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SERVER = Path(__file__).with_name("mcp_server.py")


@dataclass
class Scripted:
    """`tests/tools/mcp_server.py` with its state; see there."""

    state: Path

    @property
    def argv(self) -> tuple[str, ...]:
        return (sys.executable, "-S", str(SERVER), str(self.state))

    def behave(self, **how: Any) -> None:
        (self.state / "behaviour.json").write_text(json.dumps(how))

    def table(self, name: str = "scripted", **more: Any) -> str:
        """Its ``[mcp.NAME]`` table."""
        given = {"command": self.argv[0], "args": list(self.argv[1:]), **more}
        lines = [f"{key} = {json.dumps(value)}" for key, value in given.items()]
        return "\n".join([f"[mcp.{name}]", *lines, ""])

    def heard(self, method: str) -> int:
        """How many messages of a method it was sent."""
        path = self.state / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        return sum(json.loads(line).get("method") == method for line in lines)


@pytest.fixture
def scripted(tmp_path) -> Scripted:
    """A scripted MCP server, which offers ``echo`` unless told otherwise."""
    state = tmp_path / "server"
    state.mkdir()
    return Scripted(state)


def wait_until(happened, seconds: float = 120) -> None:
    """Return when something is so; a test that waits in vain fails."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def wait_until_open(process: subprocess.Popen[bytes], file: Path) -> None:
    """Return when a process has opened a file; without /proc, when it should have by far."""
    if sys.platform != "linux":
        time.sleep(5)
        return

    def is_open() -> bool:
        assert process.poll() is None, "it has ended"
        with suppress(OSError):  # one was closed meanwhile
            entries = list(Path(f"/proc/{process.pid}/fd").iterdir())
            return str(file.resolve()) in map(os.readlink, entries)
        return False

    wait_until(is_open)


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
