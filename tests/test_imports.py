"""The doors are shut: an import that a contract forbids, put in anywhere, makes the linter fail."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import UNMEASURED

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "hfs_cli"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
DOORS = [contract for contract in CONTRACTS if contract["type"] == "protected"]
LAYERS = [
    [name.strip() for name in layer.split("|")]
    for contract in CONTRACTS
    if contract["type"] == "layers"
    for layer in contract["layers"]
]


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


# Numbered files, which are loaded by their paths: the linter sees none of them.
MIGRATIONS = sorted(PACKAGE.rglob("migrations/*.py"))
MODULES = {
    module_name(path): path for path in sorted(PACKAGE.rglob("*.py")) if path not in MIGRATIONS
}


def is_within(module: str, packages: list[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@pytest.fixture
def lint(tmp_path):
    """Lint a copy of the package with imports added: {module: [what it imports besides]}."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(PACKAGE, tmp_path / "hfs_cli", ignore=shutil.ignore_patterns("__pycache__"))

    def run(added: dict[str, list[str]]) -> str:
        for module, imports in added.items():
            path = tmp_path / MODULES[module].relative_to(ROOT)
            lines = "".join(f"    import {name}\n" for name in imports)
            path.write_text(f"{path.read_text()}\n\ndef added() -> None:\n{lines}")
        command = Path(sys.executable).with_name("lint-imports")
        done = subprocess.run(
            [command, "--no-cache"],
            cwd=tmp_path,
            env=os.environ | UNMEASURED,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == (1 if added else 0), done.stdout + done.stderr
        # Long lines are wrapped for the terminal.
        return re.sub(r"\s+", " ", done.stdout)

    return run


def test_the_copy_passes_as_it_is(lint):
    assert "0 broken" in lint({})


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door["name"])
def test_a_library_is_imported_through_its_door_alone(lint, door):
    libraries = door["protected_modules"]
    outside = [m for m in MODULES if not is_within(m, door["allowed_importers"] + libraries)]
    said = lint(dict.fromkeys(outside, libraries))
    for library in libraries:
        for place in outside:
            assert f"{place} is not allowed to import {library}" in said or (
                f"{place} -> {library}" in said
            ), (place, library)


def test_no_package_imports_one_above_it_or_beside_it(lint):
    forbidden = {}
    for depth, layer in enumerate(LAYERS):
        above = [name for names in LAYERS[: depth + 1] for name in names]
        for name in layer:
            imports = [f"hfs_cli.{other}" for other in above if other != name]
            if imports:
                forbidden[f"hfs_cli.{name}"] = imports
    # Two modules that import each other are both named, whichever is found first.
    said = lint(forbidden)
    for module, imports in forbidden.items():
        for other in imports:
            assert f"{module} is not allowed to import {other}" in said, (module, other)


def imported_by(path: Path) -> set[str]:
    """The top-level packages that a file names, be it in a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def test_every_library_has_a_door():
    imported = set().union(*map(imported_by, MODULES.values()))
    behind_doors = {library for door in DOORS for library in door["protected_modules"]}
    own = {"hfs_cli", *sys.stdlib_module_names}
    assert imported - own == {name for name in behind_doors if not name.startswith("hfs_cli.")}


@pytest.mark.parametrize("path", MIGRATIONS, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_migration_imports_nothing_of_the_program_and_no_library_but_the_stores(path):
    assert imported_by(path) <= {"peewee", "playhouse", *sys.stdlib_module_names}


def own_imports(module: str) -> set[str]:
    """The modules of the package that a module names, be it in a function or for types alone."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # Of a package's names, some are modules; the others are the package's own.
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inner & MODULES.keys() or {node.module}
    return found & MODULES.keys()


def circles(imports: dict[str, set[str]]) -> list[str]:
    """What is left when modules that import none of the rest go, and those that none imports."""
    left = dict(imports)
    while True:
        named = set().union(*left.values())
        kept = {module: there & left.keys() for module, there in left.items() if module in named}
        kept = {module: there for module, there in kept.items() if there}
        if kept == left:
            return sorted(left)
        left = kept


def test_no_modules_import_each_other_in_a_circle():
    # The contracts hold packages apart; this holds the modules inside of one apart as well. An
    # import in a function counts too: it is what hides a circle.
    assert circles({module: own_imports(module) for module in MODULES}) == []


def test_a_circle_is_found_wherever_it_is_joined():
    line = {"a": {"b"}, "b": {"c"}, "c": set(), "d": {"a", "c"}}
    assert circles(line) == []
    assert circles(line | {"c": {"a"}}) == ["a", "b", "c"]
    assert circles(line | {"c": {"c"}}) == ["c"]


# Where a heavy library may load with the module; everywhere else inside the function that needs
# it. Ruff's TID253 knows no rooms: it is off in those that stand for a library.
AT_THE_TOP = {
    "httpx": ["hfs_cli.providers.http"],
    "peewee": ["hfs_cli.store"],
    "playhouse": ["hfs_cli.store"],
    "psycopg": ["hfs_cli.store.postgres"],
    "rich": ["hfs_cli.render"],
    "pygments": ["hfs_cli.render"],
    "markdown_it": ["hfs_cli.markdown", "hfs_cli.render"],
    "click": ["hfs_cli"],
    "mcp": ["hfs_cli.tools.mcp"],
    "mcp_types": ["hfs_cli.tools.mcp"],
    "anyio": ["hfs_cli.tools.mcp"],
    "httpx2": ["hfs_cli.tools.mcp"],
}


def loaded_with_the_module(tree: ast.Module) -> set[str]:
    """The top-level packages that a module imports when it is imported itself."""
    found = set()
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += [
                child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)
            ]
    return found


@pytest.mark.parametrize("library", [name for door in DOORS for name in door["protected_modules"]])
def test_a_heavy_library_loads_late_but_in_the_room_that_stands_for_it(library):
    early = [
        module
        for module, path in MODULES.items()
        if library in loaded_with_the_module(ast.parse(path.read_text()))
    ]
    assert [module for module in early if not is_within(module, AT_THE_TOP.get(library, []))] == []
