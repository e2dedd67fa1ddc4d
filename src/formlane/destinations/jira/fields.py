"""The fields of a create screen: what each is to us, and how it is written and searched.

Source: Jira Cloud platform REST API v3, "Get create field metadata for a project and issue type id"; Data
Center's form names its array `values` and leaves out `key`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import Struct

from formlane.destinations.base import FieldInfo
from formlane.domain.types import FieldType, Json

from .values import CASCADE, Shape, Write, writer

KEY: Final = "key"
"""A field of ours: the key of an issue, to find it by."""

USER: Final = "user"
"""An object that can be looked up, not written."""

_BUILT_IN: Final = "com.atlassian.jira.plugin.system.customfieldtypes:"
_LINE_LENGTH: Final = 255
_RICH_LENGTH: Final = 32_767
_EXACT_DIGITS: Final = 15
"""Decimal digits that double precision always keeps."""


class Schema(Struct, rename="camel"):
    """The type of a field."""

    type: str = ""
    items: str | None = None
    system: str | None = None
    custom: str | None = None
    custom_id: int | None = None


class Choice(Struct):
    """An allowed value; options have a `value`, all others a `name` or a `key`."""

    id: str | int = ""
    value: str | None = None
    name: str | None = None
    children: list[Choice] = []


class FieldDocument(Struct, rename="camel"):
    """A field as Jira describes it."""

    name: str
    schema: Schema
    field_id: str = ""
    key: str = ""
    required: bool = False
    has_default_value: bool = False
    allowed_values: msgspec.Raw = msgspec.Raw(b"[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field: its description, its shape, how to write it, and its name in a query."""

    info: FieldInfo
    shape: Shape
    write: Write
    clause: str


def field_of(document: FieldDocument, *, cloud: bool) -> Field | None:
    """What a described field is to us; None for one that nobody can set here."""
    schema = document.schema
    shape = shape_of(schema)
    if shape is None:
        return None
    name = document.field_id or document.key
    choices = _choices(document.allowed_values, shape)
    kind, reference = KINDS[shape]
    matches = shape in (Shape.LABELS, Shape.NUMBER, Shape.URL)
    info = FieldInfo(
        name=name,
        label=document.name,
        type=kind,
        required=document.required and not document.has_default_value,
        max_length=_LENGTHS.get(shape),
        digits=_EXACT_DIGITS if shape is Shape.NUMBER else None,
        choices=tuple(choices),
        open_choices=kind in _CHOSEN and not choices,
        reference_to=reference,
        matches=matches,
        tracks=shape is Shape.LABELS,
    )
    return Field(
        info=info,
        shape=shape,
        write=writer(shape, choices=choices, cloud=cloud),
        clause=name if schema.custom_id is None else f"cf[{schema.custom_id}]",
    )


KEY_FIELD: Final = Field(
    info=FieldInfo(
        name=KEY,
        label="Issue key",
        type=FieldType.STRING,
        createable=False,
        updateable=False,
        unique=True,
        max_length=_LINE_LENGTH,
        matches=True,
    ),
    shape=Shape.LINE,
    write=writer(Shape.LINE, choices={}, cloud=True),
    clause="key",
)

USER_FIELD: Final = FieldInfo(
    name="email",
    label="Email address or name",
    type=FieldType.STRING,
    createable=False,
    updateable=False,
    matches=True,
)


def shape_of(schema: Schema) -> Shape | None:
    """What Jira expects in a field of this type; None where it cannot be set when an issue is created."""
    if schema.system in _NOT_SET:
        return None
    custom = (schema.custom or "").removeprefix(_BUILT_IN)
    if custom == "readonlyfield":
        return None
    if custom in _CUSTOM:
        return _CUSTOM[custom]
    if (schema.system or "") in _SYSTEM:
        return _SYSTEM[schema.system or ""]
    if schema.type == "array":
        return _ARRAYS.get(schema.items or "", Shape.OPAQUE)
    return _TYPES.get(schema.type, Shape.OPAQUE)


def _choices(raw: msgspec.Raw, shape: Shape) -> Mapping[str, Json]:
    """By label, what to send. Apps list what they like, so what has another form counts as nothing."""
    if shape not in _OFFERED:
        return {}
    try:
        found = msgspec.json.decode(raw, type=list[Choice])
    except msgspec.ValidationError:
        return {}
    return dict(_cascade(found) if shape is Shape.CASCADE else ((_label(one), _id(one)) for one in found))


def _cascade(parents: Sequence[Choice]) -> list[tuple[str, Json]]:
    pairs: list[tuple[str, Json]] = []
    for parent in parents:
        pairs.append((_label(parent), _id(parent)))
        pairs += [
            (f"{_label(parent)}{CASCADE}{_label(child)}", {"id": str(parent.id), "child": _id(child)})
            for child in parent.children
        ]
    return pairs


def _label(choice: Choice) -> str:
    return choice.value or choice.name or str(choice.id)


def _id(choice: Choice) -> Mapping[str, Json]:
    return {"id": str(choice.id)}


_NOT_SET: Final = frozenset(
    {
        "project",
        "issuetype",
        "status",
        "created",
        "updated",
        "creator",
        "votes",
        "watches",
        "worklog",
        "attachment",
        "issuelinks",
        "comment",
        "resolution",
        "resolutiondate",
        "subtasks",
    }
)
"""Given by the object, or never set when an issue is created."""

_SYSTEM: Final[Mapping[str, Shape]] = {
    "summary": Shape.LINE,
    "description": Shape.RICH,
    "environment": Shape.RICH,
    "labels": Shape.LABELS,
    "parent": Shape.ISSUE,
    "timetracking": Shape.ESTIMATE,
}

_CUSTOM: Final[Mapping[str, Shape]] = {
    "textfield": Shape.LINE,
    "textarea": Shape.RICH,
    "url": Shape.URL,
    "float": Shape.NUMBER,
    "datepicker": Shape.DATE,
    "datetime": Shape.DATETIME,
    "select": Shape.OPTION,
    "radiobuttons": Shape.OPTION,
    "multiselect": Shape.OPTIONS,
    "multicheckboxes": Shape.OPTIONS,
    "cascadingselect": Shape.CASCADE,
    "labels": Shape.LABELS,
    "userpicker": Shape.USER,
    "multiuserpicker": Shape.USERS,
    "grouppicker": Shape.GROUP,
    "multigrouppicker": Shape.GROUPS,
    "project": Shape.PROJECT,
    "version": Shape.NAMED,
    "multiversion": Shape.NAMEDS,
    "com.pyxis.greenhopper.jira:gh-sprint": Shape.INTEGER,
    "com.pyxis.greenhopper.jira:gh-epic-link": Shape.LINE,
    "atlassian-team": Shape.TEAM,
}

_TYPES: Final[Mapping[str, Shape]] = {
    "string": Shape.LINE,
    "number": Shape.NUMBER,
    "date": Shape.DATE,
    "datetime": Shape.DATETIME,
    "option": Shape.OPTION,
    "option-with-child": Shape.CASCADE,
    "priority": Shape.NAMED,
    "version": Shape.NAMED,
    "component": Shape.NAMED,
    "securitylevel": Shape.NAMED,
    "user": Shape.USER,
    "group": Shape.GROUP,
    "project": Shape.PROJECT,
    "issuelink": Shape.ISSUE,
    "timetracking": Shape.ESTIMATE,
    "team": Shape.TEAM,
}

_ARRAYS: Final[Mapping[str, Shape]] = {
    "string": Shape.LABELS,
    "option": Shape.OPTIONS,
    "component": Shape.NAMEDS,
    "version": Shape.NAMEDS,
    "user": Shape.USERS,
    "group": Shape.GROUPS,
}

KINDS: Final[Mapping[Shape, tuple[FieldType, str | None]]] = {
    Shape.LINE: (FieldType.STRING, None),
    Shape.RICH: (FieldType.TEXT, None),
    Shape.URL: (FieldType.URL, None),
    Shape.NUMBER: (FieldType.DECIMAL, None),
    Shape.INTEGER: (FieldType.INTEGER, None),
    Shape.DATE: (FieldType.DATE, None),
    Shape.DATETIME: (FieldType.DATETIME, None),
    Shape.OPTION: (FieldType.ENUM, None),
    Shape.OPTIONS: (FieldType.MULTI_ENUM, None),
    Shape.CASCADE: (FieldType.ENUM, None),
    Shape.NAMED: (FieldType.ENUM, None),
    Shape.NAMEDS: (FieldType.MULTI_ENUM, None),
    Shape.LABELS: (FieldType.MULTI_ENUM, None),
    Shape.USER: (FieldType.REFERENCE, USER),
    Shape.USERS: (FieldType.MULTI_ENUM, USER),
    Shape.GROUP: (FieldType.REFERENCE, "group"),
    Shape.GROUPS: (FieldType.MULTI_ENUM, "group"),
    Shape.PROJECT: (FieldType.REFERENCE, "project"),
    Shape.ISSUE: (FieldType.REFERENCE, "issue"),
    Shape.ESTIMATE: (FieldType.STRING, None),
    Shape.TEAM: (FieldType.REFERENCE, "team"),
    Shape.OPAQUE: (FieldType.JSON, None),
}
"""The canonical type of each shape, and what it refers to."""

_CHOSEN: Final = frozenset({FieldType.ENUM, FieldType.MULTI_ENUM})
_OFFERED: Final = frozenset({Shape.OPTION, Shape.OPTIONS, Shape.CASCADE, Shape.NAMED, Shape.NAMEDS})
_LENGTHS: Final[Mapping[Shape, int]] = {
    Shape.LINE: _LINE_LENGTH,
    Shape.URL: _LINE_LENGTH,
    Shape.RICH: _RICH_LENGTH,
    Shape.LABELS: _LINE_LENGTH,
}
