from __future__ import annotations

from uuid import UUID

import pytest

from formlane.destinations.base import Call, CallRecord
from formlane.destinations.servicenow.creating import tracking_value
from formlane.destinations.servicenow.values import spelling_of, text_of, wire
from formlane.domain.flows import Operation
from formlane.domain.types import FieldType, Json


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        (None, ""),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (-0.5, "-0.5"),
        (1e-7, "0.0000001"),
        (1e16, "10000000000000000"),
        (["a", "b"], "a,b"),
        ([], ""),
        ([1, "a"], '[1,"a"]'),
        ({"a": None}, '{"a":null}'),
    ],
    ids=repr,
)
def test_everything_is_text(value: Json, text: str) -> None:
    assert text_of(value) == text


def call(types: dict[str, FieldType]) -> Call:
    return Call(
        id=UUID(int=1),
        object="x",
        operation=Operation.INSERT,
        records=[],
        columns=tuple(types),
        types=tuple(types.values()),
    )


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (FieldType.DATETIME, "2024-12-31T17:30:00Z", "2024-12-31 17:30:00"),
        (FieldType.DATETIME, "2024-12-31T17:30:00.123456Z", "2024-12-31 17:30:00"),
        (FieldType.DATETIME, None, ""),
        (FieldType.TIME, "18:30:15.25", "1970-01-01 18:30:15"),
        (FieldType.DATE, "2024-12-31", "2024-12-31"),
        (FieldType.JSON, ["a"], '["a"]'),
        (FieldType.JSON, "text", "text"),
        (FieldType.MULTI_ENUM, ["a"], "a"),
    ],
    ids=repr,
)
def test_types_have_a_spelling(kind: FieldType, value: Json, text: str) -> None:
    assert wire({"f": value}, spelling_of(call({"f": kind}))) == {"f": text}


def test_tracking_values() -> None:
    record = CallRecord("b:0", "fl" + "0" * 30, {"a": 1, "b": ""})
    own = tracking_value("sys_id", record)

    assert tracking_value("a", record) == "1"
    assert tracking_value("b", record) == tracking_value("c", record) == "fl" + "0" * 30
    assert len(own) == 32
    assert int(own, 16) > 0
    assert own == tracking_value("sys_id", record)
    assert own != tracking_value("sys_id", CallRecord("b:1", "fl" + "0" * 29 + "1", {}))
