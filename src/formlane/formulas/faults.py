"""What is said when generated code fails."""

from __future__ import annotations

from decimal import Overflow
from itertools import islice

from formlane.formulas.problems import FormulaFault
from formlane.formulas.runtime.refusal import Refusal

TRAPPED = (
    Refusal,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
"""Everything that the runtime functions and operators can raise, whatever the record holds."""

_EXCERPT = 60


def fault_of(error: Exception, source: str) -> FormulaFault:
    """The fault for an error caught by generated code; finds the part of the source it arose in."""
    start, end = _place_of(error, len(source))
    excerpt = " ".join(source[start:end].split())
    if len(excerpt) > _EXCERPT:
        excerpt = excerpt[: _EXCERPT - 1] + "…"
    return FormulaFault(f"{excerpt}: {_reason(error)}.", start)


def _reason(error: Exception) -> str:
    if isinstance(error, Refusal):
        return str(error)
    if isinstance(error, Overflow):
        return "the number is out of range (10^100)"
    if isinstance(error, OverflowError):
        return "the date is out of range (years 1 to 9999)"
    if isinstance(error, ArithmeticError):
        return "the numbers have no result"
    if isinstance(error, MemoryError | RecursionError):
        return "there is not enough memory"
    return "an input does not hold a value of its type"


def _place_of(error: Exception, length: int) -> tuple[int, int]:
    trace = error.__traceback__
    if trace is None:
        return 0, length
    positions = trace.tb_frame.f_code.co_positions()
    line, last_line, _, _ = next(islice(positions, trace.tb_lasti // 2, None), (None,) * 4)
    start = (line or trace.tb_lineno) - 1
    return start, last_line - 1 if last_line else length
