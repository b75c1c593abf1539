"""Move a large history while somebody chats, and time what they wait for.

    python -m tests.benchmarks.moving                         # 100,000 messages
    python -m tests.benchmarks.moving --messages 1000000      # minutes, 3 GB of disk

Prints a Markdown table: an import, a second one of the same file, a dry run, a check, a backup,
an export, a vacuum, each with how long it took, its memory, and the longest of the chats that
began a second apart beside it. The last lines kill an import in its middle and show that nothing
of it is to be seen.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Self

from hfs_cli.conversations import digest_of
from hfs_cli.messages import Message
from hfs_cli.moments import from_iso
from hfs_cli.store.store import SessionStore
from tests.benchmarks.history import texts
from tests.scripted_server import ScriptedServer, openai_sse

MESSAGES = 10
# Sentences of a message: some 25 words.
_SENTENCES = 3
_TIME = "2026-11-22T18:05:00.000000Z"


def write_history(file: Path, messages: int) -> None:
    """A history in our own format, as JSON Lines."""
    sentences = texts()
    with file.open("w") as out:
        out.write('{"format": "hfs", "schema_version": 1}\n')
        for number in range(messages // MESSAGES):
            out.write(json.dumps(_session(number, sentences)) + "\n")


def _session(number: int, sentences: Iterator[str]) -> dict[str, object]:
    contents = [" ".join(islice(sentences, _SENTENCES)) for _ in range(MESSAGES)]
    last = Message(MESSAGES, MESSAGES, "assistant", contents[-1], from_iso(_TIME))
    return {
        "uid": uuid.uuid4().hex,
        "length": MESSAGES,
        "last": digest_of(last),
        "labels": 0,
        "name": f"{next(sentences)[:30]} - {number}",
        "origin": "chat",
        "listed": True,
        "model": "test/m",
        "created_at": _TIME,
        "updated_at": _TIME,
        "parent_uid": None,
        "fork_position": None,
        "checkpoints": [],
        "messages": [
            {
                "position": position,
                "role": "user" if position % 2 else "assistant",
                "content": content,
                "reasoning": "",
                "status": "complete",
                "model": None if position % 2 else "test/m",
                "finish_reason": None if position % 2 else "stop",
                "usage": None if position % 2 else {"input_tokens": 5, "output_tokens": 7},
                "created_at": _TIME,
                "reply_to": None if position % 2 else position - 1,
                "attachments": [],
            }
            for position, content in enumerate(contents, 1)
        ],
    }


class Chatting:
    """`hfs chat` beside whatever runs: one begins `every_s` seconds after the one before it.

    A wait is all of a chat, from the start of its process to its end; the server answers at once.
    """

    def __init__(self, data: Path, every_s: float = 1.0) -> None:
        self.waits: list[float] = []
        self._data = data
        self._every_s = every_s
        self._server = ScriptedServer()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._chat)

    def __enter__(self) -> Self:
        self._server.__enter__()
        self._server.always(openai_sse("here it is"))
        config = self._data.parent / ".config" / "hfs" / "config.toml"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(
            'model = "mock/m"\n[providers.mock]\n'
            f'type = "openai"\nbase_url = "{self._server.url}"\n'
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._server.__exit__(None, None, None)

    def _chat(self) -> None:
        while not self._stop.is_set():
            wall, _, _ = run(self._data, "chat", "one more")
            self.waits.append(wall)
            self._stop.wait(self._every_s)


def run(data: Path, *arguments: str) -> tuple[float, float, int]:
    """Run `hfs`: the seconds and CPU seconds that it took, and its memory at the most, in bytes."""
    began = time.monotonic()
    process = start(data, *arguments)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"exit {process.returncode}: {arguments}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def start(data: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start `hfs` on a data directory."""
    return subprocess.Popen(
        [sys.executable, "-m", "hfs_cli", *arguments],
        env={**os.environ, "HFS_DATA_DIR": str(data), "HOME": str(data.parent)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def measure(folder: Path, messages: int) -> Iterator[str]:
    """The lines of the table."""
    file, data = folder / "history.jsonl", folder / "data"
    write_history(file, messages)
    yield f"{messages:,} messages, {file.stat().st_size / 1e6:,.0f} MB as JSON Lines"
    yield ""
    yield "| | s | CPU s | messages/s | peak MB | chats beside | longest chat | median |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    todo = {
        "dry run": ("sessions", "import", "--dry-run", str(file)),
        "import": ("sessions", "import", str(file)),
        "the same again": ("sessions", "import", str(file)),
        "check": ("db", "check"),
        "backup": ("db", "backup", str(folder / "backup.db")),
        "export": ("sessions", "export", "--all", "-O", str(folder / "out.jsonl")),
        "vacuum": ("db", "vacuum"),
    }
    for name, arguments in todo.items():
        with Chatting(data) as beside:
            wall, cpu, peak = run(data, *arguments)
        yield (
            f"| {name} | {wall:.1f} | {cpu:.1f} | {messages / wall:,.0f} | {peak / 1e6:.0f} | "
            f"{len(beside.waits)} | {max(beside.waits) * 1000:.0f} ms | "
            f"{statistics.median(beside.waits) * 1000:.0f} ms |"
        )
    yield ""
    yield kill(folder / "killed", file)


def kill(data: Path, file: Path) -> str:
    """Kill an import in its middle: what is shown then, and after the next one."""
    process = start(data, "sessions", "import", str(file))
    database = data / "hfs.db"
    while process.poll() is None and not (database.exists() and database.stat().st_size > 10**6):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with SessionStore(database) as store:
        shown, found = store.count(), store.check()
    run(data, "sessions", "import", str(file))
    with SessionStore(database) as store:
        return f"killed in its middle: {shown} sessions shown, {found}; again: {store.count():,}"


def main() -> None:
    """Measure, print, and leave nothing behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hfs-benchmark-"))
    try:
        for line in measure(folder, asked.messages):
            print(line, flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
