"""Small pieces of Python's syntax tree. Names are ours alone: nothing a tenant wrote becomes one."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from formlane.formulas.problems import Span


def literal(value: str | int | bool | None) -> ast.expr:
    """A value written as itself."""
    return ast.Constant(value)


def load(name: str) -> ast.expr:
    """A variable's value."""
    return ast.Name(name, ast.Load())


def bind(name: str, value: ast.expr) -> ast.expr:
    """`(name := value)`."""
    return ast.NamedExpr(ast.Name(name, ast.Store()), value)


def call(function: str, *arguments: ast.expr) -> ast.expr:
    """A call of a runtime function."""
    return ast.Call(load(function), list(arguments), [])


def choose(condition: ast.expr, then: ast.expr, otherwise: ast.expr) -> ast.expr:
    """`then if condition else otherwise`."""
    return ast.IfExp(condition, then, otherwise)


def every(*conditions: ast.expr) -> ast.expr:
    """The conditions joined by `and`."""
    return ast.BoolOp(ast.And(), list(conditions)) if len(conditions) > 1 else conditions[0]


def either(*values: ast.expr) -> ast.expr:
    """The values joined by `or`."""
    return ast.BoolOp(ast.Or(), list(values)) if len(values) > 1 else values[0]


def compare(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.expr:
    """One comparison."""
    return ast.Compare(left, [operator], [right])


def is_null(value: ast.expr) -> ast.expr:
    """`value is None`."""
    return compare(value, ast.Is(), literal(None))


def negation(value: ast.expr) -> ast.expr:
    """`not value`."""
    return ast.UnaryOp(ast.Not(), value)


def total(values: Sequence[ast.expr]) -> ast.expr:
    """The values added up."""
    result = values[0]
    for value in values[1:]:
        result = ast.BinOp(result, ast.Add(), value)
    return result


def joined(parts: Sequence[ast.expr]) -> ast.expr:
    """The texts one after the other."""
    pieces = [part if isinstance(part, ast.Constant) else ast.FormattedValue(part, -1) for part in parts]
    return ast.JoinedStr(list(pieces))


def part_of(text: ast.expr, start: int | None, end: int | None) -> ast.expr:
    """`text[start:end]`."""
    bounds = [None if bound is None else literal(bound) for bound in (start, end)]
    return ast.Subscript(text, ast.Slice(bounds[0], bounds[1]), ast.Load())


def place(tree: ast.AST, span: Span) -> None:
    """Marks everything in the tree that has no place yet as coming from this stretch of the source.

    Python keeps lines with the compiled code, so a position travels as a line number (plus one) and
    costs nothing until an error is looked up.
    """
    stack = [tree]
    while stack:
        node = stack.pop()
        if hasattr(node, "lineno"):
            continue
        if "lineno" in node._attributes:
            placed = {
                "lineno": span.start + 1,
                "end_lineno": span.end + 1,
                "col_offset": 0,
                "end_col_offset": 0,
            }
            for attribute, value in placed.items():
                setattr(node, attribute, value)
        stack.extend(ast.iter_child_nodes(node))
