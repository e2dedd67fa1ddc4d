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


def pair(first: ast.expr, second: ast.expr) -> ast.expr:
    """Both values computed, in this order; true as a condition."""
    return ast.Tuple([first, second], ast.Load())


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


def place(node: ast.expr | ast.stmt, span: Span) -> None:
    """Marks a piece as coming from this stretch of the source.

    Python keeps line numbers with the compiled code, so a position travels as a line number (plus
    one) and costs nothing until an error is looked up.
    """
    node.lineno = span.start + 1
    node.end_lineno = span.end + 1
    node.col_offset = node.end_col_offset = 0


def place_rest(root: ast.stmt, span: Span) -> None:
    """Marks every piece that has no mark yet like the piece around it."""
    start, end = span.start + 1, span.end + 1
    stack: list[tuple[ast.AST, int, int]] = [(root, start, end)]
    while stack:
        node, start, end = stack.pop()
        if node._attributes:
            own = vars(node)
            if "lineno" in own:
                start, end = own["lineno"], own["end_lineno"]
            else:
                own.update(lineno=start, end_lineno=end, col_offset=0, end_col_offset=0)
        for field in node._fields:
            child = getattr(node, field)
            if isinstance(child, list):
                stack.extend((part, start, end) for part in child)
            elif isinstance(child, ast.AST) and child._fields:
                stack.append((child, start, end))
