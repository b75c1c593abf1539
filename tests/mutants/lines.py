"""Which tests run a line of the package, themselves or in a process that they start."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import coverage
import pytest

_SETTINGS = "[run]\nsource = hfs_cli\n"
# `hfs` ends with os._exit(); one that is killed says nothing.
_CHILDREN = "patch = _exit\nparallel = true\ndata_file = {}\n"
_TREE = "HFS_MUTANTS_TREE"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """As a plugin (``-p tests.mutants.lines``), have what a test starts say whose it is."""
    settings = str(Path(os.environ[_TREE]) / "child.ini")
    # What coverage itself gives to processes (`patch = subprocess`), with the test's name.
    child = coverage.Coverage(config_file=settings, context=f"{item.nodeid}|child")
    os.environ["COVERAGE_PROCESS_CONFIG"] = child.config.serialize()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure those as well that coverage has no need of: they may be what finds a mutant."""
    for item in items:
        item.own_markers = [mark for mark in item.own_markers if mark.name != "no_cover"]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note how long a test took."""
    if report.when == "call" and "PYTEST_XDIST_WORKER" not in os.environ:
        with (Path(os.environ[_TREE]) / "durations").open("a") as file:
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
        (tree / "own.ini").write_text(_SETTINGS)
        (tree / "child.ini").write_text(_SETTINGS + _CHILDREN.format(tree / "children"))
        command = [sys.executable, "-m", "pytest", "-q", "-n", str(jobs), "-p", __name__]
        measure = ["--cov", "--cov-config=own.ini", "--cov-context=test", "--cov-report="]
        run = subprocess.run(
            [*command, *measure, *tests],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree), _TREE: str(tree)},
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            raise SystemExit(f"the tests fail as it is:\n{run.stdout[-3000:]}")
        self._tree = tree
        children = coverage.Coverage(data_file=tree / "children", config_file=False)
        children.combine([str(tree)])
        own = coverage.CoverageData(str(tree / ".coverage"))
        own.read()
        self._seen = [own, children.get_data()]
        told = (tree / "durations").read_text().splitlines()
        self._durations: dict[str, float] = dict(map(json.loads, told))

    def tests(self, module: str, line: int) -> list[str]:
        """The tests that run the statement around a line of a module, the fastest first.

        What runs when the module is loaded, in functions too, may be told by each test of the
        module.
        """
        path = self._tree / "hfs_cli" / f"{module}.py"
        by_line: defaultdict[int, set[str]] = defaultdict(set)
        for data in self._seen:
            for number, contexts in data.contexts_by_lineno(str(path)).items():
                by_line[number] |= {context.rpartition("|")[0] for context in contexts} - {""}
        lines = _statement(ast.parse(path.read_text()), line)
        near = [names for number, names in by_line.items() if lines is None or number in lines]
        return sorted(set().union(*near), key=lambda name: self._durations.get(name, 0.0))

    @property
    def names(self) -> list[str]:
        """All tests that ran."""
        return list(self._durations)

    def seconds(self, tests: Sequence[str]) -> float:
        """How long these tests took, measured as they were."""
        return sum(self._durations.get(name, 0.0) for name in tests)


# Decorators whose function runs once for many calls.
_ONCE = {"cache", "statement"}


def _statement(tree: ast.Module, line: int) -> range | None:
    """The lines of the innermost statement around a line; None outside of functions.

    So it is where a function runs only for the first who calls it: others would notice it too.
    """
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    functions = [node for node in around if isinstance(node, ast.FunctionDef)]
    decorators = {ast.unparse(made) for function in functions for made in function.decorator_list}
    if not functions or decorators & _ONCE:
        return None
    inner = max(around, key=lambda node: (node.lineno, -(node.end_lineno or 0)))
    body = getattr(inner, "body", None)
    if isinstance(inner, ast.FunctionDef):  # a default value: whoever calls it
        return range(inner.body[0].lineno, (inner.end_lineno or 0) + 1)
    if body:
        return range(inner.lineno, max(inner.lineno, body[0].lineno - 1) + 1)
    return range(inner.lineno, (inner.end_lineno or 0) + 1)
