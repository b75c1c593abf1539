"""Measure the installed tool and print the table: ``python -m tests.benchmarks [--quick]``.

Everything is measured in the same minutes and told as a multiple of B, what the same
interpreter takes to do nothing (``python -c pass``). Nothing here fails because it is slow.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.benchmarks.databases import make_database
from tests.benchmarks.measuring import Command, build_environment, interleaved
from tests.benchmarks.server import LARGE_BYTES, TOKENS

REPOSITORY = Path(__file__).parents[2]
SESSIONS = 100_000
_TAB = """
source {script}
COMP_LINE='{line}' COMP_POINT={point} COMP_WORDS=({line}) COMP_CWORD={word} COMP_TYPE=9
_hfs
[ "${{#COMPREPLY[@]}}" -gt 0 ]
"""


class Server:
    """The scripted server in its own process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.server"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = f"http://127.0.0.1:{self._line()}/v1"

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def arrival(self) -> float:
        """When the next request arrived; each must be asked for once."""
        return float(self._line())

    def close(self) -> None:
        self._process.communicate()


@dataclass(frozen=True)
class Bench:
    """Where everything is.

    Args:
        hfs: The bin directory of the environment that hfs is installed in.
        llm: That of `llm`, or None when it could not be installed.
    """

    root: Path
    hfs: Path
    llm: Path | None
    server: Server

    @property
    def env(self) -> dict[str, str]:
        return {
            "HOME": str(self.root / "home"),
            "PATH": f"{self.hfs}:/usr/local/bin:/usr/bin:/bin",
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "HFS_DATA_DIR": str(self.root / "data"),
            "OPENAI_API_KEY": "none",
            "LLM_USER_PATH": str(self.root / "llm"),
        }

    def bare(self) -> Command:
        return Command([str(self.hfs / "python"), "-c", "pass"], self.env)

    def run(self, *args: str, terminal: bool = False, data: str = "large") -> Command:
        env = self.env | {"HFS_DATA_DIR": str(self.root / data)}
        return Command([str(self.hfs / "hfs"), *args], env, terminal)

    def run_llm(self, *args: str) -> Command | None:
        """A run of `llm`, or None where it is not installed."""
        return Command([str(self.llm / "llm"), *args], self.env) if self.llm else None

    def curl(self, model: str) -> Command:
        argv = ["curl", "-sN", "-d", f'{{"model":"{model}"}}', f"{self.server.url}/chat"]
        return Command(argv, self.env)

    def tab(self, line: str) -> Command:
        words = line.split(" ")
        script = _TAB.format(
            script=REPOSITORY / "completions/hfs.bash",
            line=line,
            point=len(line),
            word=len(words) - 1,
        )
        env = self.env | {"HFS_DATA_DIR": str(self.root / "large")}
        return Command(["bash", "--norc", "-c", script], env)


@contextmanager
def prepared(*, with_llm: bool) -> Iterator[Bench]:
    """Install the tools, make the databases, start the server."""
    cache = Path(os.environ.get("HFS_BENCHMARKS", tempfile.gettempdir())) / "hfs-benchmarks"
    base = getattr(sys, "_base_executable", sys.executable)
    told("installing")
    hfs = build_environment(cache / "hfs", str(REPOSITORY), python=base)
    try:
        llm = build_environment(cache / "llm", "llm", python=base) if with_llm else None
    except subprocess.CalledProcessError:
        told("llm cannot be installed here: its column stays empty")
        llm = None
    server = Server()
    with tempfile.TemporaryDirectory(prefix="hfs-benchmarks-") as root:
        bench = Bench(Path(root), hfs, llm, server)
        _configure(bench)
        told(f"making a database of {SESSIONS:,} sessions")
        make_database(bench.root / "large" / "hfs.db", SESSIONS)
        if llm:
            # Without a log there is nothing that it could list.
            first = bench.run_llm("-m", "small", "hi")
            assert first is not None
            first.run()
            server.arrival()
        try:
            yield bench
        finally:
            server.close()


def _configure(bench: Bench) -> None:
    config = bench.root / "home/.config/hfs/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(
        f'[providers.mock]\ntype = "openai"\nbase_url = "{bench.server.url}"\n', encoding="utf-8"
    )
    config.chmod(0o600)
    (bench.root / "llm").mkdir()
    models = "".join(
        f"- model_id: {name}\n  model_name: {name}\n  api_base: {bench.server.url}\n"
        for name in ("small", "chunked", "closed", "large")
    )
    (bench.root / "llm/extra-openai-models.yaml").write_text(models, encoding="utf-8")


@dataclass(frozen=True)
class Row:
    """One line of the table, as text."""

    job: str
    at_most: str
    hfs: str
    llm: str = ""


def start_up_rows(bench: Bench, rounds: int) -> list[Row]:
    """What starts and answers, in B."""
    jobs: dict[str, tuple[str, Command, Command | None]] = {
        "`hfs --version`": ("2 B", bench.run("--version"), bench.run_llm("--version")),
        "Tab on a subcommand (no Python)": ("–", bench.tab("hfs sess"), None),
        f"Tab on a session name, {SESSIONS:,} sessions": ("3 B", bench.tab("hfs resume rel"), None),
        "`hfs --help`": ("7 B", bench.run("--help"), bench.run_llm("--help")),
        f"`hfs sessions list` in a pipe, {SESSIONS:,} sessions": (
            "11 B",
            bench.run("sessions", "list", "--limit", "20"),
            bench.run_llm("logs", "list"),
        ),
        f"`hfs sessions list` on a terminal, {SESSIONS:,} sessions": (
            "16 B",
            bench.run("sessions", "list", terminal=True),
            None,
        ),
    }
    timed: dict[str, Callable[[], float]] = {"B": lambda: bench.bare().run().wall}
    for name, (_, ours, theirs) in jobs.items():
        timed[name] = partial(_wall, ours)
        if theirs:
            timed[f"llm {name}"] = partial(_wall, theirs)
    took = interleaved(timed, rounds)
    told(f"B is {took['B'] * 1000:.1f} ms")
    return [
        Row(name, limit, _in_b(took[name], took["B"]), _in_b(took.get(f"llm {name}"), took["B"]))
        for name, (limit, _, _) in jobs.items()
    ]


def chat_rows(bench: Bench, rounds: int) -> list[Row]:
    """A whole turn over loopback, in B."""

    def arrival(command: Command) -> float:
        took = command.run()
        return bench.server.arrival() - took.began

    def wall(command: Command) -> float:
        took = command.run()
        bench.server.arrival()
        return took.wall

    ours = bench.run("chat", "-m", "mock/small", "hi", data="data")
    theirs = bench.run_llm("-m", "small", "hi")
    timed: dict[str, Callable[[], float]] = {
        "B": lambda: bench.bare().run().wall,
        "curl": lambda: wall(bench.curl("small")),
        "arrival": lambda: arrival(ours),
        "exit": lambda: wall(ours),
    }
    if theirs:
        timed |= {
            "llm arrival": lambda: arrival(theirs),
            "llm exit": lambda: wall(theirs),
        }
    took = interleaved(timed, rounds)
    less_curl = {name: took[name] - took["curl"] for name in ("exit", "llm exit") if name in took}
    return [
        Row(
            "`hfs chat hi` in a pipe: to the request's arrival",
            "15 B",
            _in_b(took["arrival"], took["B"]),
            _in_b(took.get("llm arrival"), took["B"]),
        ),
        Row(
            "the same: to the exit, less what `curl` takes",
            "18 B",
            _in_b(less_curl["exit"], took["B"]),
            _in_b(less_curl.get("llm exit"), took["B"]),
        ),
    ]


def stream_rows(bench: Bench, rounds: int, *, with_llm: bool) -> list[Row]:
    """Long replies: processor time and memory."""

    def cpu(command: Command) -> float:
        took = command.run()
        bench.server.arrival()
        return took.cpu

    def peak(command: Command) -> float:
        took = command.run()
        bench.server.arrival()
        return float(took.peak)

    def ours(model: str) -> Command:
        return bench.run("chat", "-m", f"mock/{model}", "hi", data="data")

    seconds = {
        "curl": lambda: cpu(bench.curl("chunked")),
        "chunked": lambda: cpu(ours("chunked")),
        "closed": lambda: cpu(ours("closed")),
    }
    memory = {"small": lambda: peak(ours("small"))}
    told("streaming long replies")
    took = interleaved(seconds, max(3, rounds // 4), warm_ups=0)
    took |= interleaved(memory, max(3, rounds // 4), warm_ups=0)
    took |= interleaved({"large": lambda: peak(ours("large"))}, 3, warm_ups=0)
    theirs = bench.run_llm("-m", "chunked", "hi") if with_llm else None
    small = bench.run_llm("-m", "small", "hi")
    limit = 45 + 3 * LARGE_BYTES // 1_000_000
    return [
        Row(
            f"{TOKENS:,} tokens to a pipe, one HTTP chunk each: CPU (`curl` {took['curl']:.2f} s)",
            "2.0 s",
            f"{took['chunked']:.2f} s",
            f"{cpu(theirs):.0f} s" if theirs else "",
        ),
        Row(f"{TOKENS:,} tokens, ended by the close: CPU", "2.0 s", f"{took['closed']:.2f} s"),
        Row(
            "peak memory of `hfs chat hi`",
            "45 MB",
            _mb(took["small"]),
            _mb(peak(small) if small else None),
        ),
        Row(
            f"peak memory, a reply of {LARGE_BYTES // 1_000_000} MB",
            f"{limit} MB",
            _mb(took["large"]),
        ),
    ]


def _in_b(seconds: float | None, bare: float) -> str:
    return "" if seconds is None else f"{seconds / bare:.1f} B ({seconds * 1000:.0f} ms)"


def _wall(command: Command) -> float:
    return command.run().wall


def _mb(size: float | None) -> str:
    return f"{size / 1e6:.0f} MB" if size else ""


def told(line: str) -> None:
    """Say how far it is; the table alone goes to standard output."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds; under two minutes")
    parser.add_argument("--no-llm", action="store_true", help="leave the comparison out")
    asked = parser.parse_args()
    if shutil.which("curl") is None:
        parser.error("curl is needed for comparison")
    rounds = 10 if asked.quick else 25
    began = time.monotonic()
    with prepared(with_llm=not asked.no_llm) as bench:
        rows = [
            *start_up_rows(bench, rounds),
            *chat_rows(bench, rounds),
            *stream_rows(bench, rounds, with_llm=not asked.quick),
        ]
        bare = interleaved({"B": lambda: bench.bare().run().wall}, rounds)["B"]
    print(f"Python {platform.python_version()}, B = {bare * 1000:.1f} ms, medians of {rounds}\n")
    print("| job | at most | hfs | `llm` |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row.job} | {row.at_most} | {row.hfs} | {row.llm} |")
    told(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
