"""What rules read and what they say."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Source:
    """One text file of the repository. `path` is relative to its root; `tree` only for Python."""

    path: PurePosixPath
    text: str
    tree: ast.Module | None = None

    @classmethod
    def read(cls, path: str, text: str) -> Source:
        """Parses Python; raises `SyntaxError` for a broken file."""
        tree = ast.parse(text, filename=path) if path.endswith(".py") else None
        return cls(PurePosixPath(path), text, tree)

    @property
    def lines(self) -> list[str]:
        """The text, line by line, without line ends."""
        return self.text.splitlines()


@dataclass(frozen=True, slots=True)
class Finding:
    """A place that breaks a rule, and what to do about it."""

    source: Source
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.source.path}:{self.line}: {self.message}"


Rule: TypeAlias = Callable[[Source], Iterator[Finding]]
