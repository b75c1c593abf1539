"""A real pseudo-terminal to run things in, and an emulator to see what a person sees."""

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path

import pyte

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Seen:
    """What came out of a program that ran in a terminal.

    Args:
        raw: The bytes that the terminal received.
        lines: Scrollback and screen as text, trailing blanks removed.
        code: The exit code.
    """

    raw: bytes
    lines: list[str]
    code: int


def emulate(raw, columns=80, rows=24):
    """Scrollback and screen of a terminal that received `raw`."""
    screen = pyte.HistoryScreen(columns, rows, history=100_000, ratio=0.5)
    pyte.ByteStream(screen).feed(raw)
    top = ["".join(line[x].data for x in range(columns)).rstrip() for line in screen.history.top]
    lines = [*top, *(line.rstrip() for line in screen.display)]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def run_in_terminal(code, *args, columns=80, rows=24, env=None):
    """Run Python code with a terminal for standard input, output and error."""
    environment = {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "PATH": os.environ["PATH"]}
    # What is run here counts as run when coverage is measured.
    environment |= {name: value for name, value in os.environ.items() if "COVERAGE" in name}
    argv = [sys.executable, "-c", code, *args]
    return spawn(argv, environment | (env or {}), columns=columns, rows=rows)


def spawn(argv, env, *, columns=80, rows=24, typed=b""):
    """Run a program with a terminal for standard input, output and error.

    What is typed is typed ahead.
    """
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        argv, stdin=terminal, stdout=terminal, stderr=terminal, env=env, start_new_session=True
    )
    os.write(controller, typed)
    os.close(terminal)
    raw = b""
    # EIO: the last one to have the terminal open has gone.
    with contextlib.suppress(OSError):
        while chunk := os.read(controller, 65536):
            raw += chunk
    os.close(controller)
    return Seen(raw, emulate(raw, columns, rows), process.wait())


TURN = """
import json, sys, threading, time
from hfs_cli import notices
from hfs_cli.errors import HfsError, IncompleteReplyError
from hfs_cli.messages import Call, Citation, Opened, Outcome, Reply, Session, Usage
from hfs_cli.render.reply.choose import View, make_renderer
from datetime import datetime, timezone

drawn, write = threading.Event(), notices.write
notices.write = lambda text: (write(text), drawn.set())
plan = json.loads(sys.argv[1])
renderer = make_renderer(View(**plan.get("options", {})), tools=plan.get("tools", False))
now = datetime(2026, 11, 22, 18, 5, tzinfo=timezone.utc)
session = Session(12, "a" * 32, plan.get("name", "wal"), "m", 2, now, now)
renderer.opened(Opened(session, 1, (), None))
text = ""
try:
    for kind, piece in plan["events"]:
        if kind == "wait":
            time.sleep(piece)
        elif kind == "drawn":  # a spinner that starts now has been drawn
            drawn.clear()
            renderer.waiting()
            drawn.wait(60)
        elif kind == "spun":  # the spinner has been drawn since the beginning
            drawn.wait(piece)
        elif kind in {"called", "returned"}:
            times = {"started_at": now, "ended_at": now} if kind == "returned" else {}
            getattr(renderer, kind)(Call(**piece, **times))
            text = ""
        elif kind == "waiting":
            renderer.waiting()
        else:
            getattr(renderer, kind)(piece)
            text += piece if kind == "text" else ""
    times = {"total_s": 2.0, "first_token_s": 1.0}
    reply = Reply(text, "m", "complete", finish_reason="stop", usage=Usage(7, 5), **times)
    reply = reply._replace(citations=tuple(Citation(*row) for row in plan.get("citations", ())))
    error = IncompleteReplyError(plan["error"]) if "error" in plan else None
    renderer.close(Outcome(session, 2, reply, error))
    if error:
        raise error
except HfsError as failure:
    from hfs_cli import notices
    notices.error(failure.message)
    sys.exit(failure.exit_code)
"""
