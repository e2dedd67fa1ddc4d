"""What each type of column takes, and how it is read back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from formlane_sandbox.sfmc.columns import Column, FieldType
from formlane_sandbox.sfmc.values import BadValueError, parser, shown

TEXT = Column(name="A", length=3)
DECIMAL = Column(name="A", type=FieldType.DECIMAL, length=5, scale=2)


def column(kind: FieldType) -> Column:
    return Column(name="A", type=kind)


def taken(of: Column, given: object) -> object:
    return parser(of)(of, given)


@pytest.mark.parametrize(
    ("of", "given", "stored", "read"),
    [
        (TEXT, "abc", "abc", "abc"),
        (TEXT, 12, "12", "12"),
        (TEXT, "ab ", "ab ", "ab "),
        (column(FieldType.TEXT), "x" * 4000, "x" * 4000, "x" * 4000),
        (column(FieldType.NUMBER), 7, 7, "7"),
        (column(FieldType.NUMBER), "-7", -7, "-7"),
        (column(FieldType.NUMBER), Decimal("7.0"), 7, "7"),
        (DECIMAL, Decimal("1.5"), Decimal("1.50"), "1.50"),
        (DECIMAL, "999.994", Decimal("999.99"), "999.99"),
        (DECIMAL, 0, Decimal("0.00"), "0.00"),
        (column(FieldType.BOOLEAN), True, True, "True"),
        (column(FieldType.BOOLEAN), "false", False, "False"),
        (column(FieldType.BOOLEAN), 0, False, "False"),
        (column(FieldType.EMAIL), " a@example.com", "a@example.com", "a@example.com"),
        (column(FieldType.PHONE), "+44 20 7946 0958", "+44 20 7946 0958", "+44 20 7946 0958"),
        (column(FieldType.LOCALE), "en-US", "en-US", "en-US"),
    ],
    ids=lambda value: str(value)[:24] if not isinstance(value, Column) else value.type.value,
)
def test_a_value_is_stored_and_read_back(of: Column, given: object, stored: object, read: str) -> None:
    found = parser(of)(of, given)

    assert (found, type(found)) == (stored, type(stored))
    assert shown(found) == read


@pytest.mark.parametrize(
    ("given", "stored", "read"),
    [
        ("2026-11-23 14:32:00", "2026-11-23T14:32:00", "11/23/2026 2:32:00 PM"),
        ("11/23/2026 02:32:00 PM", "2026-11-23T14:32:00", "11/23/2026 2:32:00 PM"),
        ("2026-11-23T14:32:00Z", "2026-11-23T14:32:00+00:00", "11/23/2026 2:32:00 PM"),
        ("2026-01-02", "2026-01-02T00:00:00", "1/2/2026 12:00:00 AM"),
        ("1/2/2026", "2026-01-02T00:00:00", "1/2/2026 12:00:00 AM"),
    ],
)
def test_times_come_in_several_forms_and_go_out_in_one(given: str, stored: str, read: str) -> None:
    found = taken(column(FieldType.DATE), given)

    assert isinstance(found, datetime)
    assert (found.isoformat(), shown(found)) == (stored, read)


@pytest.mark.parametrize(
    ("of", "given"),
    [
        (TEXT, "abcd"),
        (TEXT, "\N{GRINNING FACE}" * 2),
        (TEXT, ["a"]),
        (column(FieldType.TEXT), "x" * 4001),
        (column(FieldType.NUMBER), 2**31),
        (column(FieldType.NUMBER), Decimal("1.5")),
        (column(FieldType.NUMBER), Decimal("1e999999")),
        (column(FieldType.NUMBER), True),
        (column(FieldType.NUMBER), "seven"),
        (DECIMAL, "1000"),
        (DECIMAL, "much"),
        (DECIMAL, "NaN"),
        (DECIMAL, True),
        (column(FieldType.BOOLEAN), "yes"),
        (column(FieldType.BOOLEAN), 2),
        (column(FieldType.DATE), "tomorrow"),
        (column(FieldType.DATE), "1700-01-01"),
        (column(FieldType.DATE), "9999-12-31T23:59:59-14:00"),
        (column(FieldType.DATE), 20261123),
        (column(FieldType.EMAIL), "nobody"),
        (column(FieldType.EMAIL), f"{'x' * 250}@example.com"),
        (column(FieldType.PHONE), "call me"),
        (column(FieldType.PHONE), "12"),
        (column(FieldType.LOCALE), "english"),
    ],
    ids=lambda value: str(value)[:24] if not isinstance(value, Column) else value.type.value,
)
def test_a_value_is_refused_with_the_name_of_its_column(of: Column, given: object) -> None:
    with pytest.raises(BadValueError, match=r"\[A\]"):
        taken(of, given)
