"""The core knows no vendor: a kind of destination is named in its own folder and the catalogue only.

Looks at identifiers and at texts of the code; prose in docstrings and comments may give examples. A line
that must name a kind says why: `# vendor name: reason`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from scripts.lint_rules.finding import Finding, Source

KINDS: Final = frozenset({"salesforce", "sfmc", "servicenow", "jira", "sftp", "webhook"})
PRODUCT: Final = "src/formlane/"
OPEN: Final = (
    "src/formlane/destinations/catalogue.py",
    "src/formlane/cli/demo",  # sets up one flow per kind to look at
)
ESCAPE: Final = "# vendor name: "

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def check(source: Source) -> Iterator[Finding]:
    """Finds kinds named where the code must not depend on them."""
    path = str(source.path)
    if source.tree is None or not path.startswith(PRODUCT) or path.startswith(OPEN):
        return
    own = _own_kind(path)
    prose = _prose(source.tree)
    lines = source.lines
    for node in ast.walk(source.tree):
        if node in prose:
            continue
        for name in _names(node):
            foreign = _kinds_in(name) - {own}
            line = getattr(node, "lineno", 1)
            if foreign and ESCAPE not in lines[line - 1]:
                yield Finding(
                    source, line, f"names {', '.join(sorted(foreign))} outside its folder: {name!r}"
                )


def _own_kind(path: str) -> str | None:
    match = re.match(rf"{PRODUCT}destinations/([a-z]+)/", path)
    return match[1] if match else None


def _kinds_in(name: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(name)} & KINDS


def _prose(tree: ast.Module) -> set[ast.AST]:
    """Texts that stand alone as a statement: docstrings of modules, classes, functions, attributes."""
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def _names(node: ast.AST) -> Iterator[str]:
    """Every name or text that this one node brings in."""
    for field in ("id", "attr", "name", "arg", "asname", "module", "value"):
        text = getattr(node, field, None)
        if isinstance(text, str):
            yield text
