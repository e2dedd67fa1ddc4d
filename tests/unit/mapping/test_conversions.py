from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from formlane.domain.types import TEXTUAL, FieldType, Value
from formlane.domain.values import ValueFault
from formlane.mapping.conversions import conversion

NOON = dt.datetime(2024, 12, 31, 12, tzinfo=dt.UTC)


def converted(source: FieldType, target: FieldType, value: Value) -> Value:
    way = conversion(source, target)
    assert way is not None
    return way(value)


@pytest.mark.parametrize(
    ("source", "target", "value", "result"),
    [
        (FieldType.INTEGER, FieldType.STRING, 250, "250"),
        (FieldType.DECIMAL, FieldType.STRING, Decimal("1.50"), "1.50"),
        (FieldType.BOOLEAN, FieldType.STRING, True, "true"),
        (FieldType.BOOLEAN, FieldType.INTEGER, True, 1),
        (FieldType.INTEGER, FieldType.BOOLEAN, 0, False),
        (FieldType.DATE, FieldType.TEXT, dt.date(2024, 12, 31), "2024-12-31"),
        (FieldType.DATE, FieldType.DATETIME, dt.date(2024, 12, 31), NOON.replace(hour=0)),
        (FieldType.DATETIME, FieldType.DATE, NOON, dt.date(2024, 12, 31)),
        (FieldType.DATETIME, FieldType.TIME, NOON, dt.time(12)),
        (FieldType.DATETIME, FieldType.STRING, NOON, "2024-12-31T12:00:00Z"),
        (FieldType.TIME, FieldType.STRING, dt.time(12), "12:00:00"),
        (FieldType.MULTI_ENUM, FieldType.STRING, ("a", "b"), "a;b"),
        (FieldType.MULTI_ENUM, FieldType.ENUM, ("a",), "a"),
        (FieldType.STRING, FieldType.MULTI_ENUM, "a;b", ("a", "b")),
        (FieldType.STRING, FieldType.INTEGER, " 250 ", 250),
        (FieldType.STRING, FieldType.DATE, "", None),
        (FieldType.DECIMAL, FieldType.INTEGER, Decimal("3.00"), 3),
        (FieldType.JSON, FieldType.STRING, {"a": [1]}, '{"a":[1]}'),
        (FieldType.JSON, FieldType.STRING, "text", "text"),
        (FieldType.JSON, FieldType.INTEGER, "5", 5),
        (FieldType.DATE, FieldType.JSON, dt.date(2024, 12, 31), "2024-12-31"),
        (FieldType.INTEGER, FieldType.PHONE, 15550102345, "15550102345"),
    ],
)
def test_values_change_type_without_loss(
    source: FieldType, target: FieldType, value: Value, result: Value
) -> None:
    assert converted(source, target, value) == result


@pytest.mark.parametrize(
    ("source", "target", "value"),
    [
        (FieldType.DECIMAL, FieldType.INTEGER, Decimal("3.5")),
        (FieldType.DECIMAL, FieldType.INTEGER, Decimal(10**19)),
        (FieldType.INTEGER, FieldType.BOOLEAN, 2),
        (FieldType.MULTI_ENUM, FieldType.ENUM, ("a", "b")),
        (FieldType.STRING, FieldType.DATE, "31.12.2024"),
        (FieldType.STRING, FieldType.EMAIL, "nobody"),
        (FieldType.JSON, FieldType.DATE, {"a": 1}),
    ],
)
def test_a_value_that_would_lose_something_is_a_fault(
    source: FieldType, target: FieldType, value: Value
) -> None:
    way = conversion(source, target)
    assert way is not None
    assert way.may_fail
    with pytest.raises(ValueFault):
        way(value)


def test_every_type_has_a_text_and_a_json_form() -> None:
    for kind in FieldType:
        for target in (FieldType.STRING, FieldType.TEXT, FieldType.REFERENCE, FieldType.JSON):
            assert conversion(kind, target) is not None
        assert converted(kind, FieldType.STRING, None) is None


def test_only_dropping_a_part_of_an_instant_is_lossy() -> None:
    pairs = [(source, target) for source in FieldType for target in FieldType]
    lossy = {pair for pair in pairs if (way := conversion(*pair)) is not None and way.lossy}
    assert lossy == {(FieldType.DATETIME, FieldType.DATE), (FieldType.DATETIME, FieldType.TIME)}


def test_there_is_no_way_between_things_that_have_nothing_in_common() -> None:
    none = {(a, b) for a in FieldType for b in FieldType if conversion(a, b) is None}
    assert (FieldType.INTEGER, FieldType.DATE) in none
    assert (FieldType.BOOLEAN, FieldType.EMAIL) in none
    assert not [pair for pair in none if pair[0] in TEXTUAL | {FieldType.JSON}]
