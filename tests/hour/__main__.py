"""Print the hour as a person sees it: `python -m tests.hour [tasks|mistakes] [--columns N]`."""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.hour.home import Home
from tests.hour.lines import MISTAKES, TASKS
from tests.render.terminals import spawn
from tests.scripted_server import ScriptedServer


def main() -> None:
    """Run the lines one after the other, each on a terminal of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.hour", description=__doc__)
    parser.add_argument("part", nargs="?", choices=["tasks", "mistakes"], help="one half alone")
    parser.add_argument("--columns", type=int, default=80, metavar="N")
    given = parser.parse_args()
    parts = {"tasks": TASKS, "mistakes": [mistake.line for mistake in MISTAKES]}
    for part in [given.part] if given.part else parts:
        _run(parts[part], given.columns)


def _run(lines: Sequence[str], columns: int) -> None:
    # Mistakes have a home of their own, where the tasks have changed nothing.
    with tempfile.TemporaryDirectory() as directory, ScriptedServer() as server:
        home = Home(Path(directory), server)
        for line in lines:
            seen = spawn(["sh", "-c", f"cd {home.work} && {line}"], home.env, columns=columns)
            print(f"$ {line}", *seen.lines, f"→ {seen.code}", "", sep="\n", flush=True)


if __name__ == "__main__":
    main()
