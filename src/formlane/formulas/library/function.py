"""What a function of the language is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from formlane.formulas.problems import Span
from formlane.formulas.typed import Typed


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSite:
    """One call, its arguments already typed and within the function's number of arguments."""

    span: Span
    arguments: tuple[Typed, ...]

    def get(self, index: int) -> Typed | None:
        """The argument, if it was given."""
        return self.arguments[index] if index < len(self.arguments) else None


Rule: TypeAlias = Callable[[CallSite], Typed]
"""Types one call; raises `Mismatch` for an argument that does not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function: what the editor and the reference show, and how a call is typed.

    `example` is a formula without inputs; `gives` is what it gives, as TEXT would write it.
    """

    name: str
    signature: str
    description: str
    example: str
    gives: str
    least: int
    most: int | None
    rule: Rule

    def takes(self) -> str:
        """The number of arguments in words."""
        if self.most is None:
            return f"at least {self.least} arguments"
        if self.least == self.most:
            return "no arguments" if self.most == 0 else f"{self.most} argument{'s' * (self.most > 1)}"
        return f"{self.least} to {self.most} arguments"
