"""Whether the tests would notice: ``python -m tests.mutants [--sample N] [MODULE...]``.

Each mutant is a copy of the package with one small change. The tests of the module that run the
changed line run on it, in their own process or in one that they start, and one that passes them
all has survived; so has one whose line no test runs. ``--sample`` takes so many of each module by
chance (``--seed`` says which), ``--jobs`` runs as many at once. Survivors are printed with what
changed; those that are kept knowingly stand in ``SURVIVORS.md``, with the reason.

Why a runner of our own: most tests start `hfs` as a process, so a mutant has to be a tree on the
disk (mutmut switches mutants inside the test process), and what its line is run by mostly kills it
in a second or two (cosmic-ray runs one command for all, in the work tree itself).
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.lines import Lines
from tests.mutants.operators import Mutant, mutants

ROOT = Path(__file__).parents[2]

# Which tests stand nearest to a module. A folder's tests serve all modules in it.
NEAREST = {
    "turn": ["tests/turn", "tests/faults/test_signals.py", "tests/commands/test_chat.py"],
    "signals": ["tests/test_signals.py", "tests/turn", "tests/faults/test_signals.py"],
    "sanitize": ["tests/test_sanitize.py", "tests/faults/test_output.py"],
    "files": ["tests/test_files.py", "tests/config", "tests/commands/test_output_options.py"],
    "naming": ["tests/test_naming.py", "tests/store/test_sessions.py"],
    "moments": ["tests/test_moments.py"],
    "prices": ["tests/test_prices.py"],
    "config": ["tests/config", "tests/commands/test_keys_and_models.py", "tests/commands"],
    "compose": ["tests/compose", "tests/commands"],
    "providers/formats": ["tests/providers/formats", "tests/faults/test_replies.py"],
    "providers/http": [
        "tests/faults/test_network.py",
        "tests/faults/test_replies.py",
        "tests/providers/http",
    ],
    "store/sqlite": ["tests/store/sqlite", "tests/store"],
    "store/postgres": ["tests/store/postgres", "tests/store"],
    "store": ["tests/store", "tests/commands/sessions", "tests/exchange"],
    "exchange": ["tests/exchange", "tests/commands/sessions"],
    "render": ["tests/render", "tests/faults/test_output.py", "tests/commands"],
}
DEFAULT = ["turn", "signals", "sanitize", "files", "config", "store", "providers/formats"]


def tests_of(module: str) -> list[str]:
    """The tests of a module (``store/turns``), nearest first."""
    folder = module
    while folder not in NEAREST:
        folder, _, _ = folder.rpartition("/")
        if not folder:
            raise SystemExit(f"no tests are named for {module}: add them to NEAREST")
    return [test for test in NEAREST[folder] if (ROOT / test).exists()]


def modules(names: Sequence[str]) -> list[str]:
    """The modules below these folders of the package, or of these names."""
    found = []
    for name in names:
        path = ROOT / "hfs_cli" / name
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        found += [
            str(file.relative_to(ROOT / "hfs_cli").with_suffix(""))
            for file in files
            if file.name != "__init__.py" and "migrations" not in file.parts
        ]
    return found


class Tree:
    """A copy of the repository in which one module at a time is changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("hfs_cli", "tests", "completions", "docs"):
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        for name in ("pyproject.toml", "README.md", "CHANGELOG.md"):
            shutil.copy(ROOT / name, folder)

        self._writes = itertools.count(1)
        self._log = (folder / "runner").open("w")
        self._runner = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.runner"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def close(self) -> None:
        """End the process that runs the tests."""
        self._runner.communicate()
        self._log.close()

    def fate(self, module: str, mutant: Mutant, tests: Sequence[str], seconds: float) -> str:
        """What becomes of a mutant: it "lived", "died", or "hung" (which a run notices too).

        Args:
            tests: Those that run its line.
            seconds: How long they may take before they count as hung.
        """
        path = self.folder / "hfs_cli" / f"{module}.py"
        kept = path.read_text()
        self._write(path, mutant.make())
        try:
            if not tests or self.passes(tests, seconds):
                return "lived"
            said = (self.folder / "said").read_text()
            # Killed from outside it says nothing; a test alone has pytest's limit.
            failed = re.search("^(FAILED|ERROR)", said, re.MULTILINE)
            return "died" if failed and "Failed: Timeout" not in said else "hung"
        finally:
            self._write(path, kept)

    def _write(self, path: Path, source: str) -> None:
        # Python takes a compiled module for the same when second and size are: each write has
        # a second of its own.
        path.write_text(source)
        second = 1_000_000_000 + next(self._writes)
        os.utime(path, (second, second))

    def passes(self, tests: Sequence[str], seconds: float) -> bool:
        """Whether tests pass."""
        assert self._runner.stdin is not None
        assert self._runner.stdout is not None
        arguments = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--timeout", "60", *tests]
        print(json.dumps(arguments), file=self._runner.stdin, flush=True)
        child = int(self._runner.stdout.readline())

        def end() -> None:
            # What the tests started goes with them.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)

        hung = threading.Timer(seconds, end)
        hung.start()
        try:
            return int(self._runner.stdout.readline()) == 0
        finally:
            hung.cancel()
            end()


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("modules", nargs="*", default=DEFAULT, help="e.g. turn or store/turns")
    parser.add_argument("--sample", type=int, help="so many of each module, by chance")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--tests", nargs="+", help="run these instead of the nearest")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=300, help="how much longer may a run take")
    return parser.parse_args()


def main() -> int:
    """Run the mutants and print what survived.

    Returns:
        0 when all of them died.
    """
    asked = _asked()
    if asked.tests:
        NEAREST.update(dict.fromkeys(NEAREST, asked.tests))
    work: list[tuple[str, Mutant]] = []
    for module in modules(asked.modules):
        found = list(mutants((ROOT / "hfs_cli" / f"{module}.py").read_text()))
        if asked.sample is not None and len(found) > asked.sample:
            found = random.Random(f"{asked.seed} {module}").sample(found, asked.sample)
        work += [(module, mutant) for mutant in found]
    print(f"{len(work)} mutants", flush=True)
    fates: dict[str, Counter[str]] = {name: Counter() for name in ("died", "hung", "lived")}
    with tempfile.TemporaryDirectory(prefix="hfs-mutants-") as root:
        trees: SimpleQueue[Tree] = SimpleQueue()
        for number in range(asked.jobs):
            trees.put(Tree(Path(root) / str(number)))
        # One run as it is tells whether the tests pass at all, and which of them run what.
        names = dict.fromkeys(test for module, _ in work for test in tests_of(module))
        first = trees.get()
        lines = Lines(first.folder, [*names], asked.jobs)
        if not first.passes(["--collect-only", *lines.names], asked.seconds):
            said = (first.folder / "said").read_text()
            raise SystemExit(f"the tests cannot be run by their names:\n{said[-3000:]}")
        trees.put(first)
        # Now, while the modules are as they are.
        planned = [(module, mutant, lines.tests(module, mutant.line)) for module, mutant in work]

        def run(item: tuple[str, Mutant, list[str]]) -> None:
            module, mutant, tests = item
            tree = trees.get()
            try:
                # A machine that is busy is slower than it was when the tests were measured.
                seconds = asked.seconds + 3 * lines.seconds(tests)
                fate = tree.fate(module, mutant, tests, seconds)
            finally:
                trees.put(tree)
            fates[fate][module] += 1
            if fate != "died":
                before, after = (
                    text.replace("\n", " ")[:90] for text in (mutant.before, mutant.after)
                )
                which = f"{len(tests)} tests" if tests else "no test runs it"
                where = f"{module}.py:{mutant.line}"
                print(f"{fate} {where} ({which}): {before}  ->  {after}", flush=True)

        with ThreadPoolExecutor(asked.jobs) as pool:
            list(pool.map(run, planned))
        while not trees.empty():
            trees.get().close()
    for module in sorted({module for module, _ in work}):
        told = " ".join(f"{counted[module]:4} {fate}" for fate, counted in fates.items())
        print(f"{module:40} {told}")
    gone = len(work) - fates["lived"].total()
    share = 100 * gone / max(1, len(work))
    print(f"{gone} of {len(work)} died ({share:.0f} %), {fates['hung'].total()} of them by hanging")
    return 1 if fates["lived"] else 0


if __name__ == "__main__":
    sys.exit(main())
