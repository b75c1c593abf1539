"""How much text a kill costs: `python -m tests.benchmarks.kills [KILLS]` prints a table.

A reply streams at a steady rate, the process is killed at a random moment, and what its reader
had seen is compared with what is kept. What is lost is told in seconds: how long before the
kill the last kept character had been seen. Slow disks are made with strace (`--slow`). A kill
mostly waits, so that several run at once, each in a home of its own.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hfs_cli.store.store import SessionStore
from tests.conftest import Hfs
from tests.scripted_server import STALL, Pause, ScriptedServer, openai_chunk, sse

RATES = (1_000, 1_000_000, 10_000_000)  # characters a second
TICK_S = 0.02
LATEST_S = 4.0
SLOW = ("strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync,fdatasync")
DELAY = ("-e", "inject=fsync,fdatasync:delay_enter=300000")


def lost_s(hfs: Hfs, wrapper: tuple[str, ...], after_s: float) -> float:
    """Seconds of text that one kill costs.

    Raises:
        SystemExit: What was acknowledged is not there: the question, or the turn before it.
    """
    process = subprocess.Popen(
        [*wrapper, *hfs.argv, "chat", "-S", "k", "--create", "hi"],
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
    process.stdout.close()
    with SessionStore(hfs.database) as store:
        shown = store.transcript(store.resolve("k").id)
        store.delete([store.resolve("k").id])
    if shown[0].content != "hi":
        raise SystemExit("the question is lost")
    kept = len(shown[-1].content) if shown[-1].role == "assistant" else 0
    first_lost = next((at for at, upto in seen if upto > kept), killed)
    return max(0.0, killed - first_lost)


def losses(rate: int, kills: int, at_once: int, wrapper: tuple[str, ...]) -> list[float]:
    """What each of so many kills costs, the least first."""
    chance = random.Random(rate)
    chunk = sse(openai_chunk({"content": "x" * max(1, int(rate * TICK_S))}), done=False)[0]
    reply = [*[chunk, Pause(TICK_S)] * int(10 / TICK_S), STALL]
    root = Path(tempfile.mkdtemp())
    with ScriptedServer() as server, ThreadPoolExecutor(at_once) as pool:
        server.always(lambda _: reply)
        homes: list[Hfs] = []
        for number in range(at_once):
            (root / str(number)).mkdir()
            homes.append(hfs := Hfs(root / str(number)))
            hfs.configure(
                f'model = "mock/m"\n[providers.mock]\ntype = "openai"\nbase_url = "{server.url}"\n'
            )

        def kill(after_s: float) -> float:
            hfs = homes.pop()
            try:
                return lost_s(hfs, wrapper, after_s)
            finally:
                homes.append(hfs)

        found = sorted(pool.map(kill, [chance.uniform(0, LATEST_S) for _ in range(kills)]))
    shutil.rmtree(root)
    return found


def main() -> None:
    """Print a line for each rate and disk."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kills", type=int, nargs="?", default=30)
    parser.add_argument("--slow", action="store_true", help="Flushes take 300 ms.")
    parser.add_argument("--rates", type=int, nargs="+", default=RATES)
    parser.add_argument("--at-once", type=int, default=4)
    asked = parser.parse_args()
    wrapper = (*SLOW, *DELAY) if asked.slow else ()
    for rate in asked.rates:
        found = losses(rate, asked.kills, asked.at_once, wrapper)
        print(
            f"{rate:>10,} chars/s: {len(found)} kills, lost at most {found[-1]:.2f} s, "
            f"median {found[len(found) // 2]:.2f} s, over 1.1 s: {sum(s > 1.1 for s in found)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
