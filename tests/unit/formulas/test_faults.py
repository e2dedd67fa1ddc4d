from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation

import pytest

from formlane.domain.types import Value
from formlane.formulas import FormulaContext
from formlane.formulas.faults import fault_of as describe
from tests.unit.formulas.evaluating import fault_of

FAULTS: list[tuple[str, dict[str, Value], int, str]] = [
    ("1 + age / (age - age)", {"age": 3}, 4, "age / (age - age): division by zero."),
    ("first_name & 1 / age", {"age": 0}, 13, "1 / age: division by zero."),
    ("1\n/\nage", {"age": 0}, 0, "1 / age: division by zero."),
    (
        "UPPER(TEXT(VALUE(notes)))",
        {"notes": "12,5"},
        11,
        "VALUE(notes): the text is not a number such as -1234.5.",
    ),
    ("LEFT(notes, -1)", {}, 0, "LEFT(notes, -1): the number of characters is negative."),
    ("RIGHT(notes, age)", {"age": -1}, 0, "RIGHT(notes, age): the number of characters is negative."),
    ("MID(notes, 0, 1)", {}, 0, "MID(notes, 0, 1): the first character has number 1."),
    ("MID(notes, 1, age)", {"age": -1}, 0, "MID(notes, 1, age): the number of characters is negative."),
    ('FIND("a", notes, 0)', {}, 0, 'FIND("a", notes, 0): the first character has number 1.'),
    (
        'SUBSTITUTE(notes, "a", "b", 0)',
        {},
        0,
        'SUBSTITUTE(notes, "a", "b", 0): the first occurrence has number 1.',
    ),
    ("1 & DATE(2026, 2, 30)", {}, 4, "DATE(2026, 2, 30): there is no such date in the calendar."),
    (
        "VALUE(notes)",
        {"notes": "1" * 35},
        0,
        "VALUE(notes): the number has more than 34 digits.",
    ),
    (
        "TEXT(topics)",
        {"topics": ("x" * 20_000,) * 2},
        5,
        "topics: the text would be longer than 32,768 characters.",
    ),
    (
        "DATEVALUE(notes)",
        {"notes": "01/02/2026"},
        0,
        "DATEVALUE(notes): the text is not a date in the form YYYY-MM-DD.",
    ),
    (
        "DATETIMEVALUE(notes)",
        {"notes": "soon"},
        0,
        "DATETIMEVALUE(notes): the text is not a date and time such as 2026-01-31T08:30:00Z.",
    ),
    ("born + 1", {"born": dt.date.max}, 0, "born + 1: the date is out of range (years 1 to 9999)."),
    ("born - 1", {"born": dt.date.min}, 0, "born - 1: the date is out of range (years 1 to 9999)."),
    ("age * age", {"age": 10**10}, 0, "age * age: the whole number is out of range (±10^18)."),
    (
        "amount * amount",
        {"amount": Decimal("1E60")},
        0,
        "amount * amount: the number is out of range (10^100).",
    ),
    ("amount", {"amount": Decimal("NaN")}, 0, "amount: the input does not hold a number."),
    ("amount", {"amount": Decimal("-Infinity")}, 0, "amount: the input does not hold a number."),
    ("amount", {"amount": Decimal("1E100")}, 0, "amount: the input's number is out of range."),
    ("age", {"age": True}, 0, "age: the input does not hold a whole number."),
    ("age", {"age": 10**5000}, 0, "age: the whole number is out of range (±10^18)."),
    (
        "sent",
        {"sent": dt.datetime(2026, 1, 1)},  # noqa: DTZ001 - the naive value is the case
        0,
        "sent: the input does not hold a date and time with a time zone.",
    ),
    ("1 & TRIM(notes)", {"notes": 5}, 4, "TRIM(notes): an input does not hold a value of its type."),
    ("YEAR(born)", {"born": "2026"}, 0, "YEAR(born): an input does not hold a value of its type."),
]


@pytest.mark.parametrize(("source", "values", "position", "message"), FAULTS)
def test_faults_name_the_part_and_the_cause(
    source: str, values: dict[str, Value], position: int, message: str
) -> None:
    fault = fault_of(source, **values)
    assert (fault.position, fault.message, str(fault)) == (position, message, message)


def test_a_fault_never_shows_what_the_record_holds() -> None:
    assert "4111" not in str(fault_of("VALUE(notes)", notes="4111 1111 1111 1111x"))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "there is not enough memory"),
        (InvalidOperation(), "the numbers have no result"),
        (RecursionError(), "there is not enough memory"),
    ],
)
def test_whatever_else_stops_a_formula_is_a_fault_of_the_whole(error: Exception, reason: str) -> None:
    fault = describe(error, "a + b")
    assert (fault.position, fault.message) == (0, f"a + b: {reason}.")


def test_a_fault_does_not_hold_on_to_the_error_behind_it() -> None:
    fault = fault_of("VALUE(notes)", notes="x")
    assert (fault.__context__, fault.__cause__) == (None, None)


def test_a_long_part_is_cut_in_the_message() -> None:
    fault = fault_of("VALUE(" + " & ".join(["notes"] * 40) + ")", notes="x")
    assert len(fault.message) < 120


def test_the_time_of_acceptance_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        FormulaContext(dt.datetime(2026, 1, 1))  # noqa: DTZ001 - the naive value is the case
