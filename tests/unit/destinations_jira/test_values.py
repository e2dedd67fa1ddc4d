from __future__ import annotations

from collections import UserList
from types import MappingProxyType

import msgspec
import pytest

from formlane.destinations.jira.adf import document
from formlane.destinations.jira.fields import FieldDocument, Schema, field_of, shape_of
from formlane.destinations.jira.run import encode
from formlane.destinations.jira.values import Shape, Unfit, text_of, writer
from formlane.domain.types import FieldType, Json


def write(shape: Shape, value: Json, *, cloud: bool = True) -> Json:
    return writer(shape, choices={"Red": {"id": "1"}}, cloud=cloud)(value)


@pytest.mark.parametrize(
    ("shape", "value", "cloud", "expected"),
    [
        (Shape.LINE, 5, True, "5"),
        (Shape.LINE, True, True, "true"),
        (Shape.LINE, ["a", False], True, "a, false"),
        (Shape.LINE, None, True, None),
        (Shape.RICH, "a", False, "a"),
        (Shape.RICH, {"type": "doc"}, True, {"type": "doc"}),
        (Shape.NUMBER, 5, True, 5),
        (Shape.INTEGER, "5", True, 5),
        (Shape.OPTION, "Red", True, {"id": "1"}),
        (Shape.OPTION, "Blue", True, {"value": "Blue"}),
        (Shape.OPTION, {"id": "7"}, True, {"id": "7"}),
        (Shape.OPTIONS, ["Red", "Blue"], True, [{"id": "1"}, {"value": "Blue"}]),
        (Shape.OPTIONS, "Red", True, [{"id": "1"}]),
        (Shape.OPTIONS, None, True, []),
        (Shape.CASCADE, "Europe -> Rome", True, {"value": "Europe", "child": {"value": "Rome"}}),
        (Shape.CASCADE, "Europe", True, {"value": "Europe"}),
        (Shape.NAMED, "Urgent", True, {"name": "Urgent"}),
        (Shape.LABELS, ["a", "b"], True, ["a", "b"]),
        (Shape.USER, "5b10", True, {"accountId": "5b10"}),
        (Shape.USER, "mia", False, {"name": "mia"}),
        (Shape.USERS, ["mia"], False, [{"name": "mia"}]),
        (Shape.GROUP, "g", True, {"name": "g"}),
        (Shape.PROJECT, "10000", True, {"id": "10000"}),
        (Shape.ISSUE, "EX-1", True, {"key": "EX-1"}),
        (Shape.ESTIMATE, "1d", True, {"originalEstimate": "1d"}),
        (Shape.OPAQUE, [{"workspaceId": "w"}], True, [{"workspaceId": "w"}]),
        (Shape.DATETIME, "2026-01-31T14:05:00+02:00", True, "2026-01-31T12:05:00.000+0000"),
    ],
)
def test_each_shape_is_written_as_jira_takes_it(
    shape: Shape, value: Json, cloud: bool, expected: Json
) -> None:
    assert write(shape, value, cloud=cloud) == expected


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        (Shape.NUMBER, "1.00000000000000000001"),
        (Shape.NUMBER, True),
        (Shape.INTEGER, "1.5"),
        (Shape.DATETIME, "soon"),
        (Shape.DATETIME, "2026-01-31T14:05:00"),
    ],
)
def test_what_does_not_fit_is_not_sent(shape: Shape, value: Json) -> None:
    with pytest.raises(Unfit):
        write(shape, value)


def test_text_of_a_list_is_its_parts() -> None:
    assert text_of(["a", 1, True]) == "a, 1, true"


@pytest.mark.parametrize(
    ("text", "paragraphs"),
    [
        ("a", ["a"]),
        ("", [""]),
        ("a\r\nb\rc", ["a|b|c"]),
        ("a\n\nb", ["a", "", "b"]),
        ("\na\n", ["", "a", ""]),
        ("a\n\n\nb", ["a", "", "", "b"]),
    ],
)
def test_lines_share_a_paragraph_and_empty_ones_are_paragraphs(text: str, paragraphs: list[str]) -> None:
    found = document(text)["content"]
    assert isinstance(found, list)
    shown = ["".join(node.get("text", "|") for node in one["content"]) for one in found]
    assert shown == paragraphs


CUSTOM = "com.atlassian.jira.plugin.system.customfieldtypes:"


@pytest.mark.parametrize(
    ("schema", "shape"),
    [
        (Schema(type="string", system="summary"), Shape.LINE),
        (Schema(type="string", system="environment"), Shape.RICH),
        (Schema(type="string", custom=f"{CUSTOM}textarea"), Shape.RICH),
        (Schema(type="string", custom="com.example:text"), Shape.LINE),
        (Schema(type="option-with-child", custom="com.example:two"), Shape.CASCADE),
        (Schema(type="array", items="option", custom="com.example:many"), Shape.OPTIONS),
        (Schema(type="array", items="attachment", system="x"), Shape.OPAQUE),
        (Schema(type="any", custom="com.atlassian.jira.plugins.cmdb:cmdb-object-cftype"), Shape.OPAQUE),
        (Schema(type="array", items="json", custom="com.pyxis.greenhopper.jira:gh-sprint"), Shape.INTEGER),
        (Schema(type="team", custom=f"{CUSTOM}atlassian-team"), Shape.TEAM),
        (Schema(type="any", custom=f"{CUSTOM}readonlyfield"), None),
        (Schema(type="status", system="status"), None),
    ],
)
def test_the_type_of_a_field_gives_its_shape(schema: Schema, shape: Shape | None) -> None:
    assert shape_of(schema) is shape


def test_a_field_with_choices_that_nobody_can_read_takes_anything() -> None:
    document_ = FieldDocument(
        name="Colour",
        key="c",
        schema=Schema(type="option", custom="com.example:colour"),
        allowed_values=msgspec.Raw(b'["red"]'),
    )
    field = field_of(document_, cloud=True)
    assert field is not None
    assert (field.info.name, field.info.type) == ("c", FieldType.ENUM)
    assert (field.info.choices, field.info.open_choices) == ((), True)
    assert field.write("red") == {"value": "red"}


def test_choices_without_a_name_go_by_their_number() -> None:
    document_ = FieldDocument(
        name="Colour",
        field_id="c",
        schema=Schema(type="priority", system="priority"),
        allowed_values=msgspec.Raw(b'[{"id":3},{"id":"4","name":"Low"}]'),
    )
    field = field_of(document_, cloud=True)
    assert field is not None
    assert field.info.choices == ("3", "Low")
    assert field.write("3") == {"id": "3"}


def test_only_what_json_can_hold_is_encoded() -> None:
    assert encode({"n": 2**70}) == b'{"n":%d}' % 2**70
    assert encode({"n": UserList([MappingProxyType({"a": 1})])}) == b'{"n":[{"a":1}]}'
    assert encode({"n": object()}) is None
    assert encode({"n": "\ud800"}) is None
