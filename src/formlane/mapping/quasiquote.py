"""Code generation as syntax trees: our own templates with holes, never text of a tenant.

A template is Python source written here. Its holes are names in capitals that start with `H_`; each
is filled with a node, so a field name can only ever become a constant.
"""

from __future__ import annotations

import ast
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
    return cast("list[ast.stmt]", _filled_list(_parsed(template), holes))


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
    title: str,
    parameters: Iterable[str],
    body: Sequence[ast.stmt],
    bound: Mapping[str, object],
    *,
    default: str | None = None,
) -> Callable[..., object]:
    """The compiled function, with nothing else in reach than `bound` and `BUILTINS`.

    `default` names what the last parameter is bound to when it is not given.
    """
    arguments = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(parameter) for parameter in parameters],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[] if default is None else [name(default)],
    )
    definition = ast.FunctionDef(title, arguments, list(body), [])
    tree = ast.fix_missing_locations(ast.Module([definition], []))
    scope: dict[str, object] = {**bound, "__builtins__": BUILTINS}
    exec(compile(tree, f"<{title}>", "exec"), scope)  # noqa: S102 - the tree is built here, from constants
    return cast("Callable[..., object]", scope[title])


@lru_cache(maxsize=256)
def _parsed(template: str) -> list[ast.stmt]:
    return ast.parse(template).body


def _filled_list(nodes: Sequence[object], holes: Mapping[str, Fill]) -> list[object]:
    filled: list[object] = []
    for node in nodes:
        hole = node.value.id if isinstance(node, ast.Expr) and isinstance(node.value, ast.Name) else ""
        fill = holes.get(hole)
        if fill is None or isinstance(fill, ast.expr):
            filled.append(_filled(node, holes))
        else:
            filled.extend(fill)
    return filled


def _filled(node: object, holes: Mapping[str, Fill]) -> object:
    """A copy of the template's node; fills are put in as they are."""
    if isinstance(node, list):
        return _filled_list(node, holes)
    if isinstance(node, ast.Name) and node.id in holes:
        fill = holes[node.id]
        return ast.Name(fill.id, node.ctx) if isinstance(fill, ast.Name) else fill
    if isinstance(node, ast.AST) and node._fields:
        return type(node)(*[_filled(getattr(node, field), holes) for field in node._fields])
    return node
