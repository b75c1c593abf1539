"""Which tests run a line of the package in their own process, and how long each takes."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import coverage

# Lines alone, of the tests' own processes alone: what a child runs is not told by test.
_SETTINGS = "[run]\nsource = hfs_cli\n"
_DURATIONS = "HFS_MUTANTS_DURATIONS"


def pytest_runtest_logreport(report) -> None:
    """As a plugin (``-p tests.mutants.lines``), note how long a test took."""
    if report.when == "call" and "PYTEST_XDIST_WORKER" not in os.environ:
        with Path(os.environ[_DURATIONS]).open("a") as file:
            print(json.dumps([report.nodeid, report.duration]), file=file)


class Lines:
    """What was seen in one run of tests.

    Args:
        tree: Where the package and the tests are.
        tests: Files and folders of tests.
        jobs: How many run at once.

    Raises:
        SystemExit: A test failed.
    """

    def __init__(self, tree: Path, tests: Sequence[str], jobs: int) -> None:
        (tree / "coveragerc").write_text(_SETTINGS)
        command = [sys.executable, "-m", "pytest", "-q", "-n", str(jobs), "-p", __name__]
        measure = ["--cov", "--cov-config=coveragerc", "--cov-context=test", "--cov-report="]
        run = subprocess.run(
            [*command, *measure, *tests],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree), _DURATIONS: str(tree / "durations")},
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            raise SystemExit(f"the tests fail as it is:\n{run.stdout[-3000:]}")
        self._tree = tree
        self._data = coverage.CoverageData(str(tree / ".coverage"))
        self._data.read()
        told = (tree / "durations").read_text().splitlines()
        self._durations: dict[str, float] = dict(map(json.loads, told))

    def tests(self, module: str, line: int) -> list[str]:
        """The tests that run the statement around a line of a module, the fastest first.

        What runs when the module is loaded, in functions too, may be told by each test of the
        module.
        """
        path = self._tree / "hfs_cli" / f"{module}.py"
        by_line = {
            number: {context.rpartition("|")[0] for context in contexts} - {""}
            for number, contexts in self._data.contexts_by_lineno(str(path)).items()
        }
        lines = _statement(ast.parse(path.read_text()), line)
        near = [names for number, names in by_line.items() if lines is None or number in lines]
        names = set().union(*near) or set().union(*by_line.values())
        return sorted(names, key=lambda name: self._durations.get(name, 0.0))


def _statement(tree: ast.Module, line: int) -> range | None:
    """The lines of the innermost statement around a line; None outside of functions."""
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    if not any(isinstance(node, ast.FunctionDef) for node in around):
        return None
    inner = max(around, key=lambda node: (node.lineno, -(node.end_lineno or 0)))
    body = getattr(inner, "body", None)
    if isinstance(inner, ast.FunctionDef):  # a default value: whoever calls it
        return range(inner.body[0].lineno, (inner.end_lineno or 0) + 1)
    if body:
        return range(inner.lineno, max(inner.lineno, body[0].lineno - 1) + 1)
    return range(inner.lineno, (inner.end_lineno or 0) + 1)
