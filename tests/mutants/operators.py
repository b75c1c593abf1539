"""Small changes to a module, each of which some test should notice."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd,
}


@dataclass(frozen=True)
class Mutant:
    """One change.

    Args:
        line: Where it is, in the module as it is.
        before: The piece as it was.
        after: What stands there instead.
        make: Writes the whole module with the change, which takes a while.
    """

    line: int
    before: str
    after: str
    make: Callable[[], str]


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    tree = ast.parse(source)
    typed = _annotations(tree)
    places = [n for n in ast.walk(tree) if n not in typed and isinstance(n, ast.expr | ast.stmt)]
    for node in sorted(places, key=lambda n: (n.lineno, n.col_offset)):
        for changed in _changes(node):
            # `after=` shows the change; `before` is unparsed too, so that only it differs.
            whole = partial(_replaced, tree, node, changed)
            yield Mutant(node.lineno, ast.unparse(node), ast.unparse(changed), whole)


def _annotations(tree: ast.Module) -> set[ast.AST]:
    """Nodes that no run can notice: annotations, docstrings, what only type checkers see."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        silent: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef):
            silent = [
                node.returns,
                *(a.annotation for a in ast.walk(node.args) if hasattr(a, "annotation")),
            ]
        elif isinstance(node, ast.AnnAssign):
            silent = [node.annotation]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            silent = [node]
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            silent.append(node.body[0])
        for part in silent:
            if part is not None:
                found |= set(ast.walk(part))
    return found


def _replaced(tree: ast.Module, node: ast.AST, changed: ast.AST) -> str:
    """The module's source with one node replaced."""

    class Swap(ast.NodeTransformer):
        def visit(self, here: ast.AST) -> ast.AST:
            return changed if here is node else self.generic_visit(here)

    # The tree is walked on a copy of its spine alone: generic_visit writes into it.
    memo: dict[int, object] = {id(node): node}
    return ast.unparse(ast.fix_missing_locations(Swap().visit(copy.deepcopy(tree, memo))))


def _changes(node: ast.AST) -> Iterator[ast.AST]:  # noqa: C901, PLR0912  (a flat table)
    match node:
        case ast.Compare(left=left, ops=[op, *rest], comparators=comparators) if (
            type(op) in _COMPARE
        ):
            yield ast.Compare(left, [_COMPARE[type(op)](), *rest], comparators)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            yield ast.BinOp(left, _ARITHMETIC[type(op)](), right)
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str() as value) if value:
            yield ast.Constant("")
        case ast.If(body=body, orelse=orelse):
            yield ast.If(ast.Constant(False), body, orelse)
            if not orelse:
                yield ast.If(ast.Constant(True), body, orelse)
        case ast.Return(value=value) if value is not None and not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Raise() | ast.Break():
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()
        case _:
            pass
