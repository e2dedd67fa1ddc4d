"""What is found in a definition when it is saved or published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from formlane.errors import Problem
from formlane.formulas import FormulaError


class Severity(StrEnum):
    """An error prevents publishing; a warning is for a person to judge."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found. `pointer` is a JSON Pointer into the definition's JSON.

    `suggestion` is a sentence that says what to do instead. For a formula, `position` counts its
    characters from 0 and `length` those at fault.
    """

    severity: Severity
    pointer: str
    code: str
    message: str
    suggestion: str | None = None
    position: int | None = None
    length: int | None = None

    def as_problem(self) -> Problem:
        """The same, for whoever sent the definition."""
        message = self.message if self.suggestion is None else f"{self.message} {self.suggestion}"
        return Problem(self.pointer, self.code, message)


def error(pointer: str, code: str, message: str, suggestion: str | None = None) -> Finding:
    """A finding that prevents publishing."""
    return Finding(
        severity=Severity.ERROR, pointer=pointer, code=code, message=message, suggestion=suggestion
    )


def warning(pointer: str, code: str, message: str, suggestion: str | None = None) -> Finding:
    """A finding for a person to judge."""
    return Finding(
        severity=Severity.WARNING, pointer=pointer, code=code, message=message, suggestion=suggestion
    )


def formula_findings(fault: FormulaError, pointer: str) -> Sequence[Finding]:
    """One finding per problem of a formula; the message counts characters from 1."""
    return [
        Finding(
            severity=Severity.ERROR,
            pointer=pointer,
            code="formula",
            message=f"At character {problem.position + 1}: {problem.message}",
            suggestion=problem.suggestion,
            position=problem.position,
            length=problem.length,
        )
        for problem in fault.problems
    ]


def meant(name: str, known: Iterable[str]) -> str | None:
    """A question for a name that nobody knows, if one that is known is close."""
    near = get_close_matches(name[:200], list(known), n=1)
    return f"Did you mean {near[0]}?" if near else None


def repeated(names: Iterable[str]) -> list[tuple[int, str]]:
    """Places and names of those that were there before, in order."""
    seen: set[str] = set()
    again: list[tuple[int, str]] = []
    for index, name in enumerate(names):
        if name in seen:
            again.append((index, name))
        seen.add(name)
    return again
