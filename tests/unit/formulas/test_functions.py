from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from formlane.domain.types import Value
from tests.unit.formulas.evaluating import ACCEPTED_AT, result_of

TEXTS: list[tuple[str, dict[str, Value], Value]] = [
    ("TRIM(first_name)", {"first_name": "  a   b  "}, "a b"),
    ("TRIM(first_name)", {"first_name": " a "}, "a"),
    ("TRIM(first_name)", {"first_name": "\u00a0 a\t "}, "\u00a0 a\t"),
    ("TRIM(first_name)", {"first_name": "    "}, ""),
    ("TRIM(LEFT(first_name, 9))", {"first_name": " a  b "}, "a b"),
    ("PROPER(first_name)", {"first_name": "it's 2nd o'NEIL"}, "It'S 2Nd O'Neil"),
    ("UPPER(first_name)", {"first_name": "straße"}, "STRASSE"),
    ("LOWER(first_name)", {"first_name": "ÉCOLE"}, "école"),
    ("UPPER(age)", {"age": 5}, "5"),
    ("LEFT(first_name)", {"first_name": "abc"}, "a"),
    ("LEFT(first_name, 0)", {"first_name": "abc"}, ""),
    ("LEFT(first_name, age)", {"first_name": "abc", "age": 2}, "ab"),
    ("LEFT(first_name, 1.9)", {"first_name": "abc"}, "a"),
    ("RIGHT(first_name)", {"first_name": "abc"}, "c"),
    ("RIGHT(first_name, 0)", {"first_name": "abc"}, ""),
    ("RIGHT(first_name, 9)", {"first_name": "abc"}, "abc"),
    ("RIGHT(first_name, age)", {"first_name": "abc", "age": 0}, ""),
    ("RIGHT(first_name, age)", {"first_name": "abc", "age": 2}, "bc"),
    ("MID(first_name, 2, 1)", {"first_name": "abc"}, "b"),
    ("MID(first_name, 9, 1)", {"first_name": "abc"}, ""),
    ("MID(first_name, age, age)", {"first_name": "abc", "age": 2}, "bc"),
    ("LEN(first_name)", {"first_name": "a😀é"}, 3),
    ('SUBSTITUTE(first_name, "a", "")', {"first_name": "banana"}, "bnn"),
    ('SUBSTITUTE(first_name, "", "x")', {"first_name": "abc"}, "abc"),
    ('SUBSTITUTE(first_name, "A", "x")', {"first_name": "abc"}, "abc"),
    ('SUBSTITUTE(first_name, "aa", "x")', {"first_name": "aaa"}, "xa"),
    ('SUBSTITUTE(first_name, "a", "xy", 2)', {"first_name": "banana"}, "banxyna"),
    ('SUBSTITUTE(first_name, "a", "x", 9)', {"first_name": "banana"}, "banana"),
    ('SUBSTITUTE(first_name, "", "x", 1)', {"first_name": "abc"}, "abc"),
    ('SUBSTITUTE(first_name, "a", "x", age)', {"first_name": "aaa", "age": 3}, "aax"),
    ('CONTAINS(first_name, "B")', {"first_name": "abc"}, False),
    ('CONTAINS(topics, "b")', {"topics": ("a", "b")}, True),
    ('CONTAINS(topics, "b")', {"topics": ("ab",)}, False),
    ('CONTAINS(topics, "b")', {}, False),
    ('FIND("c", first_name)', {"first_name": "abcabc"}, 3),
    ('FIND("c", first_name, 4)', {"first_name": "abcabc"}, 6),
    ('FIND("x", first_name)', {"first_name": "abc"}, 0),
    ("EXACT(first_name, last_name)", {"first_name": "a", "last_name": "A"}, False),
    ("EXACT(first_name, last_name)", {"first_name": "a", "last_name": "a"}, True),
    ("first_name = last_name", {"first_name": "Straße", "last_name": "STRASSE"}, True),
    ('first_name <> "ADA"', {"first_name": "ada"}, False),
    ("first_name < last_name", {"first_name": "Zoe", "last_name": "ada"}, False),
    ("first_name <> last_name", {"first_name": "a", "last_name": "b"}, True),
    ("first_name & last_name", {"first_name": "a", "last_name": "b"}, "ab"),
    ("first_name & age & consent", {"first_name": "a", "age": 1, "consent": False}, "a1FALSE"),
    ("TEXT(age)", {"age": -5}, "-5"),
    ("TEXT(amount)", {"amount": Decimal("1E+3")}, "1000"),
    ("TEXT(amount)", {"amount": Decimal("-0.00")}, "0"),
    ("TEXT(amount)", {"amount": Decimal("0.000000100")}, "0.0000001"),
    ("TEXT(consent)", {"consent": True}, "TRUE"),
    ("TEXT(topics)", {"topics": ("a", "b")}, "a;b"),
    ("TEXT(topics)", {"topics": ()}, ""),
    ("TEXT(sent)", {"sent": ACCEPTED_AT}, "2026-11-24T23:30:15.250000Z"),
    ("TEXT(opens)", {"opens": dt.time(9, 30)}, "09:30:00"),
    ('TEXT(amount, "0.00")', {"amount": Decimal("2.345")}, "2.35"),
    ('TEXT(amount, "0.00")', {"amount": Decimal("-2.345")}, "-2.35"),
    ('TEXT(amount, "0.00")', {"amount": Decimal("-0.001")}, "0.00"),
    ('TEXT(amount, "#,##0.0")', {"amount": Decimal("1234567.85")}, "1,234,567.9"),
    ('TEXT(age, "000")', {"age": 7}, "007"),
    ('TEXT(age, "#,##0")', {"age": 123}, "123"),
    ('TEXT(age, "#,##0")', {"age": -1234}, "-1,234"),
    ("VALUE(first_name)", {"first_name": " +12.50 "}, Decimal("12.50")),
    ("VALUE(first_name)", {"first_name": "5."}, Decimal(5)),
    ("VALUE(first_name)", {"first_name": "-0"}, Decimal(0)),
    ("VALUE(age)", {"age": 5}, 5),
]

LOGIC: list[tuple[str, dict[str, Value], Value]] = [
    ("IF(consent, 1, 2)", {"consent": True}, 1),
    ("IF(consent, 1)", {"consent": False}, None),
    ("IF(consent, 1, 1 / age)", {"consent": True, "age": 0}, Decimal(1)),
    ("IF(consent, 1, 2.5)", {"consent": True}, Decimal(1)),
    ("AND(consent, age > 1)", {"consent": True, "age": 2}, True),
    ("AND(FALSE, 1 / age > 1)", {"age": 0}, False),
    ("OR(consent, age > 1)", {"consent": False, "age": 1}, False),
    ("OR(TRUE, 1 / age > 1)", {"age": 0}, True),
    ("NOT(consent)", {"consent": True}, False),
    ("COALESCE(first_name, last_name, email)", {"last_name": "", "email": "e"}, "e"),
    ("COALESCE(first_name, last_name)", {"first_name": "a"}, "a"),
    ("COALESCE(age, 1 / 0, 5)", {"age": 0}, Decimal(0)),
    ("COALESCE(born, TODAY())", {}, dt.date(2026, 11, 24)),
    ("COALESCE(topics, topics)", {"topics": ("a",)}, ("a",)),
    ("ISBLANK(first_name)", {"first_name": ""}, True),
    ("ISBLANK(first_name)", {"first_name": " "}, False),
    ("ISBLANK(topics)", {"topics": ()}, True),
    ("ISBLANK(age)", {"age": 0}, False),
    ("ISBLANK(0)", {}, False),
    ("ISBLANK(0.5)", {}, False),
    ("ISBLANK(NULL)", {}, True),
    ("AND(NULL, TRUE)", {}, False),
    ("COALESCE(5, 6)", {}, 5),
    ('CASE(first_name, "a", 1, "B", 2)', {"first_name": "b"}, 2),
    ('CASE(first_name, "a", 1, "B", 2)', {"first_name": "c"}, None),
    ('CASE(age, 1, "one", 2, "two", "many")', {"age": 2}, "two"),
    ('CASE(age, 1, "one", "many")', {}, "many"),
    ('CASE(age, NULL, "none", "some")', {}, "none"),
    ('CASE(first_name, LOWER(last_name), "same", 1 / 0 & "")', {"first_name": "X", "last_name": "X"}, "same"),
]

NUMBERS: list[tuple[str, dict[str, Value], Value]] = [
    ("ROUND(amount, 0)", {"amount": Decimal("2.5")}, 3),
    ("ROUND(amount)", {"amount": Decimal("-2.5")}, -3),
    ("ROUND(amount, 2)", {"amount": Decimal("1.005")}, Decimal("1.01")),
    ("ROUND(amount, 2)", {"amount": Decimal("-0.001")}, Decimal(0)),
    ("ROUND(amount, 40)", {"amount": Decimal("1.5")}, Decimal("1.5")),
    ("ROUND(amount, age)", {"amount": Decimal("1250"), "age": -2}, Decimal(1300)),
    ("ROUND(amount, age)", {"amount": Decimal("1250"), "age": -200}, Decimal(0)),
    ("ROUND(age, -2)", {"age": 1250}, 1300),
    ("ROUND(age, 2)", {"age": 5}, 5),
    ("age - amount", {"age": 1, "amount": Decimal("0.5")}, Decimal("0.5")),
    ("-amount", {"amount": Decimal("0.5")}, Decimal("-0.5")),
    ("-age", {"age": 5}, -5),
    ("10 / 4", {}, Decimal("2.5")),
    ("-0.0", {}, Decimal(0)),
]

DATES: list[tuple[str, dict[str, Value], Value]] = [
    ("DATE(2024, 2, 29)", {}, dt.date(2024, 2, 29)),
    ('DATE(VALUE("2024"), 2, 1)', {}, dt.date(2024, 2, 1)),
    ("DATEVALUE(first_name)", {"first_name": " 2024-02-29 "}, dt.date(2024, 2, 29)),
    ("DATEVALUE(sent)", {"sent": ACCEPTED_AT}, dt.date(2026, 11, 24)),
    ("DATEVALUE(born)", {"born": dt.date(2000, 1, 1)}, dt.date(2000, 1, 1)),
    (
        "DATETIMEVALUE(first_name)",
        {"first_name": "2026-01-01T00:30:00+14:00"},
        dt.datetime(2025, 12, 31, 10, 30, tzinfo=dt.UTC),
    ),
    (
        "DATETIMEVALUE(first_name)",
        {"first_name": "2026-01-01 00:30"},
        dt.datetime(2026, 1, 1, 0, 30, tzinfo=dt.UTC),
    ),
    ("DATETIMEVALUE(born)", {"born": dt.date(2026, 1, 1)}, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    ("YEAR(born)", {"born": dt.date(2026, 3, 4)}, 2026),
    ("MONTH(born)", {"born": dt.date(2026, 3, 4)}, 3),
    ("DAY(sent)", {"sent": ACCEPTED_AT}, 24),
    ("TODAY()", {}, dt.date(2026, 11, 24)),
    ("NOW()", {}, ACCEPTED_AT),
    ("born + 30", {"born": dt.date(2026, 1, 31)}, dt.date(2026, 3, 2)),
    ("1 + born", {"born": dt.date(2026, 1, 31)}, dt.date(2026, 2, 1)),
    ("born - 31", {"born": dt.date(2026, 1, 31)}, dt.date(2025, 12, 31)),
    ("TODAY() - born", {"born": dt.date(2026, 11, 1)}, 23),
    ("sent + 1", {"sent": ACCEPTED_AT}, ACCEPTED_AT + dt.timedelta(days=1)),
    ("born < TODAY()", {"born": dt.date(2026, 11, 1)}, True),
    ("sent = NOW()", {"sent": ACCEPTED_AT.astimezone(dt.timezone(dt.timedelta(hours=14)))}, True),
    ('DATE_FORMAT(born, "YYYY-MM-DD")', {"born": dt.date(33, 4, 3)}, "0033-04-03"),
    ('DATE_FORMAT(born, "D.M.YY")', {"born": dt.date(2006, 4, 3)}, "3.4.06"),
    ('DATE_FORMAT(born, "EEEE, D MMMM")', {"born": dt.date(2026, 11, 24)}, "Tuesday, 24 November"),
    ('DATE_FORMAT(born, "EEE MMM")', {"born": dt.date(2026, 11, 24)}, "Tue Nov"),
    ("DATE_FORMAT(sent, \"YYYYMMDD'T'HHmmssSSS\")", {"sent": ACCEPTED_AT}, "20261124T233015250"),
    ('DATE_FORMAT(sent, "h:mm a")', {"sent": ACCEPTED_AT}, "11:30 PM"),
    ('DATE_FORMAT(opens, "hh:mm a")', {"opens": dt.time(0, 5)}, "12:05 AM"),
    ('DATE_FORMAT(opens, "H")', {"opens": dt.time(7, 5)}, "7"),
    ('DATE_FORMAT(born, "")', {"born": dt.date(2026, 1, 1)}, ""),
]


@pytest.mark.parametrize(("source", "values", "expected"), TEXTS + LOGIC + NUMBERS)
def test_functions_give_what_the_reference_says(
    source: str, values: dict[str, Value], expected: Value
) -> None:
    result = result_of(source, **values)
    assert (result, type(result)) == (expected, type(expected))


@pytest.mark.parametrize(("source", "values", "expected"), DATES)
def test_date_functions_give_what_the_reference_says(
    source: str, values: dict[str, Value], expected: Value
) -> None:
    result = result_of(source, **values)
    assert (result, type(result)) == (expected, type(expected))


def test_plain_parts_of_a_date_pattern_stay_as_they_are() -> None:
    born = dt.date(2026, 1, 1)
    assert result_of("DATE_FORMAT(born, \"100% '%d {0.__class__}' ''YY\")", born=born) == (
        "100% %d {0.__class__} '26"
    )
