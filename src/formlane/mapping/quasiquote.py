"""Code generation as syntax trees: our own templates with holes, never text of a tenant.

A template is Python source written here. Its holes are names in capitals that start with `H_`; each
is filled with a node, so a field name can only ever become a constant.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import cast

BUILTINS: Mapping[str, object] = {known.__name__: known for known in (bool, dict, float, int, len, str, type)}
"""All that generated code can reach besides what it is bound to."""

Fill = ast.expr | Sequence[ast.stmt]


def constant(value: str | int | bool | None) -> ast.expr:
    """A literal."""
    return ast.Constant(str(value) if isinstance(value, str) else value)  # a StrEnum is no literal


def name(identifier: str) -> ast.expr:
    """A reference to a local or bound name."""
    return ast.Name(identifier, ast.Load())


def statements(template: str, **holes: Fill) -> list[ast.stmt]:
    """The template's statements, holes filled. A hole that stands alone takes a list of statements."""
    filler = _Filler(holes)
    filled: list[ast.stmt] = []
    for statement in _parsed(template):
        result = filler.visit(copy.deepcopy(statement))
        filled.extend(result if isinstance(result, list) else [result])
    return filled


def expression(template: str, **holes: Fill) -> ast.expr:
    """The template as one expression, holes filled."""
    (statement,) = statements(template, **holes)
    assert isinstance(statement, ast.Expr)
    return statement.value


def all_of(conditions: Sequence[ast.expr]) -> ast.expr:
    """The conditions joined by `and`; True when there are none."""
    if not conditions:
        return constant(True)
    return conditions[0] if len(conditions) == 1 else ast.BoolOp(ast.And(), list(conditions))


def function(
    title: str, parameters: Iterable[str], body: Sequence[ast.stmt], bound: Mapping[str, object]
) -> Callable[..., object]:
    """The compiled function, with nothing else in reach than `bound` and `BUILTINS`."""
    arguments = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(parameter) for parameter in parameters],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )
    definition = ast.FunctionDef(title, arguments, list(body), [])
    tree = ast.fix_missing_locations(ast.Module([definition], []))
    scope: dict[str, object] = {**bound, "__builtins__": BUILTINS}
    exec(compile(tree, f"<{title}>", "exec"), scope)  # noqa: S102 - the tree is built here, from constants
    return cast("Callable[..., object]", scope[title])


@lru_cache(maxsize=256)
def _parsed(template: str) -> list[ast.stmt]:
    return ast.parse(template).body


class _Filler(ast.NodeTransformer):
    def __init__(self, holes: Mapping[str, Fill]) -> None:
        self.holes = holes

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        if isinstance(node.value, ast.Name) and node.value.id in self.holes:
            fill = self.holes[node.value.id]
            if not isinstance(fill, ast.expr):
                return list(fill)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        fill = self.holes.get(node.id)
        if isinstance(fill, ast.Name):
            return ast.Name(fill.id, node.ctx)
        return fill if isinstance(fill, ast.expr) else node
