"""How the house is built, in figures: ``python -m tests.benchmarks.house [FOLDER]``.

Lines, comments, private functions with one caller, the rooms of each package with the arrows
between them, and the modules that a chat in a pipe loads.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
import tokenize
from collections import Counter
from pathlib import Path

from tests.conftest import Hfs
from tests.scripted_server import ScriptedServer, openai_sse

ROOT = Path(__file__).parents[2]


def sources(root: Path) -> dict[str, Path]:
    """Every module of the package below a folder, by its name."""
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted((root / "hfs_cli").rglob("*.py"))
    }


def comment_share(paths: list[Path]) -> float:
    """Lines that carry a comment, in percent of all lines that are not empty."""
    comments = lines = 0
    for path in paths:
        with path.open("rb") as stream:
            tokens = list(tokenize.tokenize(stream.readline))
        comments += len({t.start[0] for t in tokens if t.type == tokenize.COMMENT})
        lines += sum(bool(line.strip()) for line in path.read_text().splitlines())
    return 100 * comments / lines


def single_callers(paths: list[Path]) -> tuple[list[str], int]:
    """Private functions that are named once besides their definition, and how many there are."""
    named: Counter[str] = Counter()
    private: list[str] = []
    functions = 0
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                functions += 1
                if re.match(r"_[a-z]", node.name):
                    private.append(node.name)
            elif isinstance(node, ast.Name):
                named[node.id] += 1
            elif isinstance(node, ast.Attribute):
                named[node.attr] += 1
            elif isinstance(node, ast.ImportFrom):
                named.update(alias.name for alias in node.names)
    return [name for name in private if named[name] == 1], functions


def rooms_and_arrows(modules: dict[str, Path], package: str) -> tuple[int, int]:
    """How many files and folders a package has at its top, and how many imports join them."""
    prefix = f"hfs_cli.{package}."
    rooms = {name[len(prefix) :].partition(".")[0] for name in modules if name.startswith(prefix)}
    arrows = set()
    for name, path in modules.items():
        if not name.startswith(prefix):
            continue
        here = name[len(prefix) :].partition(".")[0]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                targets = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                arrows |= {
                    (here, there)
                    for target in targets
                    if target.startswith(prefix)
                    and (there := target[len(prefix) :].partition(".")[0]) in rooms - {here}
                }
    return len(rooms), len(arrows)


def loaded_by_a_chat(root: Path = ROOT) -> list[str]:
    """The package's modules that `hfs chat` into a pipe has loaded in the end."""
    with tempfile.TemporaryDirectory() as home, ScriptedServer() as server:
        hfs = Hfs(Path(home))
        hfs.env["PYTHONPATH"] = str(root)
        hfs.configure(f'[providers.mock]\ntype = "openai"\nbase_url = "{server.url}"\n')
        for _ in range(2):  # the first one makes the database
            server.reply(openai_sse("hello"))
            done = subprocess.run(
                [sys.executable, "-X", "importtime", "-m", "hfs_cli", "chat", "-m", "mock/m", "hi"],
                env=hfs.environment(),
                cwd=root,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                check=True,
            )
    return sorted(set(re.findall(r"\|\s+(hfs_cli[\w.]*)\s*$", done.stderr, re.MULTILINE)))


def main() -> None:
    """Print the figures."""
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    modules = sources(root)
    paths = list(modules.values())
    single, functions = single_callers(paths)
    print(f"modules              {len(modules)}")
    print(f"lines                {sum(len(p.read_text().splitlines()) for p in paths):,}")
    print(f"lines with a comment {comment_share(paths):.1f} %")
    share = 100 * len(single) / functions
    print(f"private, one caller  {len(single)} of {functions} functions ({share:.1f} %)")
    loaded = loaded_by_a_chat(root)
    print(f"loaded by a chat     {len(loaded)}")
    for name, count in Counter((m + "..").split(".")[1] for m in loaded).most_common():
        print(f"  {name or 'hfs_cli':18} {count}")
    for package in sorted({name.split(".")[1] for name in modules if name.count(".") > 1}):
        rooms, arrows = rooms_and_arrows(modules, package)
        print(f"{package:20} {rooms} rooms, {arrows} arrows")


if __name__ == "__main__":
    main()
