"""The fault table is complete, and every test that it names is there."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
TABLE = [
    cells
    for line in (TESTS / "faults/README.md").read_text().splitlines()
    if (cells := [cell.strip() for cell in line.strip("|").split(" |")])[0].isdigit()
]
ROWS = {int(cells[0]): cells for cells in TABLE}


def functions(module: str) -> set[str]:
    """The names of the functions of a module below tests/."""
    tree = ast.parse((TESTS / f"{module.replace('.', '/')}.py").read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_fault_has_a_row():
    assert [int(cells[0]) for cells in TABLE] == list(range(1, 184))
    assert {len(cells) for cells in ROWS.values()} == {5}


@pytest.mark.parametrize("number", ROWS)
def test_the_tests_that_a_row_names_exist(number):
    _, _, _, shown_by, not_covered = ROWS[number]
    named = re.findall(r"`([\w.]+)::(\w+)`", shown_by)
    assert named or not_covered, "neither a test nor a reason why there is none"
    assert shown_by.count("`") == 2 * len(named)
    for module, function in named:
        assert function in functions(module), f"{module}::{function}"
