"""Many prompts in one run: against the ideal, against `xargs` and against `llm` in a loop.

``python -m tests.benchmarks.batch`` prints a table; ``--prompts 500 --many 5000`` is quicker, and
``--llm DIR`` names an environment's bin directory with `llm` in it. Each figure is of one run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.measuring import Command, Took

REPOSITORY = Path(__file__).parents[2]
DELAY_S = 0.2
WIDTH = 50
_LOOP = """
import llm, sys
model = llm.get_model("m")
for number in range(int(sys.argv[1])):
    assert model.prompt(f"prompt {number}").text()
"""


class Bench:
    """A home with a server as its model.

    Args:
        root: A directory for it.
        url: The server's.
    """

    def __init__(self, root: Path, url: str) -> None:
        self.root = root
        config = root / "config.toml"
        config.write_text(f'[providers.mock]\ntype = "openai"\nbase_url = "{url}"\n')
        config.chmod(0o600)
        (root / "extra-openai-models.yaml").write_text(
            f"- model_id: m\n  model_name: m\n  api_base: {url}\n"
        )
        self.env = {
            "HOME": str(root),
            "PATH": os.environ["PATH"],
            "HFS_CONFIG": str(config),
            "HFS_DATA_DIR": str(root / "data"),
            "HFS_MODEL": "mock/m",
            "OPENAI_API_KEY": "none",
            "LLM_USER_PATH": str(root),
            "PYTHONPATH": str(REPOSITORY),
        }

    def prompts(self, count: int) -> Path:
        """A file of so many prompts."""
        file = self.root / f"{count}.txt"
        file.write_text("".join(f"prompt {number}\n" for number in range(count)))
        return file

    def batch(self, count: int, width: int) -> Took:
        """A batch of so many, so many at once."""
        out = self.root / "out.jsonl"
        words = ("-O", str(out), "--force", "--concurrency", str(width))
        argv = [sys.executable, "-m", "hfs_cli", "batch", str(self.prompts(count)), *words]
        took = Command(argv, self.env).run()
        with out.open("rb") as lines:
            assert sum(1 for _ in lines) == count
        return took

    def xargs(self, count: int) -> Took:
        """A chat for each of so many, eight at once."""
        chat = f"{sys.executable} -m hfs_cli chat --no-stdin --no-save"
        line = f"xargs -P 8 -I{{}} {chat} {{}} < {self.prompts(count)}"
        return Command(["bash", "-c", line], self.env).run()

    def llm(self, binaries: Path, count: int) -> Took:
        """The same in a loop of llm's own Python API."""
        return Command([str(binaries / "python"), "-c", _LOOP, str(count)], self.env).run()


@contextmanager
def serving(delay: float) -> Iterator[Bench]:
    """A server that answers after so many seconds, and a home for it."""
    with (
        tempfile.TemporaryDirectory(prefix="hfs-batch-") as root,
        subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.batch_server", str(delay)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as server,
    ):
        assert server.stdout is not None
        yield Bench(Path(root), f"http://127.0.0.1:{server.stdout.readline().strip()}/v1")
        server.communicate()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.batch", description=__doc__)
    parser.add_argument("--prompts", type=int, default=2000)
    parser.add_argument("--many", type=int, default=200_000)
    parser.add_argument("--llm", type=Path, help="the bin directory of an environment with llm")
    asked = parser.parse_args()
    with serving(DELAY_S) as bench:
        slow = bench.batch(asked.prompts, WIDTH)
    ideal = asked.prompts * DELAY_S / WIDTH
    with serving(0) as bench:
        chats = asked.prompts // 20
        each = bench.xargs(chats).wall / chats
        fast = bench.batch(asked.prompts, 64)
        loop = bench.llm(asked.llm, chats).wall / chats if asked.llm else None
        many = bench.batch(asked.many, 64)
    own = fast.wall / asked.prompts
    print("| job | at most or least | measured |\n|---|---|---|")
    print(
        f"| {asked.prompts:,} prompts, {DELAY_S:g} s each, {WIDTH} at once | 1.25 of the ideal"
        f" {ideal:.1f} s | {slow.wall / ideal:.2f} ({slow.wall:.1f} s) |"
    )
    print(f"| its peak memory | 80 MB | {slow.peak / 1e6:.0f} MB |")
    print(
        f"| peak memory of {asked.many:,} | 1.10 of that of {asked.prompts:,} |"
        f" {many.peak / fast.peak:.2f} ({many.peak / 1e6:.0f} MB) |"
    )
    print(f"| prompts a second, 64 at once | | {1 / own:.0f} |")
    print(f"| ... against `xargs -P 8 hfs chat` | 10 × | {each / own:.1f} × ({1 / each:.1f}/s) |")
    if loop:
        print(f"| ... against `llm` in a loop | 3 × | {loop / own:.1f} × ({1 / loop:.1f}/s) |")


if __name__ == "__main__":
    main()
