"""From rows of the dictionary to fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from formlane.destinations.base import FieldInfo
from formlane.domain.types import FieldType

from .plans import SYS_ID
from .types import OTHER, SKIPPED, TYPES, ColumnType

Row = Mapping[str, str]

DICTIONARY: Final = (
    "name",
    "element",
    "column_label",
    "internal_type",
    "max_length",
    "mandatory",
    "read_only",
    "unique",
    "default_value",
    "reference",
    "choice",
    "virtual",
)
OVERRIDES: Final = (
    "name",
    "element",
    "mandatory",
    "mandatory_override",
    "read_only",
    "read_only_override",
    "default_value",
    "default_value_override",
)
CHOICES: Final = ("name", "element", "value")
"""Columns asked for of `sys_dictionary`, `sys_dictionary_override` and `sys_choice`."""

LONGEST_KEY: Final = 255
"""Longer text is kept outside of the row (MEDIUMTEXT): no key to search by ("Database field types")."""

TRACKING_LENGTH: Final = 32
"""Characters of a tracking key."""

_MATCHING: Final = frozenset(
    {
        FieldType.STRING,
        FieldType.EMAIL,
        FieldType.PHONE,
        FieldType.URL,
        FieldType.REFERENCE,
        FieldType.INTEGER,
    }
)
_BOUND_CHOICE: Final = {"1": False, "3": False, "2": True}
"""Kinds of choice lists; 2 only suggests (platform practice)."""


def read_columns(
    chain: Sequence[str], dictionary: Iterable[Row], overrides: Iterable[Row], choices: Iterable[Row]
) -> list[FieldInfo]:
    """The fields of a table, given what it extends, itself first. The nearest table's row holds."""
    rows = _nearest(chain, dictionary)
    changes = _nearest(chain, overrides)
    offered = _choices(chain, choices)
    fields = []
    for name, row in sorted(rows.items()):
        internal = row.get("internal_type", "")
        if internal in SKIPPED or row.get("virtual") == "true":
            continue
        if name == SYS_ID:
            fields.append(SYS_ID_FIELD)
        elif not name.startswith("sys_"):
            fields.append(_field({**row, **_overridden(changes.get(name, {}))}, offered.get(name, ())))
    return fields


SYS_ID_FIELD: Final = FieldInfo(
    name=SYS_ID,
    label="Sys ID",
    type=FieldType.REFERENCE,
    updateable=False,
    unique=True,
    max_length=32,
    matches=True,
    tracks=True,
)
"""The record's own identity. A create may bring one of its own."""


def read_page_columns(columns: Mapping[str, Mapping[str, object]]) -> list[FieldInfo]:
    """The same from what the instance's own forms are made of, for users who may not read the dictionary."""
    fields = []
    for name, column in sorted(columns.items()):
        internal = str(column.get("internal_type") or column.get("type") or "")
        if internal in SKIPPED:
            continue
        if name == SYS_ID:
            fields.append(SYS_ID_FIELD)
        elif not name.startswith("sys_"):
            fields.append(_field(_page_row(name, internal, column), _page_choices(column)))
    return fields


def _nearest(chain: Sequence[str], rows: Iterable[Row]) -> dict[str, Row]:
    depth = {table: position for position, table in enumerate(chain)}
    found: dict[str, Row] = {}
    for row in sorted(rows, key=lambda one: -depth.get(one.get("name", ""), len(chain))):
        found[row.get("element", "")] = row
    return found


def _choices(chain: Sequence[str], rows: Iterable[Row]) -> dict[str, tuple[str, ...]]:
    """Values by column. A table that has any for a column replaces those of the tables it extends."""
    by_place: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        by_place.setdefault((row["name"], row["element"]), {})[row["value"]] = None
    found: dict[str, tuple[str, ...]] = {}
    for table in reversed(chain):
        found |= {name: tuple(values) for (owner, name), values in by_place.items() if owner == table}
    return found


def _overridden(row: Row) -> dict[str, str]:
    return {
        name: row.get(name, "")
        for name in ("mandatory", "read_only", "default_value")
        if row.get(f"{name}_override") == "true"
    }


def _field(row: Row, choices: tuple[str, ...]) -> FieldInfo:
    kind = TYPES.get(row.get("internal_type", ""), OTHER)
    listed = row.get("choice", "") in _BOUND_CHOICE and bool(choices)
    length = int(row["max_length"]) if row.get("max_length", "").isdecimal() else None
    type_ = FieldType.ENUM if listed else _sized(kind.type, length)
    writable = row.get("read_only") != "true"
    note = f" ({kind.note})" if kind.note else ""
    return FieldInfo(
        name=row["element"],
        label=f"{row.get('column_label') or row['element']}{note}",
        type=type_,
        required=row.get("mandatory") == "true" and writable and not row.get("default_value"),
        createable=writable,
        updateable=writable,
        unique=row.get("unique") == "true",
        max_length=length if _is_bounded(type_) else None,
        digits=kind.digits,
        decimals=kind.decimals,
        choices=choices if listed else (),
        open_choices=listed and _BOUND_CHOICE[row.get("choice", "")],
        reference_to=row.get("reference") or None,
        matches=_is_searchable(type_, kind, length),
        tracks=kind.plain and not listed and writable and TRACKING_LENGTH <= (length or 0) <= LONGEST_KEY,
    )


def _sized(type_: FieldType, length: int | None) -> FieldType:
    return FieldType.TEXT if type_ is FieldType.STRING and (length or 0) > LONGEST_KEY else type_


def _is_bounded(type_: FieldType) -> bool:
    return type_ in {FieldType.STRING, FieldType.TEXT, FieldType.EMAIL, FieldType.PHONE, FieldType.URL}


def _is_searchable(type_: FieldType, kind: ColumnType, length: int | None) -> bool:
    if type_ is FieldType.STRING:
        return kind.plain
    return type_ in _MATCHING


def _page_row(name: str, internal: str, column: Mapping[str, object]) -> dict[str, str]:
    listed = {"dropdown": "1", "dropdown_with_none": "1", "dropdown_without_none": "3", "suggestion": "2"}
    return {
        "element": name,
        "column_label": str(column.get("label") or ""),
        "internal_type": internal,
        "max_length": str(column.get("max_length") or ""),
        "mandatory": str(column.get("mandatory") is True).lower(),
        "read_only": str(column.get("read_only") is True).lower(),
        "default_value": str(column.get("default") or ""),
        "reference": str(column.get("reference") or ""),
        "choice": listed.get(str(column.get("choice_type") or ""), ""),
    }


def _page_choices(column: Mapping[str, object]) -> tuple[str, ...]:
    choices = column.get("choices")
    if not isinstance(choices, list):
        return ()
    return tuple(str(one.get("value", "")) for one in choices if isinstance(one, dict))
