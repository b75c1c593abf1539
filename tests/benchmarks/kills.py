"""How much text a kill costs: `python -m tests.benchmarks.kills [KILLS]` prints a table.

A reply streams at a steady rate, the process is killed at a random moment, and what its reader
had seen is compared with what is kept. What is lost is told in seconds: how long before the
kill the last kept character had been seen. Slow disks are made with strace (`--slow`).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from tests.conftest import Hfs
from tests.scripted_server import STALL, Pause, ScriptedServer, openai_chunk, sse

RATES = (1_000, 1_000_000)  # characters a second
TICK_S = 0.02
SLOW = ("strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync,fdatasync")
DELAY = ("-e", "inject=fsync,fdatasync:delay_enter=300000")


def lost_s(hfs: Hfs, wrapper: tuple[str, ...], name: str, after_s: float) -> float:
    """Seconds of text that one kill costs."""
    process = subprocess.Popen(
        [*wrapper, *hfs.argv, "chat", "-n", name, "hi"],
        env=hfs.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        process_group=0,
    )
    assert process.stdout is not None
    seen: list[tuple[float, int]] = []
    total = 0

    def read() -> None:
        nonlocal total
        while block := os.read(process.stdout.fileno(), 1 << 16):
            total += len(block)
            seen.append((time.monotonic(), total))

    reader = threading.Thread(target=read)
    reader.start()
    while not seen:
        time.sleep(0.01)
    time.sleep(after_s)
    killed = time.monotonic()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    reader.join()
    shown = json.loads(hfs.ok("sessions", "show", name, "--format", "json"))["messages"]
    kept = len(shown[-1]["content"]) if shown[-1]["role"] == "assistant" else 0
    first_lost = next((at for at, upto in seen if upto > kept), killed)
    return max(0.0, killed - first_lost)


def main() -> None:
    """Print a line for each rate and disk."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kills", type=int, nargs="?", default=30)
    parser.add_argument("--slow", action="store_true", help="Flushes take 300 ms.")
    asked = parser.parse_args()
    wrapper = (*SLOW, *DELAY) if asked.slow else ()
    chance = random.Random(1)
    for rate in RATES:
        piece = "x" * max(1, int(rate * TICK_S))
        home = Path(tempfile.mkdtemp())
        with ScriptedServer() as server:
            steps = [step for _ in range(600) for step in (piece, Pause(TICK_S))]
            chunks = [
                chunk
                for step in steps
                for chunk in (
                    sse(openai_chunk({"content": step}), done=False)
                    if isinstance(step, str)
                    else [step]
                )
            ]
            server.always(lambda _, reply=[*chunks, STALL]: reply)
            hfs = Hfs(home)
            hfs.configure(
                f'model = "mock/m"\n[providers.mock]\ntype = "openai"\nbase_url = "{server.url}"\n'
            )
            losses = sorted(
                lost_s(hfs, wrapper, f"k{n}", chance.uniform(0, 5)) for n in range(asked.kills)
            )
        shutil.rmtree(home)
        print(
            f"{rate:>9,} chars/s: {len(losses)} kills, lost at most {losses[-1]:.2f} s, "
            f"median {losses[len(losses) // 2]:.2f} s"
        )


if __name__ == "__main__":
    main()
