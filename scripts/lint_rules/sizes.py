"""Files and functions stay small enough to be read at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from scripts.lint_rules.finding import Finding, Source

FILE_LINES: Final = 400
FUNCTION_LINES: Final = 60
"""Counted from `def` to the last line, the docstring left out."""

CODE: Final = frozenset({".py", ".sql", ".js", ".css"})


def check(source: Source) -> Iterator[Finding]:
    """Finds files and functions over the limit."""
    count = len(source.lines)
    if source.path.suffix in CODE and count > FILE_LINES:
        yield Finding(source, FILE_LINES, f"{count} lines; split it by subject, {FILE_LINES} are the limit")
    if source.tree is None:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = _length(node)
            if length > FUNCTION_LINES:
                message = f"{node.name} has {length} lines; {FUNCTION_LINES} are the limit"
                yield Finding(source, node.lineno, message)


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = _extent(node)
    if ast.get_docstring(node, clean=False) is not None:
        lines -= _extent(node.body[0])
    return lines


def _extent(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
