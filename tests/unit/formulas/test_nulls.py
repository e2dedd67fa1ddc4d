"""What NULL does in each operator and function, as the reference page states it."""

from __future__ import annotations

import pytest

from formlane.domain.types import Value
from tests.unit.formulas.evaluating import fault_of, result_of


@pytest.mark.parametrize("missing", [{}, {"first_name": None, "age": None, "amount": None, "born": None}])
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('first_name & "x" & age', "x"),
        ("TRIM(first_name)", ""),
        ("UPPER(NULL)", ""),
        ("LEN(first_name)", 0),
        ('SUBSTITUTE("aba", "a", first_name)', "b"),
        ('LEFT("abc", age)', ""),
        ("TEXT(age)", ""),
        ('TEXT(age, "0.00")', ""),
        ("TEXT(topics)", ""),
        ("TEXT(sent)", ""),
        ("TEXT(opens)", ""),
        ('DATE_FORMAT(born, "YYYY")', ""),
        ('DATE_FORMAT(NULL, "YYYY HH")', ""),
        ("age + 1", None),
        ("1 - age", None),
        ("age * 0", None),
        ("amount * 2", None),
        ("amount - 2", None),
        ("amount + 2", None),
        ("age / 0", None),
        ("-age", None),
        ("-amount", None),
        ("ROUND(amount, 1)", None),
        ("ROUND(amount)", None),
        ("ROUND(1.25, age)", 1),
        ("VALUE(first_name)", None),
        ("DATE(2026, age, 1)", None),
        ("DATE(amount, 1, 1)", None),
        ("DATEVALUE(first_name)", None),
        ("DATEVALUE(sent)", None),
        ("DATETIMEVALUE(first_name)", None),
        ("DATETIMEVALUE(born)", None),
        ("YEAR(born)", None),
        ("MONTH(born)", None),
        ("DAY(born)", None),
        ("born + 1", None),
        ("born - 1", None),
        ("born - TODAY()", None),
        ("TODAY() + NULL", None),
        ('first_name = ""', True),
        ("first_name = NULL", True),
        ('first_name < "a"', True),
        ("age = NULL", True),
        ("age = 0", False),
        ("age <> 0", True),
        ("age < 1", False),
        ("1 > age", False),
        ("age <= age", False),
        ("age + 1 >= amount", False),
        ("born < TODAY()", False),
        ("extra = NULL", True),
        ("topics = NULL", True),
        ("consent = FALSE", False),
        ("NULL = NULL", True),
        ("NULL < NULL", False),
        ("IF(consent, 1, 2)", 2),
        ("IF(NULL, 1, 2)", 2),
        ("AND(consent)", False),
        ("AND(TRUE, consent)", False),
        ("OR(consent, NULL)", False),
        ("NOT(consent)", True),
        ("ISBLANK(age)", True),
        ("ISBLANK(extra)", True),
        ('COALESCE(first_name, "")', ""),
        ("COALESCE(age, NULL)", None),
        ("COALESCE(age, amount, 5)", 5),
    ],
)
def test_null(source: str, expected: Value, missing: dict[str, Value]) -> None:
    result = result_of(source, **missing)
    assert (result is None, result) == (expected is None, expected)
    assert isinstance(result, bool) == isinstance(expected, bool)


def test_a_null_position_is_a_fault_as_zero_is() -> None:
    assert fault_of('MID("abc", age, 1)').message == 'MID("abc", age, 1): the first character has number 1.'
