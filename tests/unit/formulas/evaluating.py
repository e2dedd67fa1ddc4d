"""The inputs that the formula tests share, and short ways to run one formula."""

from __future__ import annotations

import datetime as dt

from formlane.domain.types import FieldType, Value
from formlane.formulas import FormulaContext, FormulaError, FormulaFault, FormulaProblem, compile_formula

INPUTS = {
    "first_name": FieldType.STRING,
    "last_name": FieldType.STRING,
    "notes": FieldType.TEXT,
    "email": FieldType.EMAIL,
    "age": FieldType.INTEGER,
    "amount": FieldType.DECIMAL,
    "consent": FieldType.BOOLEAN,
    "born": FieldType.DATE,
    "sent": FieldType.DATETIME,
    "opens": FieldType.TIME,
    "topics": FieldType.MULTI_ENUM,
    "extra": FieldType.JSON,
}

ACCEPTED_AT = dt.datetime(2026, 11, 24, 23, 30, 15, 250_000, tzinfo=dt.UTC)
CONTEXT = FormulaContext(ACCEPTED_AT)


def result_of(source: str, **values: Value) -> Value:
    """What the formula gives for these values."""
    return compile_formula(source, inputs=INPUTS)(values, CONTEXT)


def fault_of(source: str, **values: Value) -> FormulaFault:
    """How the formula fails on these values."""
    formula = compile_formula(source, inputs=INPUTS)
    try:
        result = formula(values, CONTEXT)
    except FormulaFault as fault:
        return fault
    raise AssertionError(f"{source} gave {result!r}")


def problems_of(source: str, *, expected: FieldType | None = None) -> tuple[FormulaProblem, ...]:
    """Why the formula cannot be saved."""
    try:
        compile_formula(source, inputs=INPUTS, expected=expected)
    except FormulaError as error:
        return error.problems
    raise AssertionError(f"{source} was accepted")


def outcome_of(source: str, **values: Value) -> str:
    """`error`, `fault` or `result`; any other exception passes through."""
    try:
        compile_formula(source, inputs=INPUTS)(values, CONTEXT)
    except FormulaError:
        return "error"
    except FormulaFault:
        return "fault"
    return "result"
