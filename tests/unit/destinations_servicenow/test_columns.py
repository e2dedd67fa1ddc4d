from __future__ import annotations

from collections.abc import Sequence

import pytest

from formlane.destinations.base import FieldInfo
from formlane.destinations.servicenow.columns import Row, read_columns, read_page_columns
from formlane.destinations.servicenow.types import SKIPPED, TYPES
from formlane.domain.types import FieldType

CHAIN = ("incident", "task")


def column(element: str, internal_type: str = "string", table: str = "task", **values: str) -> Row:
    return {"name": table, "element": element, "internal_type": internal_type, **values}


def one(row: Row, *, overrides: Sequence[Row] = (), choices: Sequence[Row] = ()) -> FieldInfo:
    [field] = read_columns(CHAIN, [row], overrides, choices)
    return field


def test_the_nearest_table_wins() -> None:
    rows = [column("a", table="incident", column_label="Child"), column("a", column_label="Parent")]
    for order in (rows, rows[::-1]):
        [field] = read_columns(CHAIN, order, [], [])
        assert field.label == "Child"


def test_overrides_hold_where_they_are_switched_on() -> None:
    row = column("a", mandatory="false", read_only="false")
    override = column("a", table="incident", mandatory="true", mandatory_override="true", read_only="true")

    assert one(row).required is False
    assert one(row, overrides=[override]).required is True
    assert one(row, overrides=[override]).createable is True


@pytest.mark.parametrize(
    ("kind", "listed", "open_"),
    [("0", False, False), ("1", True, False), ("2", True, True), ("3", True, False)],
)
def test_choices_by_kind_of_list(kind: str, listed: bool, open_: bool) -> None:
    choices = [{"name": "task", "element": "a", "value": value} for value in ("1", "2", "1")]
    field = one(column("a", "integer", choice=kind), choices=choices)

    assert field.type is (FieldType.ENUM if listed else FieldType.INTEGER)
    assert field.choices == (("1", "2") if listed else ())
    assert field.open_choices is open_


def test_choices_of_a_child_replace_those_of_its_parent() -> None:
    choices = [
        {"name": "task", "element": "a", "value": "parent"},
        {"name": "incident", "element": "a", "value": "child"},
        {"name": "problem", "element": "a", "value": "stranger"},
    ]
    assert one(column("a", choice="1"), choices=choices).choices == ("child",)


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_type_of_column(name: str) -> None:
    field = one(column("a", name, max_length="40"))
    assert field.type is TYPES[name].type
    assert field.tracks <= field.matches


@pytest.mark.parametrize("name", sorted(SKIPPED))
def test_types_that_cannot_be_written(name: str) -> None:
    assert read_columns(CHAIN, [column("a", name)], [], []) == []
    assert read_page_columns({"a": {"type": name}}) == []


def test_lengths() -> None:
    short, long, tiny = (one(column("a", max_length=length)) for length in ("255", "256", "31"))

    assert (short.type, short.matches, short.tracks, short.max_length) == (FieldType.STRING, True, True, 255)
    assert (long.type, long.matches, long.tracks, long.max_length) == (FieldType.TEXT, False, False, 256)
    assert (tiny.matches, tiny.tracks) == (True, False)
    assert one(column("a", "boolean", max_length="40")).max_length is None


@pytest.mark.parametrize(
    ("values", "required", "writable"),
    [
        ({"mandatory": "true"}, True, True),
        ({"mandatory": "true", "default_value": "1"}, False, True),
        ({"mandatory": "true", "read_only": "true"}, False, False),
    ],
)
def test_required(values: dict[str, str], required: bool, writable: bool) -> None:
    field = one(column("a", **values))
    assert (field.required, field.createable, field.updateable) == (required, writable, writable)


def test_the_systems_own_columns_are_left_out() -> None:
    rows = [
        column("sys_id", "GUID"),
        column("sys_created_on", "glide_date_time"),
        column("v", virtual="true"),
    ]
    assert [field.name for field in read_columns(CHAIN, rows, [], [])] == ["sys_id"]


def test_columns_of_the_forms() -> None:
    found = read_page_columns(
        {
            "sys_id": {"type": "GUID"},
            "sys_updated_by": {"type": "string"},
            "state": {
                "label": "State",
                "type": "choice",
                "internal_type": "integer",
                "mandatory": True,
                "read_only": False,
                "max_length": 40,
                "choice_type": "dropdown",
                "choices": [{"value": "1", "label": "New"}, "odd"],
            },
            "caller_id": {"type": "reference", "reference": "sys_user", "choices": "none"},
        }
    )

    assert [field.name for field in found] == ["caller_id", "state", "sys_id"]
    assert (found[0].type, found[0].reference_to) == (FieldType.REFERENCE, "sys_user")
    assert (found[1].type, found[1].choices, found[1].required) == (FieldType.ENUM, ("1",), True)
