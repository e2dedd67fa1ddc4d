"""A test is skipped for a lacking component in one way only, the way that CI turns into a failure."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from scripts.lint_rules.finding import Finding, Source

ALLOWED: Final = "tests/components.py"
SKIPPING: Final = frozenset({"skip", "importorskip"})


def check(source: Source) -> Iterator[Finding]:
    """Finds `pytest.skip` and `pytest.importorskip`; a `skipif` mark with its condition is fine."""
    path = str(source.path)
    if source.tree is None or not path.startswith("tests/") or path == ALLOWED:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and _skips(node.func):
            yield Finding(source, node.lineno, f"skip through `missing` of {ALLOWED}, so that CI notices")


def _skips(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and function.attr in SKIPPING
        and isinstance(function.value, ast.Name)
        and function.value.id == "pytest"
    )
