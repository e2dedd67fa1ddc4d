from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formlane.domain.types import TEXTUAL, FieldType, Value
from formlane.domain.values import LIST_ITEMS, ValueFault, is_empty, read, render, shape

KINDS = st.sampled_from(FieldType)
AWKWARD = (
    "| |250| 250 |-0|1e400|NaN|Infinity|1e-400|٣|１２|true|YES|2024-02-30|2024-12-31|2024-W01-1"
    "|9999-12-31T23:59:59-14:00|0001-01-01T00:00:00+14:00|2024-06-30T23:59:60Z|2024-12-31T18:30Z"
    "|2024-12-31 18:30:00,123456789+0530|18:30|24:00|a;b|;;|a@b.c|https://example.org/x"
    "|+1 (555) 010-2345|QUJD|QUI|\ud800"
)
WORDS = st.sampled_from(AWKWARD.split("|"))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | WORDS
    | st.binary(max_size=3)
    | st.decimals()
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
)


@given(KINDS, ANYTHING)
def test_whatever_comes_is_a_value_or_a_fault_and_never_another_exception(
    kind: FieldType, raw: object
) -> None:
    try:
        value = read(kind, raw)
    except ValueFault:
        return
    assert isinstance(orjson.dumps(render(kind, value)), bytes)


@given(KINDS, ANYTHING)
def test_reading_and_rendering_again_changes_nothing(kind: FieldType, raw: object) -> None:
    try:
        once = render(kind, read(kind, raw))
    except ValueFault:
        return
    assert orjson.dumps(render(kind, read(kind, once))) == orjson.dumps(once)


@given(st.sampled_from([FieldType.STRING, FieldType.TEXT, FieldType.ENUM, FieldType.REFERENCE]), st.text())
def test_text_is_never_altered(kind: FieldType, text: str) -> None:
    assert render(kind, read(kind, text)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**30), max_value=10**30))
def test_decimals_keep_their_value(number: Decimal) -> None:
    rendered = render(FieldType.DECIMAL, read(FieldType.DECIMAL, format(number, "f")))
    assert Decimal(str(json.loads(json.dumps(rendered)))) == number


@given(st.datetimes(timezones=st.timezones()))
def test_instants_keep_their_instant(instant: dt.datetime) -> None:
    text = instant.isoformat()
    try:
        value = read(FieldType.DATETIME, text)
    except ValueFault as fault:
        # seconds in an offset are not ISO 8601, and UTC may leave the calendar
        early_or_late = instant.year in (1, 9999)
        if not early_or_late and text[-3] == ":" and text[-6] != ":":
            raise AssertionError(fault.message) from fault
        return
    assert value == instant.astimezone(dt.UTC)


@pytest.mark.parametrize(
    ("kind", "raw", "value", "rendered"),
    [
        (FieldType.INTEGER, "250", 250, 250),
        (FieldType.INTEGER, " -007 ", -7, -7),
        (FieldType.INTEGER, 250.0, 250, 250),
        (FieldType.INTEGER, "", None, None),
        (FieldType.DECIMAL, "1.50", Decimal("1.50"), 1.5),
        (FieldType.DECIMAL, "12", Decimal(12), 12),
        (FieldType.DECIMAL, "-0", Decimal(0), 0),
        (FieldType.DECIMAL, 1e16, Decimal(10**16), 1e16),
        (
            FieldType.DECIMAL,
            "0.12345678901234567890",
            Decimal("0.12345678901234567890"),
            "0.12345678901234567890",
        ),
        (FieldType.DECIMAL, "9007199254740993", Decimal("9007199254740993"), "9007199254740993"),
        (FieldType.BOOLEAN, "Yes", True, True),
        (FieldType.BOOLEAN, "off", False, False),
        (FieldType.BOOLEAN, 1, True, True),
        (FieldType.DATE, " 2024-02-29 ", dt.date(2024, 2, 29), "2024-02-29"),
        (FieldType.DATE, "2024-02-29", dt.date(2024, 2, 29), "2024-02-29"),
        (
            FieldType.DATETIME,
            "2024-12-31T18:30:00.5+02:00",
            dt.datetime(2024, 12, 31, 16, 30, 0, 500_000, tzinfo=dt.UTC),
            "2024-12-31T16:30:00.500000Z",
        ),
        (FieldType.TIME, "18:30", dt.time(18, 30), "18:30:00"),
        (FieldType.MULTI_ENUM, "a; b;;c", ("a", "b", "c"), ["a", "b", "c"]),
        (FieldType.MULTI_ENUM, ["a;b", ""], ("a;b",), ["a;b"]),
        (FieldType.MULTI_ENUM, [], None, None),
        (FieldType.EMAIL, " Maria@Example.COM ", " Maria@Example.COM ", " Maria@Example.COM "),
        (FieldType.PHONE, "+1 (555) 010-2345 x12", "+1 (555) 010-2345 x12", "+1 (555) 010-2345 x12"),
        (FieldType.REFERENCE, 42, "42", "42"),
        (FieldType.BINARY, "QUJD", "QUJD", "QUJD"),
        (FieldType.JSON, {"a": [1, None]}, {"a": [1, None]}, {"a": [1, None]}),
    ],
)
def test_values_are_read_and_rendered(kind: FieldType, raw: object, value: Value, rendered: object) -> None:
    assert read(kind, raw) == value
    result = render(kind, read(kind, raw))
    assert (result, type(result)) == (rendered, type(rendered))


@pytest.mark.parametrize(
    ("kind", "raw", "code"),
    [
        (FieldType.STRING, 5, "not_text"),
        (FieldType.STRING, "\ud800", "not_encodable"),
        (FieldType.INTEGER, True, "not_an_integer"),
        (FieldType.INTEGER, "12.0", "not_an_integer"),
        (FieldType.INTEGER, "1,000", "not_an_integer"),
        (FieldType.INTEGER, "１２", "not_an_integer"),
        (FieldType.INTEGER, "٣", "not_an_integer"),
        (FieldType.INTEGER, 10**18 + 1, "out_of_range"),
        (FieldType.INTEGER, 10**4000, "out_of_range"),
        (FieldType.DECIMAL, 10**38, "out_of_range"),
        (FieldType.DECIMAL, math.nan, "out_of_range"),
        (FieldType.DECIMAL, math.inf, "out_of_range"),
        (FieldType.DECIMAL, 1e308, "out_of_range"),
        (FieldType.DECIMAL, "NaN", "not_a_decimal"),
        (FieldType.DECIMAL, "1,5", "not_a_decimal"),
        (FieldType.DECIMAL, "9" * 39, "out_of_range"),
        (FieldType.DECIMAL, "1" * 5000, "not_a_decimal"),
        (FieldType.DECIMAL, "1e999999999", "not_a_decimal"),
        (FieldType.DECIMAL, "１.5", "not_a_decimal"),
        (FieldType.BOOLEAN, "maybe", "not_a_boolean"),
        (FieldType.BOOLEAN, 2, "not_a_boolean"),
        (FieldType.DATE, "31.12.2024", "not_a_date"),
        (FieldType.DATE, "20241231", "not_a_date"),
        (FieldType.DATE, "2024-W01-1", "not_a_date"),
        (FieldType.DATE, "2023-02-29", "not_a_date"),
        (FieldType.DATE, "0000-01-01", "not_a_date"),
        (FieldType.DATETIME, "2024-12-31T18:30:00", "no_time_zone"),
        (FieldType.DATETIME, "2024-12-31", "not_a_datetime"),
        (FieldType.DATETIME, "2024-06-30T23:59:60Z", "not_a_datetime"),
        (FieldType.DATETIME, 1735689600, "not_a_datetime"),
        (FieldType.DATETIME, "0001-01-01T00:00:00+14:00", "out_of_range"),
        (FieldType.TIME, "25:00", "not_a_time"),
        (FieldType.TIME, "18:30Z", "not_a_time"),
        (FieldType.MULTI_ENUM, 5, "not_a_list"),
        (FieldType.MULTI_ENUM, ["a", 5], "not_text"),
        (FieldType.MULTI_ENUM, ["a"] * (LIST_ITEMS + 1), "out_of_range"),
        (FieldType.EMAIL, "maria@", "not_an_email"),
        (FieldType.EMAIL, "a b@example.org", "not_an_email"),
        (FieldType.EMAIL, "a@example..org", "not_an_email"),
        (FieldType.PHONE, "call me", "not_a_phone"),
        (FieldType.PHONE, "+", "not_a_phone"),
        (FieldType.PHONE, "１２３４５", "not_a_phone"),
        (FieldType.URL, "javascript:alert(1)", "not_a_url"),
        (FieldType.URL, "https://", "not_a_url"),
        (FieldType.BINARY, "QUI", "not_base64"),
        (FieldType.JSON, {"a": math.nan}, "not_json"),
        (FieldType.JSON, {1: "a"}, "not_text"),
        (FieldType.JSON, 2**64, "not_json"),
    ],
)
def test_what_is_not_of_the_type_is_refused_with_a_code(kind: FieldType, raw: object, code: str) -> None:
    with pytest.raises(ValueFault) as caught:
        read(kind, raw)
    assert caught.value.code == code


@pytest.mark.parametrize("kind", sorted(set(FieldType) - {FieldType.STRING}))
def test_messages_do_not_quote_the_value(kind: FieldType) -> None:
    with pytest.raises(ValueFault) as caught:
        read(kind, "Secret Person \ud800")
    assert "Secret" not in caught.value.message


def test_deep_and_wide_json_ends_in_a_fault() -> None:
    deep: object = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueFault, match="nested"):
        read(FieldType.JSON, deep)
    cyclic: list[object] = []
    cyclic.extend([cyclic] * 10)
    with pytest.raises(ValueFault, match="more than"):
        read(FieldType.JSON, cyclic)


def test_a_value_that_its_type_cannot_hold_is_not_rendered() -> None:
    for value in (
        Decimal("NaN"),
        Decimal("1e999999"),
        10**19,
        dt.datetime.fromisoformat("2024-01-01T00:00"),
        {"a": 1},
    ):
        with pytest.raises(ValueFault):
            render(FieldType.STRING, value)


def test_empty_is_none_for_all_but_text() -> None:
    for kind in FieldType:
        assert read(kind, None) is None
        assert render(kind, None) is None
        if kind is not FieldType.JSON:
            assert is_empty(read(kind, ""))
            assert (read(kind, "") == "") == (kind in TEXTUAL)


def test_shapes_are_told_in_plain_words() -> None:
    given_values: list[object] = [None, True, 1, "a", {}, [], object()]
    words = ["empty", "true or false", "a number", "text", "an object", "a list", "not JSON"]
    assert [shape(raw) for raw in given_values] == words
