"""How a formula is refused when saved, and how it fails on a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from formlane.errors import FormlaneError


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the source, in characters from 0; `end` is the first one after it."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """The stretch from the start of this one to the end of `other`."""
        return Span(self.start, other.end)


@dataclass(frozen=True, slots=True)
class FormulaProblem:
    """One reason why a formula cannot be saved.

    `position` counts characters from 0, `length` is 0 at the end of the formula, `suggestion` is a
    sentence that says what to write instead.
    """

    position: int
    length: int
    message: str
    suggestion: str | None = None


class FormulaError(FormlaneError):
    """The formula cannot be compiled; `problems` is never empty and in order of position."""

    def __init__(self, problems: Sequence[FormulaProblem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.position))
        super().__init__(" ".join(problem.message for problem in self.problems))

    @classmethod
    def at(cls, span: Span, message: str, suggestion: str | None = None) -> FormulaError:
        """An error of one problem."""
        return cls([FormulaProblem(span.start, span.end - span.start, message, suggestion)])


class FormulaFault(FormlaneError):  # noqa: N818 - a fault of a record, beside FormulaError of a source
    """A formula has no result for this record; says which part and why, never a value of the record."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


class Mismatch(Exception):  # noqa: N818 - travels from a typing rule to the checker, never further
    """A typing rule does not take an argument."""

    def __init__(self, span: Span, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.span = span
        self.message = message
        self.suggestion = suggestion
