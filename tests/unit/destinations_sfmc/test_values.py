from __future__ import annotations

from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest

from formlane.destinations.sfmc.schema import Column
from formlane.destinations.sfmc.values import as_moment, as_text, as_utc, as_written, converter
from formlane.domain.types import FieldType, Json

BERLIN = ZoneInfo("Europe/Berlin")


def column(kind: str) -> Column:
    return Column(
        name="A", kind=kind, length=None, scale=None, required=False, is_key=False, has_default=False
    )


@pytest.mark.parametrize(
    ("value", "utc", "berlin"),
    [
        ("2026-11-23T14:32:00Z", "2026-11-23 14:32:00", "2026-11-23 15:32:00"),
        ("2026-07-01T23:30:01.123456Z", "2026-07-01 23:30:01", "2026-07-02 01:30:01"),
        ("2026-11-23", "2026-11-23 00:00:00", "2026-11-23 00:00:00"),
        ("11/23/2026 2:32:00 PM", "11/23/2026 2:32:00 PM", "11/23/2026 2:32:00 PM"),
        ("", "", ""),
        ("oh dear, a Z", "oh dear, a Z", "oh dear, a Z"),
        (None, None, None),
        (5, 5, 5),
        ("9999-12-31T23:30:00Z", "9999-12-31 23:30:00", "9999-12-31T23:30:00Z"),
    ],
    ids=["moment", "summer", "date", "vendors", "empty", "text", "null", "number", "end-of-time"],
)
def test_moments_are_written_as_they_read_in_the_zone(value: Json, utc: Json, berlin: Json) -> None:
    assert (as_utc(value), as_moment(value, zone=BERLIN)) == (utc, berlin)


@pytest.mark.parametrize(
    "value", ["2026-11-23T14:32:00Z", "2026-07-01T23:30:01.123456Z", None, "", 5], ids=str
)
def test_the_short_way_gives_the_same(value: Json) -> None:
    assert as_written(value) == as_utc(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (None, None),
        (True, "true"),
        (12, "12"),
        (1.5, "1.5"),
        (["a", "b"], "a;b"),
        ([1, "b"], '[1,"b"]'),
        (MappingProxyType({"a": (1, MappingProxyType({"b": None}))}), '{"a":[1,{"b":null}]}'),
    ],
    ids=["text", "null", "boolean", "integer", "float", "choices", "list", "object"],
)
def test_text_columns_take_text(value: Json, text: Json) -> None:
    assert as_text(value) == text


def test_only_what_must_be_is_converted() -> None:
    assert converter(column("text"), FieldType.STRING, None) is None
    assert converter(column("text"), FieldType.INTEGER, None) is as_text
    assert converter(column("locale"), None, None) is as_text
    assert converter(column("number"), FieldType.INTEGER, None) is None
    assert converter(column("date"), FieldType.DATETIME, None) is as_written
    assert converter(column("date"), FieldType.STRING, None) is as_utc
    in_berlin = converter(column("date"), FieldType.DATETIME, BERLIN)
    assert in_berlin is not None
    assert in_berlin("2026-11-23T14:32:00Z") == "2026-11-23 15:32:00"


def test_what_json_cannot_hold_is_left_to_the_encoder() -> None:
    assert as_text(["a", {"b": "\ud800"}]) == ["a", {"b": "\ud800"}]
    assert as_text([{"a": object()}]) != ""  # type: ignore[dict-item]  # what no mapping gives
